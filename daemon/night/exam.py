"""
The exam: held-out questions, put to the candidate, the live generation and the base model, on the engine
itself.

    facts      without any memory in the context: does it know?       candidate, live, base
    grounded   the same with memories in the context: can it still read?       candidate, base
    abstain    things never said: does it still say that it doesn't know?      candidate, base
    general    small talk: does it still talk like the base?                   candidate against base

Promises: greedy answers, adapters chosen per request; nothing is adopted or stored.
Knows nothing of what counts as passing: `adopt.py` does.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from daemon.engine.client import Engine, Sampling
from daemon.memory.content_words import normalised
from daemon.night.run import Progress
from store.lessons import Lesson

MAX_REPLY_TOKENS = 48
SHOWN_MISSES = 10
_DOESNT_KNOW = re.compile(r"\b(do not|don't|cannot|can't) (know|have|recall|remember|say)\b|\bnot sure\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One wrong answer."""

    question: str
    wanted: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """Every answer of one exam, judged; items of one kind are in the same order for all who sat it."""

    candidate: tuple[bool, ...]
    live: tuple[bool, ...]  # base's own results when no generation is live
    base: tuple[bool, ...]
    grounded_candidate: tuple[bool, ...]
    grounded_base: tuple[bool, ...]
    abstain_candidate: tuple[bool, ...]
    abstain_base: tuple[bool, ...]
    general: tuple[float, ...]  # word overlap (F1, 0..1) of the candidate's answer with the base's
    missed: tuple[Missed, ...] = ()  # what the candidate got wrong without memories

    def as_json(self) -> dict[str, object]:
        """Shares (0..1; None where nothing was asked), counts and the first misses, for the record."""
        results = asdict(self)
        missed = list(results.pop("missed")[:SHOWN_MISSES])
        shares = {name: fmean(found) if found else None for name, found in results.items()}
        asked = {
            "facts": len(self.candidate),
            "abstain": len(self.abstain_candidate),
            "general": len(self.general),
        }
        return {**shares, "asked": asked, "missed": missed}


async def sit(
    engine: Engine,
    lessons: Sequence[Lesson],
    *,
    candidate: str,
    has_live: bool,
    on_progress: Callable[[Progress], None],
) -> Exam:
    """
    Put the exam lessons among `lessons` to all three.

    Args:
        candidate: sha256 of the loaded adapter.
        has_live: False when the base model itself is live.
    """
    held_out = [lesson for lesson in lessons if lesson.split == "exam"]
    facts = [lesson for lesson in held_out if lesson.kind in ("fact", "before")]
    abstain = [lesson for lesson in held_out if lesson.kind == "abstain"]
    general = [lesson for lesson in held_out if lesson.kind == "general"]
    total = len(facts) * (5 if has_live else 4) + 2 * (len(abstain) + len(general))
    clerk = _Clerk(engine, total, candidate, on_progress)
    base = await clerk.facts(facts, "base")
    spoken = (
        [await clerk.ask(one, "base") for one in general],
        [await clerk.ask(one, candidate) for one in general],
    )
    return Exam(
        candidate=await clerk.facts(facts, candidate),
        live=await clerk.facts(facts, "live") if has_live else base,
        base=base,
        grounded_candidate=await clerk.facts(facts, candidate, grounded=True),
        grounded_base=await clerk.facts(facts, "base", grounded=True),
        abstain_candidate=await clerk.abstentions(abstain, candidate),
        abstain_base=await clerk.abstentions(abstain, "base"),
        general=tuple(overlap(own, said) for own, said in zip(*spoken, strict=True)),
        missed=tuple(clerk.missed),
    )


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


class _Clerk:
    """Asks the questions of one exam and counts them."""

    def __init__(
        self, engine: Engine, total: int, candidate: str, on_progress: Callable[[Progress], None]
    ) -> None:
        self._engine = engine
        self._total = total
        self._on_progress = on_progress
        self._asked = 0
        self._candidate = candidate
        self.missed: list[Missed] = []

    async def facts(
        self, lessons: Sequence[Lesson], adapter: str, *, grounded: bool = False
    ) -> tuple[bool, ...]:
        said = [(one, await self.ask(one, adapter, grounded=grounded)) for one in lessons]
        return self._judged(said, is_correct, noted=adapter == self._candidate and not grounded)

    async def abstentions(self, lessons: Sequence[Lesson], adapter: str) -> tuple[bool, ...]:
        said = [(one, await self.ask(one, adapter)) for one in lessons]
        return self._judged(said, lambda answer, _: is_abstention(answer), noted=adapter == self._candidate)

    def _judged(
        self, answers: Sequence[tuple[Lesson, str]], judge: Callable[[str, str], bool], *, noted: bool
    ) -> tuple[bool, ...]:
        results = tuple(judge(said, lesson.answer) for lesson, said in answers)
        if noted:
            self.missed += [
                Missed(question=lesson.question, wanted=lesson.answer, said=said)
                for (lesson, said), right in zip(answers, results, strict=True)
                if not right
            ]
        return results

    async def ask(self, lesson: Lesson, adapter: str, *, grounded: bool = False) -> str:
        system = [{"role": "system", "content": lesson.grounding}] if grounded and lesson.grounding else []
        answer = await self._engine.complete(
            [*system, {"role": "user", "content": lesson.question}],
            sampling=Sampling(max_tokens=MAX_REPLY_TOKENS),
            adapter=adapter,
            background=True,
        )
        self._asked += 1
        self._on_progress(Progress(done=self._asked, total=self._total, unit="questions", note="exam"))
        return answer.text
