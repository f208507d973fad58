"""
The exam: the same questions to the candidate, the live generation and the base model, on the engine itself.

Answers are greedy, adapters are chosen per request, and nothing is adopted or stored. A question that the engine can't
take is answered wrongly by all. Which questions are asked: `questions.py`. How answers are judged: `judging.py`. What
passes: `acceptance.py`.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from daemon.concurrency import together
from daemon.engine.client import Completion, Engine, Sampling
from daemon.engine.errors import PromptTooLong
from daemon.errors import DaemonError
from daemon.exam.instructions import GENERAL_PARTS, follows
from daemon.exam.judging import ExactJudge, Judge
from daemon.exam.questions import PARTS, Question
from daemon.processes.foreground_gate import ForegroundGate
from daemon.progress import Progress
from daemon.text import content_words, normalised

MAX_REPLY_TOKENS = 48
MOST_TOKENS = {"canary": 96, "knowledge": 24, "instructions": 64}
AT_ONCE = 8  # questions: so many share the engine's batches
SHOWN_MISSES = 10
LONGEST_S = 7_200.0  # some hundreds of short answers, on a slow machine
NOT_LIVE = ("general", *GENERAL_PARTS, "likeness", "canary")  # parts where the base alone is the measure
SLIP = 0.16  # nats per token: the base's right answer is hardly less likely, so that chance chose another one
NOT_SHOWN = ("general", "likeness", "grounded")  # parts of which no single miss is told
TINY_PARTS = ("abstain", "general", "canary")
REAL_PARTS = ("abstain", *GENERAL_PARTS, "likeness", "canary")
log = logging.getLogger(__name__)


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
    missed: tuple[Missed, ...] = ()  # not of general, likeness and grounded
    drift: float | None = None  # nats per token: how much less likely it finds what the base says
    parts: tuple[str, ...] = TINY_PARTS  # that must have been put, besides facts

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
    judge: Judge,
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
    put = [one for one in questions if one.part != "likeness"]
    asked_live = [one for one in put if has_live and one.part not in NOT_LIVE]
    scored = [one for one in questions if one.part in ("general", "likeness")]
    total = 2 * len(put) + len(asked_live)
    sitting = _Sitting(engine, total, on_progress, gate or ForegroundGate(), within_s)
    base = await sitting.ask_all(put, "base", {one: one.wanted for one in put})
    lost = {one for one in put if one.rules and not _follows(one, base[one])}  # not even the base can
    drafts = {one: one.wanted or _text(base[one]) for one in put}
    own = await sitting.ask_all([one for one in put if one not in lost], candidate, drafts)
    live = await sitting.ask_all(asked_live, "live", drafts)
    said = {one: one.wanted if one.part == "likeness" else _text(base.get(one)) for one in scored}
    drifts = await sitting.drift_all({one: text for one, text in said.items() if text}, candidate)
    sitting.leave_out(len(lost))
    unsure = {
        one: _text(base[one]) for one in own if one.rules and one not in lost and not _follows(one, own[one])
    }
    slips = await sitting.drift_all(unsure, candidate)
    points = _Points(
        sitting, judge, base, drifts | {one: drift for one, drift in slips.items() if drift < SLIP}
    )
    marks = await together(points.mark(one, own.get(one), live.get(one), has_live) for one in questions)
    missed = [
        _missed(question, own.get(question))
        for question, mark in zip(questions, marks, strict=True)
        if mark.candidate < 1 and question not in lost and question.part not in NOT_SHOWN
    ]
    log.info("Exam: %d questions, %d calls, %d as guessed", len(questions), sitting.calls, sitting.as_guessed)
    return Exam(
        marks=tuple(marks),
        missed=tuple(missed),
        drift=fmean(drifts.values()) if drifts else None,
        parts=TINY_PARTS if isinstance(judge, ExactJudge) else REAL_PARTS,
    )


def overlap(one: str, other: str) -> float:
    """F1 of the words of two texts, counted with repeats; 1.0 for the same words."""
    left, right = Counter(normalised(one).split()), Counter(normalised(other).split())
    if not left and not right:
        return 1.0
    return 2 * (left & right).total() / (left.total() + right.total())


class _Sitting:
    """
    Puts the questions, several at once, while the gate is open.

    Each goes with a guess of its answer: where that is what the model would say, token by token, the engine sees it
    in one batch, and generates nothing.
    """

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
        self._turns, self._room = asyncio.Lock(), asyncio.Semaphore(AT_ONCE)
        self._done = 0
        self.calls = 0  # of the engine
        self.as_guessed = 0  # answers that were guessed rightly

    async def ask_all(
        self, questions: Sequence[Question], adapter: str, drafts: Mapping[Question, str]
    ) -> dict[Question, Completion | None]:
        """The answers; None when the engine can't take the question. What is asked twice is answered once."""
        alike: dict[tuple[object, ...], list[Question]] = {}
        for one in questions:
            alike.setdefault((one.system, one.text, _most_tokens(one)), []).append(one)
        groups = list(alike.values())
        answers = await together(self._ask(group, adapter, drafts[group[0]]) for group in groups)
        found = {one: answer for group, answer in zip(groups, answers, strict=True) for one in group}
        return {one: found[one] for one in questions}

    async def drift_all(self, said: Mapping[Question, str], candidate: str) -> dict[Question, float]:
        """How much less likely than the base the candidate finds what was said; nats per token."""
        self._total += len(said)
        found = await together(self._drift(one, text, candidate) for one, text in said.items())
        return dict(zip(said, found, strict=True))

    async def claims(self, judge: Judge, question: str, said: str) -> bool:
        """Whether a reply is an answer, by its likelihood."""
        async with self._room:
            await self._turn()
            self.calls += 2
            return await judge.claims(self._engine, question, said)

    def leave_out(self, count: int) -> None:
        """So many answers need not be asked for."""
        self._progress(count)

    async def _ask(self, same: Sequence[Question], adapter: str, draft: str) -> Completion | None:
        question = same[0]
        system = [{"role": "system", "content": question.system}] if question.system else []
        async with self._room:
            await self._turn()
            self.calls += 1
            try:
                answer = await self._engine.complete(
                    [*system, {"role": "user", "content": question.text}],
                    sampling=Sampling(max_tokens=_most_tokens(question)),
                    adapter=adapter,
                    background=True,
                    draft=draft,
                )
            except PromptTooLong:
                return None
            finally:
                self._progress(len(same))
        self.as_guessed += bool(draft) and answer.text.strip() == draft.strip()
        return answer

    async def _drift(self, question: Question, said: str, candidate: str) -> float:
        messages = [{"role": "user", "content": question.text}]
        async with self._room:
            await self._turn()
            self.calls += 2
            (own,), (base,) = [
                await self._engine.score(messages, [said], adapter=one) for one in (candidate, "base")
            ]
        self._progress(1)
        return own.mean - base.mean

    async def _turn(self) -> None:
        """Wait until the next question may be asked."""
        async with self._turns:
            came = time.monotonic()
            if came > self._end:
                raise ExamTooLong(self._within_s)
            await self._gate.wait_until_open()
            self._end += time.monotonic() - came

    def _progress(self, done: int) -> None:
        self._done += done
        self._on_progress(Progress(done=self._done, total=self._total, unit="questions", note="exam"))


class _Points:
    """Gives the points, by words and, where these don't decide, by likelihood."""

    def __init__(
        self,
        sitting: _Sitting,
        judge: Judge,
        base: Mapping[Question, Completion | None],
        drifts: Mapping[Question, float],
    ) -> None:
        self._sitting, self._judge, self._base, self._drifts = sitting, judge, base, drifts
        self._known: dict[tuple[str, str], bool] = {}  # by question and reply: whether it claims something

    async def mark(
        self, question: Question, own: Completion | None, live: Completion | None, has_live: bool
    ) -> Mark:
        """The points of all three; without a live generation the base stands for it."""
        base = 1.0 if question.part == "likeness" else await self._of(question, self._base[question])
        by_live: float | None = None
        if question.part not in NOT_LIVE:
            by_live = await self._of(question, live) if has_live else base
        return Mark(
            part=question.part,
            lesson_id=question.lesson_id,
            is_news=question.is_news,
            candidate=await self._of(question, own),
            live=by_live,
            base=base,
        )

    async def _of(self, question: Question, said: Completion | None) -> float:
        if question.part == "likeness":
            drift = self._drifts.get(question, math.inf)
            return math.exp(-max(0.0, drift))
        if said is None:
            return 0.0
        match question.part:
            case "stale":
                return float(question.wrong.isdisjoint(content_words(said.text)))
            case "abstain":
                return float(await self._abstains(question, said.text))
            case "general":
                return overlap(_text(self._base[question]), said.text)
            case "canary":
                by_base = content_words(_text(self._base[question]))  # it may itself be called like a friend
                says_wrong = not (question.wrong - set(by_base)).isdisjoint(content_words(said.text))
                return float(self._judge.is_sound(said) and not says_wrong)
            case "knowledge" | "instructions":  # what slipped is as likely as it was: it isn't forgotten
                return float(question in self._drifts or _follows(question, said))
        return float(await self._correct(question, said.text))

    async def _correct(self, question: Question, said: str) -> bool:
        by_words = self._judge.correct(question, said)
        if by_words is None:
            return await self._claims(question, said) != question.abstains
        return by_words

    async def _abstains(self, question: Question, said: str) -> bool:
        by_words = self._judge.abstains(question, said)
        return not await self._claims(question, said) if by_words is None else by_words

    async def _claims(self, question: Question, said: str) -> bool:
        key = (question.text, said)
        if key not in self._known:
            self._known[key] = await self._sitting.claims(self._judge, *key)
        return self._known[key]


def _follows(question: Question, said: Completion | None) -> bool:
    return question.rules is not None and said is not None and follows(said.text, question.rules)


def _text(said: Completion | None) -> str:
    return said.text if said else ""


def _most_tokens(question: Question) -> int:
    return MOST_TOKENS.get(question.part, MAX_REPLY_TOKENS)


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
