"""
The acceptance rule, by which a candidate is adopted or refused: a pure function.

A candidate is adopted when all of these hold. Answers are compared in pairs, question by question, by a bootstrap of
10,000 resamples with a fixed seed.

1. Every part of the exam was put: facts or stale ones, abstain, canary, and general for a tiny model, knowledge,
   instructions, likeness for any other. What could not run has failed.
2. No regression. A part has regressed when its mean loss is above its slack and four resamples in five lose too:
   then the loss is no accident of one question. (One lost question among many never is: 63 % of its resamples lose.)
   Against the live generation and against the base: grounded, abstain, stale, slack 5 points each. Against the live
   one: facts that it has learned, 5 points. Against the base: general, 30 points of likeness.
   The canary has no slack and no accidents: any question that the base passes and the candidate does not refuses it.
   Knowledge and instructions: of what the base gets right no more than a tenth may be lost. A question is lost when it
   is answered wrongly and the base's right answer has become less likely; rounding alone turns one in ten. Likeness:
   what the base says may be 15 % less likely per token. Both, for a night must not cost what nobody gave up.
3. A significant win over the live generation (the base, when none is live) in facts and stale traps: the lower 95 %
   bound of the mean gain is above 0. Where fewer than five answers differ no bootstrap can tell; then all that
   differ must be the candidate's. The win may also be shown on the news alone (what the live generation has
   not learned, or what holds no more), if the candidate has not fewer right in all: a night that adds two memories
   to two hundred must not drown in the noise of the two hundred.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

import numpy as np

from daemon.exam.exam import Exam, Mark

SLACK = {"known": 0.05, "grounded": 0.05, "abstain": 0.05, "stale": 0.05, "general": 0.30, "likeness": 0.15}
KEPT = {  # part: how many of what the base gets right may be lost, and what is said when more are
    "knowledge": (0.10, "it forgot general knowledge: {} of {} questions that the base answers"),
    "instructions": (0.10, "it follows instructions worse: {} of {} that the base follows"),
}
RESAMPLES = 10_000
SURE_OF_A_WIN = 0.95
SURE_OF_A_LOSS = 0.80
ENOUGH_TO_TEST = 5  # answers that differ
TOLERANCE = 1e-9  # shares are floats
WORDS = {
    "known": "it has forgotten what it should know",
    "grounded": "it reads memories worse",
    "abstain": "it abstains less",
    "stale": "it tells what holds no more",
    "general": "it talks unlike the base",
    "likeness": "it speaks unlike the base",
    "canary": "it no longer speaks as it should",
}
Against = Literal["live", "base"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The candidate compared with another on the same questions; shares and their differences, -1 to 1."""

    asked: int
    candidate: float
    other: float
    low: float  # the difference is above this in 95 % of the resamples
    high: float  # and below this in 95 %
    losing: float  # share of the resamples in which the candidate has less

    @property
    def difference(self) -> float:
        """Candidate less other."""
        return self.candidate - self.other


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether to adopt, and why, for a person."""

    adopt: bool
    reason: str
    compared: Mapping[str, Compared] = field(default_factory=dict)  # "facts", "known live", "grounded base" …

    def as_json(self) -> dict[str, dict[str, float]]:
        """Each comparison, for the record."""
        names = ("asked", "candidate", "other", "difference", "low", "high")
        return {name: {key: getattr(one, key) for key in names} for name, one in self.compared.items()}


def decide(exam: Exam) -> Verdict:
    """Adopt or refuse; the reason names the first rule that failed, or the win."""
    if absent := missing({mark.part for mark in exam.marks}, exam.parts):
        return Verdict(adopt=False, reason=not_asked(absent))
    compared = _compared(exam)
    why_not = _lost_canary(exam) or _forgot(exam) or _regression(compared) or _no_win(exam, compared)
    if why_not:
        return Verdict(adopt=False, reason=why_not, compared=compared)
    return Verdict(adopt=True, reason=_win(exam), compared=compared)


def compare(marks: Sequence[Mark], against: Against) -> Compared:
    """The candidate compared with the live generation or the base on `marks`, at least one."""
    pairs = [(mark.candidate, _other(mark, against)) for mark in marks]
    means = resampled([own - other for own, other in pairs])
    last = len(means) - 1
    return Compared(
        asked=len(pairs),
        candidate=fmean(own for own, _ in pairs),
        other=fmean(other for _, other in pairs),
        low=float(means[round(last * (1 - SURE_OF_A_WIN))]),
        high=float(means[round(last * SURE_OF_A_WIN)]),
        losing=float(np.mean(means < -TOLERANCE)),
    )


def resampled(differences: Sequence[float]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Means of resamples of `differences`, sorted; the same for the same ones in any order."""
    values, counts = np.unique(np.asarray(differences, np.float64), return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(differences), counts / counts.sum(), size=RESAMPLES)
    means: np.ndarray[tuple[int], np.dtype[np.float64]] = np.sort(drawn @ values / len(differences))
    return means


def _other(mark: Mark, against: Against) -> float:
    return mark.base if against == "base" or mark.live is None else mark.live


def missing(parts: Collection[str], wanted: Sequence[str]) -> list[str]:
    """Which of the parts that must be put, besides facts, are not among `parts`."""
    facts = [] if {"facts", "stale"} & set(parts) else ["facts"]
    return [*facts, *(one for one in wanted if one not in parts)]


def not_asked(parts: Collection[str]) -> str:
    """Why an exam without these parts can't be passed."""
    return f"the exam has no questions of the kind {', '.join(parts)}, so it could not be passed"


def _compared(exam: Exam) -> dict[str, Compared]:
    """All comparisons that have a question, the win's first."""
    asked = exam.of("facts", "stale")
    parts: dict[str, tuple[list[Mark], Against]] = {
        "facts": (asked, "live"),
        "news": ([mark for mark in asked if mark.is_news], "live"),
        "known live": ([mark for mark in exam.of("facts") if not mark.is_news], "live"),
    }
    for part in ("grounded", "abstain", "stale"):
        parts |= {f"{part} base": (exam.of(part), "base"), f"{part} live": (exam.of(part), "live")}
    for part in ("general", *KEPT, "likeness", "canary"):
        parts[f"{part} base"] = (exam.of(part), "base")
    return {name: compare(marks, against) for name, (marks, against) in parts.items() if marks}


def _lost_canary(exam: Exam) -> str | None:
    canaries = exam.of("canary")
    lost = sum(mark.candidate < mark.base - TOLERANCE for mark in canaries)
    return f"{WORDS['canary']}: {lost} of {len(canaries)} answers that the base passes" if lost else None


def _forgot(exam: Exam) -> str | None:
    """Why it is worse than the base at what has nothing to do with the user."""
    for part, (slack, words) in KEPT.items():
        could = [mark for mark in exam.of(part) if mark.base > TOLERANCE]
        lost = sum(mark.candidate < mark.base - TOLERANCE for mark in could)
        if lost > 1 and lost > slack * len(could) + TOLERANCE:
            return words.format(lost, len(could))
    return None


def _regression(compared: Mapping[str, Compared]) -> str | None:
    for name, one in compared.items():
        part, _, other = name.partition(" ")
        if (
            part in SLACK
            and other
            and one.difference < -SLACK[part] - TOLERANCE
            and one.losing >= SURE_OF_A_LOSS
        ):
            whom = "the base" if other == "base" else "the live generation"
            return f"{WORDS[part]}: {one.candidate:.0%} of {one.asked} questions, {whom} {one.other:.0%}"
    return None


def _no_win(exam: Exam, compared: Mapping[str, Compared]) -> str | None:
    asked = exam.of("facts", "stale")
    news = [mark for mark in asked if mark.is_news]
    not_fewer = compared["facts"].difference >= -TOLERANCE
    if _wins(asked, compared["facts"]) or (news and not_fewer and _wins(news, compared["news"])):
        return None
    better, worse = _better(asked)
    return f"it knows no more than what is live: of {len(asked)} answers {better} are better, {worse} worse"


def _wins(marks: Sequence[Mark], compared: Compared) -> bool:
    better, worse = _better(marks)
    if better + worse < ENOUGH_TO_TEST:
        return better > 0 and worse == 0
    return compared.low > TOLERANCE


def _better(marks: Sequence[Mark]) -> tuple[int, int]:
    """How many answers of the candidate are better than the live one's, and how many worse."""
    differences = [mark.candidate - _other(mark, "live") for mark in marks]
    return sum(one > TOLERANCE for one in differences), sum(one < -TOLERANCE for one in differences)


def _win(exam: Exam) -> str:
    facts, stale = exam.of("facts"), exam.of("stale")
    parts = []
    if facts:
        right, before = (
            sum(marks) for marks in zip(*((m.candidate, _other(m, "live")) for m in facts), strict=True)
        )
        parts.append(
            f"{right:.0f} of {len(facts)} held-out questions right without any memory in its context; "
            f"before, {before:.0f}"
        )
    saved = sum(mark.candidate > _other(mark, "live") for mark in stale)
    if saved:
        parts.append(f"{saved} of {len(stale)} times it no longer tells what holds no more")
    return "; ".join(parts)
