"""
The rule by which a candidate is adopted or refused, a pure function; it knows nothing of how an exam is held.

A candidate is adopted when all of these hold:

1. every part of the exam was held (a check that could not run counts as failed);
2. no regression against the base model: abstaining at most 10 points lower, grounded answers at most 5 points
   lower (one question more or less is noise and never counts), small talk at least 0.7 alike in words;
3. it knows more than the live generation (the base, when none is live): among the held-out facts that only
   one of the two has right, an exact one-sided sign test gives p <= 0.05; where fewer than five differ, the
   test can't say so, and all of them must be the candidate's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import fmean

from daemon.night.exam import Exam

ABSTAIN_SLACK = 0.10
GROUNDED_SLACK = 0.05
GENERAL_AT_LEAST = 0.7
SIGNIFICANT = 0.05
ENOUGH_TO_TEST = 5  # 0.5 ** 5 is the first power of a half below 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether to adopt, and why, for a person."""

    adopt: bool
    reason: str


def decide(exam: Exam) -> Verdict:
    """Adopt or refuse; the reason names the first rule that failed, or the win."""
    why_not = _not_held(exam) or _regression(exam) or _no_win(exam)
    if why_not:
        return Verdict(adopt=False, reason=why_not)
    score = f"{sum(exam.candidate)} of {len(exam.candidate)} held-out questions right"
    return Verdict(adopt=True, reason=f"{score} without any memory in its context; before, {sum(exam.live)}")


def sign_test(better: int, worse: int) -> float:
    """The one-sided p of a paired comparison: at least `better` heads of `better + worse` fair coins."""
    n = better + worse
    return sum(comb(n, wins) for wins in range(better, n + 1)) / 2.0**n


def _not_held(exam: Exam) -> str | None:
    parts = {"facts": exam.candidate, "abstain": exam.abstain_candidate, "general": exam.general}
    missing = [name for name, results in parts.items() if not results]
    return (
        f"the exam had no questions of the kind {', '.join(missing)}, so it could not be passed"
        if missing
        else None
    )


def _regression(exam: Exam) -> str | None:
    if _fell(exam.abstain_candidate, exam.abstain_base, ABSTAIN_SLACK):
        return f"it abstains less: {_percent(exam.abstain_candidate)}, base {_percent(exam.abstain_base)}"
    if _fell(exam.grounded_candidate, exam.grounded_base, GROUNDED_SLACK):
        return (
            f"it reads memories worse: {_percent(exam.grounded_candidate)} right with them in its context, "
            f"base {_percent(exam.grounded_base)}"
        )
    if fmean(exam.general) < GENERAL_AT_LEAST:
        return f"it talks unlike the base: word overlap {fmean(exam.general):.2f}, wanted {GENERAL_AT_LEAST}"
    return None


def _fell(candidate: Sequence[bool], base: Sequence[bool], slack: float) -> bool:
    lost = sum(base) - sum(candidate)
    return lost > 1 and lost > slack * len(base)


def _no_win(exam: Exam) -> str | None:
    better = sum(new and not old for new, old in zip(exam.candidate, exam.live, strict=True))
    worse = sum(old and not new for new, old in zip(exam.candidate, exam.live, strict=True))
    enough = better + worse >= ENOUGH_TO_TEST
    won = sign_test(better, worse) <= SIGNIFICANT if enough else better > 0 and worse == 0
    if won:
        return None
    asked = len(exam.candidate)
    return f"it knows no more than what is live: of {asked} answers {better} are better, {worse} worse"


def _percent(results: Sequence[bool]) -> str:
    return f"{fmean(results):.0%}"
