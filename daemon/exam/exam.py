"""
The exam: the same questions to the candidate, the live generation and the base model, on the engine itself.

Answers are greedy, adapters are chosen per request, and nothing is adopted or stored. A question that the engine can't
take is answered wrongly by all. Which questions are asked: `questions.py`. What passes: `acceptance.py`.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from daemon.engine.check_model import is_sane
from daemon.engine.client import Completion, Engine, Sampling
from daemon.engine.errors import PromptTooLong
from daemon.errors import DaemonError
from daemon.exam.questions import PARTS, Question
from daemon.processes.foreground_gate import ForegroundGate
from daemon.progress import Progress
from daemon.text import content_words, normalised

MAX_REPLY_TOKENS = 48
MAX_CANARY_TOKENS = 96
SHOWN_MISSES = 10
LONGEST_S = 7_200.0  # some hundreds of short answers, on a slow machine
NOT_LIVE = ("general", "canary")  # parts where the base alone is the measure
_DOESNT_KNOW = re.compile(r"\b(do not|don't|cannot|can't) (know|have|recall|remember|say)\b|\bnot sure\b")


class ExamTooLong(DaemonError):
    """An exam was not over in time; it counts as failed."""

    def __init__(self, within_s: float) -> None:
        super().__init__(f"the exam took more than {within_s / 60:.0f} minutes, so it could not be passed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How all three did on one question: 1.0 right, 0.0 wrong; general: likeness to the base."""

    part: str
    lesson_id: int | None
    is_news: bool  # the live generation has not learned what was asked for
    candidate: float
    live: float | None  # base's own when no generation is live; None: not asked
    base: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One wrong answer of the candidate."""

    part: str
    lesson_id: int | None
    question: str
    wanted: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """Every answer of one exam, judged."""

    marks: tuple[Mark, ...]
    missed: tuple[Missed, ...] = ()  # facts, stale, abstain and canary
    drift: float | None = None  # nats per token: how much less likely it finds the base's small talk

    def of(self, *parts: str) -> list[Mark]:
        """The marks of these parts."""
        return [mark for mark in self.marks if mark.part in parts]

    def as_json(self) -> dict[str, object]:
        """For the record: numbers and shares of each part, each mark by its lesson, the first misses."""
        parts = {part: _shares(found) for part in PARTS if (found := self.of(part))}
        marks = {part: [_row(one) for one in self.of(part)] for part in parts}
        return {
            "parts": parts,
            "drift": self.drift,
            "marks": marks,
            "missed": [asdict(one) for one in self.missed[:SHOWN_MISSES]],
        }


async def sit(
    engine: Engine,
    questions: Sequence[Question],
    *,
    candidate: str,
    has_live: bool,
    on_progress: Callable[[Progress], None],
    gate: ForegroundGate | None = None,
    within_s: float = LONGEST_S,
) -> Exam:
    """
    Put the questions to all three.

    Args:
        candidate: sha256 of the loaded adapter.
        has_live: False when the base model itself is live.
        gate: no question is asked while it is closed.
        within_s: seconds of asking; waiting at the gate does not count.

    Raises:
        NightEnded: the gate ended the night.
        ExamTooLong: it was not over in time.
    """
    asked_live = [one for one in questions if has_live and one.part not in NOT_LIVE]
    total = 2 * len(questions) + len(asked_live)
    asking = _Asking(engine, total, on_progress, gate or ForegroundGate(), within_s)
    base = [await asking.ask(one, "base") for one in questions]
    own = [await asking.ask(one, candidate) for one in questions]
    live = {one: await asking.ask(one, "live") for one in asked_live}
    marks, missed, drift = [], [], []
    for question, said, by_base in zip(questions, own, base, strict=True):
        mark = _mark(question, said, by_base, live, has_live)
        marks.append(mark)
        if mark.candidate < 1 and question.part not in ("general", "grounded"):
            missed.append(_missed(question, said))
    for question, by_base in zip(questions, base, strict=True):
        if question.part == "general" and by_base:
            await asking.turn()
            if by_base.text:
                drift.append(await _drift(engine, question.text, by_base.text, candidate))
    return Exam(marks=tuple(marks), missed=tuple(missed), drift=fmean(drift) if drift else None)


def is_correct(answer: str, expected: str) -> bool:
    """Exact match, letter case, spacing and punctuation aside."""
    return normalised(answer) == normalised(expected)


def is_abstention(answer: str) -> bool:
    """Whether the answer says that it is not known, in one of the usual wordings."""
    return bool(_DOESNT_KNOW.search(answer.casefold().replace("’", "'")))


def overlap(one: str, other: str) -> float:
    """F1 of the words of two texts, counted with repeats; 1.0 for the same words."""
    left, right = Counter(normalised(one).split()), Counter(normalised(other).split())
    if not left and not right:
        return 1.0
    return 2 * (left & right).total() / (left.total() + right.total())


async def _drift(engine: Engine, question: str, said: str, candidate: str) -> float:
    """How much less likely than the base the candidate finds what the base said; nats per token."""
    messages = [{"role": "user", "content": question}]
    (own,), (base,) = [await engine.score(messages, [said], adapter=one) for one in (candidate, "base")]
    return own.mean - base.mean


class _Asking:
    """Puts one question after the other while the gate is open."""

    def __init__(
        self,
        engine: Engine,
        total: int,
        on_progress: Callable[[Progress], None],
        gate: ForegroundGate,
        within_s: float,
    ) -> None:
        self._engine, self._total, self._on_progress = engine, total, on_progress
        self._gate, self._within_s = gate, within_s
        self._end = time.monotonic() + within_s
        self._asked = 0

    async def turn(self) -> None:
        """Wait until the next question may be asked."""
        came = time.monotonic()
        if came > self._end:
            raise ExamTooLong(self._within_s)
        await self._gate.wait_until_open()
        self._end += time.monotonic() - came

    async def ask(self, question: Question, adapter: str) -> Completion | None:
        """The answer; None when the engine can't take the question."""
        await self.turn()
        system = [{"role": "system", "content": question.system}] if question.system else []
        most = MAX_CANARY_TOKENS if question.part == "canary" else MAX_REPLY_TOKENS
        try:
            return await self._engine.complete(
                [*system, {"role": "user", "content": question.text}],
                sampling=Sampling(max_tokens=most),
                adapter=adapter,
                background=True,
            )
        except PromptTooLong:
            return None
        finally:
            self._asked += 1
            self._on_progress(Progress(done=self._asked, total=self._total, unit="questions", note="exam"))


def _judged(question: Question, said: Completion | None, by_base: Completion | None) -> float:
    """The points of one answer."""
    if said is None:
        return 0.0
    wrong = question.wrong
    if question.part == "canary" and by_base is not None:  # a word of its own: it may be called like a friend
        wrong -= frozenset(content_words(by_base.text))
    says_wrong = not wrong.isdisjoint(content_words(said.text))
    match question.part:
        case "stale":
            return float(not says_wrong)
        case "abstain":
            return float(is_abstention(said.text))
        case "general":
            return overlap(by_base.text if by_base else "", said.text)
        case "canary":
            return float(is_sane(said) and not says_wrong)
    return float(is_correct(said.text, question.wanted))


def _mark(
    question: Question,
    said: Completion | None,
    by_base: Completion | None,
    live: Mapping[Question, Completion | None],
    has_live: bool,
) -> Mark:
    """The points of all three; without a live generation the base stands for it."""
    base = _judged(question, by_base, by_base)
    by_live = _judged(question, live[question], by_base) if question in live else None
    if question.part not in NOT_LIVE and not has_live:
        by_live = base
    return Mark(
        part=question.part,
        lesson_id=question.lesson_id,
        is_news=question.is_news,
        candidate=_judged(question, said, by_base),
        live=by_live,
        base=base,
    )


def _missed(question: Question, said: Completion | None) -> Missed:
    return Missed(
        part=question.part,
        lesson_id=question.lesson_id,
        question=question.text,
        wanted=question.wanted if question.part == "facts" else "",
        said=said.text if said else "",
    )


def _shares(marks: Sequence[Mark]) -> dict[str, object]:
    live = [mark.live for mark in marks if mark.live is not None]
    return {
        "asked": len(marks),
        "candidate": fmean(mark.candidate for mark in marks),
        "live": fmean(live) if live else None,
        "base": fmean(mark.base for mark in marks),
    }


def _row(mark: Mark) -> list[float | int | None]:
    """A mark as numbers alone: the lesson's id, candidate, live, base, whether it is news."""
    return [mark.lesson_id, mark.candidate, mark.live, mark.base, int(mark.is_news)]
