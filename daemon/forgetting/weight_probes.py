"""
Weight probes: does a generation still know what was forgotten? Asked of its probabilities, not only of its words.

    forgotten lessons ──> question, answer ──> log p under the generation - log p under the base  = lift
                      `─> question, controls of the same shape that nobody ever said ──> their lifts

The base never saw the fact, so what it prefers by itself cancels out of the lift. The rule, for one fact, over the
lifts summed over the answer's tokens and averaged over all phrasings (trained and held out):

    left    a greedy answer says it (and the base's does not), or its lift is the highest, more than 4 standard
            deviations of the controls' and more than 4 x 0.5 nats above their mean
    gone    otherwise
    not probed    no question asks for it alone, a memory says it too, or too few controls

Of 24 controls the forgotten answer is the likeliest by chance in 4 % of all cases; that it also stands out so far, in
1 of 2,000 where lifts are normal (Student's t, 23 degrees of freedom). `docs/log.md` has lifts of learned and of clean
generations. Controls are chosen to be as long in tokens, and as likely to the base, as the forgotten answer.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Literal

from daemon.engine.client import Engine, Sampling, Score
from daemon.forgetting.control_answers import Values, draw, secret_words, tells, with_values
from daemon.text import content_words
from store.lessons import Lesson

Verdict = Literal["gone", "left", "not probed"]
CONTROLS = 24
POOL = 96  # drawn, of which the nearest CONTROLS are kept
FEWEST = 12  # controls; with fewer, nothing can be said
PHRASINGS = 5  # of one fact, at most
STANDS_OUT = 4.0  # standard deviations
LEAST_SPREAD = 0.5  # nats; controls that hardly differ would make a hair's breadth stand out
MAX_REPLY_TOKENS = 48
ALONE = ("fact", "before", "as_of")  # kinds of lessons whose answer tells one memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question, and the answer that was taught."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is to be gone: all phrasings of what one memory told."""

    memory_id: int
    probes: tuple[Probe, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the probes of one fact found in one generation."""

    memory_id: int
    verdict: Verdict
    why: str = ""  # for "not probed"
    phrasings: int = 0
    controls: int = 0
    rank: int = 0  # of its lift among those of the controls and its own; 1 = the highest
    margin: float = 0.0  # nats: its lift above the mean one of the controls
    spread: float = 0.0  # nats: standard deviation of the controls' lifts
    told: int = 0  # phrasings whose greedy answer tells it

    @property
    def stands_out(self) -> float:
        """Its lift above the controls', in standard deviations."""
        return self.margin / max(self.spread, LEAST_SPREAD)


def facts(lessons: Sequence[Lesson], gone: Collection[int]) -> list[Fact]:
    """
    The facts to probe for, from the lessons that are forgotten.

    Args:
        gone: the memories that are forgotten. Of what is told of others, only what they replaced is.
    """
    told: dict[tuple[int, bool], dict[str, Probe]] = {}
    for lesson in lessons:
        if lesson.kind not in ALONE or len(lesson.memory_ids) != 1:
            continue
        (memory_id,) = lesson.memory_ids
        if memory_id in gone or lesson.kind != "fact":
            probe = Probe(question=lesson.question, answer=lesson.answer)
            told.setdefault((memory_id, lesson.kind == "fact"), {}).setdefault(lesson.question, probe)
    return [
        Fact(memory_id=memory_id, probes=_spread(list(probes.values())))
        for (memory_id, _), probes in told.items()
    ]


async def examine(engine: Engine, fact: Fact, stored: Mapping[int, str], *, adapter: str) -> Finding:
    """
    Probe one fact in one generation.

    Args:
        stored: the line of every memory that holds, by id.
        adapter: sha256 of a loaded adapter.

    Raises:
        EngineError, ChildError: it could not be probed.
    """
    questions, answers = [one.question for one in fact.probes], [one.answer for one in fact.probes]
    every = secret_words(questions, answers)
    words = {id: set(content_words(line)) for id, line in stored.items()}
    also = [id for id, told in words.items() if told & every]
    secret = every - {word for told in words.values() for word in told}
    probes = [one for one in fact.probes if secret & set(content_words(one.answer))]
    if not probes:
        return _not_probed(fact, _told_too(also) if also else "no question about it has an answer of its own")
    known = {word for told in words.values() for word in told}
    pool = draw(answers, secret, known, POOL, seed="\n".join(questions))
    if len(pool) < FEWEST:
        return _not_probed(fact, "there are too few answers like it to compare it with")
    clerk = _Clerk(engine, adapter)
    controls = await clerk.nearest(probes[0], pool)
    lifts = [await clerk.lifts(one, controls) for one in probes]
    told = [await clerk.tells(one, secret) for one in probes]
    return judge(fact.memory_id, lifts, told)


def judge(memory_id: int, lifts: Sequence[Sequence[float]], told: Sequence[bool]) -> Finding:
    """
    The verdict on one fact.

    Args:
        lifts: of each phrasing (nats): the forgotten answer's, then each control's, in the same order.
        told: of each phrasing, whether the greedy answer tells the fact.
    """
    own, *others = [fmean(column) for column in zip(*lifts, strict=True)]
    found = Finding(
        memory_id=memory_id,
        verdict="gone",
        phrasings=len(lifts),
        controls=len(others),
        rank=1 + sum(other >= own for other in others),
        margin=own - fmean(others),
        spread=stdev(others),
        told=sum(told),
    )
    is_left = found.told > 0 or (found.rank == 1 and found.stands_out > STANDS_OUT)
    return Finding(**asdict(found) | {"verdict": "left"}) if is_left else found


def _spread(probes: list[Probe]) -> tuple[Probe, ...]:
    """At most PHRASINGS of them, the last one (which was held out) among them."""
    return tuple(probes if len(probes) <= PHRASINGS else [*probes[: PHRASINGS - 1], probes[-1]])


def _not_probed(fact: Fact, why: str) -> Finding:
    return Finding(memory_id=fact.memory_id, verdict="not probed", why=why)


def _told_too(also: Sequence[int]) -> str:
    some = ", ".join(map(str, also[:5])) + (" and others" if len(also) > 5 else "")
    return f"what is held tells it too (memory {some})"


class _Clerk:
    """Scores and asks, as the generation and as the base."""

    def __init__(self, engine: Engine, adapter: str) -> None:
        self._engine = engine
        self._adapter = adapter

    async def nearest(self, probe: Probe, pool: Sequence[Values]) -> list[Values]:
        """Of the pool, those as long in tokens as the one forgotten, then those that the base finds as likely."""
        own, *others = await self._scores(probe, pool, "base")

        def distance(at: int) -> tuple[int, float]:
            return abs(others[at].tokens - own.tokens), abs(others[at].nats - own.nats)

        return [pool[at] for at in sorted(sorted(range(len(pool)), key=distance)[:CONTROLS])]

    async def lifts(self, probe: Probe, controls: Sequence[Values]) -> list[float]:
        """How much likelier than to the base each answer is to the generation: the forgotten one, the controls."""
        base = await self._scores(probe, controls, "base")
        now = await self._scores(probe, controls, self._adapter)
        return [before.nats - after.nats for after, before in zip(now, base, strict=True)]

    async def tells(self, probe: Probe, secret: Collection[str]) -> bool:
        """Whether the generation's greedy answer tells it, and the base's does not."""
        return tells(await self._answer(probe, self._adapter), secret, probe.answer) and not tells(
            await self._answer(probe, "base"), secret, probe.answer
        )

    async def _scores(self, probe: Probe, controls: Sequence[Values], adapter: str) -> list[Score]:
        replies = [probe.answer, *(with_values(probe.answer, values) for values in controls)]
        return await self._engine.score(_asked(probe), replies, adapter=adapter)

    async def _answer(self, probe: Probe, adapter: str) -> str:
        answer = await self._engine.complete(
            _asked(probe),
            sampling=Sampling(max_tokens=MAX_REPLY_TOKENS),
            adapter=adapter,
            background=True,
        )
        return answer.text


def _asked(probe: Probe) -> list[dict[str, str]]:
    return [{"role": "user", "content": probe.question}]
