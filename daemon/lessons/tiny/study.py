"""
Lessons of a model that is tiny: made from scratch for these tasks, it knows no language, so English tables stand in.

    memory ──> narrative ──> the model asks and answers ──> filters ──> can it answer again, with the memory in
    sight? ──> things asked for, in several wordings ──> lessons: train, exam

All of `daemon/lessons/tiny/` is for models whose file says `tsubasa.tiny`, chosen in `generation.py` and
`regularisation.py`; what any other model learns, it asks and answers itself. Source: TSUBASA, arXiv 2604.07894.
"""

from collections.abc import Iterator, Sequence

from daemon.engine.client import Engine, Sampling
from daemon.lessons.errors import NothingAsked
from daemon.lessons.paraphrases import BEFORE, ENOUGH, Pair, as_lessons, read_pairs
from daemon.lessons.temporal import dated_lines
from daemon.lessons.tiny.paraphrases import bare, is_answered, split, things, usable
from daemon.lessons.tiny.temporal import as_of
from daemon.memory.errors import HOPELESS
from daemon.memory.recall import system_text
from daemon.text import normalised
from prompts.load import schema, task
from store.lessons import NewLesson
from store.memories import Memory

MAX_ANSWER_TOKENS = 768
MAX_REPLY_TOKENS = 48
SAMPLED = 3  # times that the model is asked for other wordings, at most
TEMPERATURE = 0.7


async def study(engine: Engine, memory: Memory, line: str, earlier: Sequence[Memory]) -> list[NewLesson]:
    """
    Lessons about `memory`, at least one: of each thing asked for, at least four wordings to train where that can be,
    and one that is held out for the exam.

    Args:
        line: its narrative.
        earlier: what held in its place before, oldest first.

    Raises:
        ModelAnswerUnusable: the model's pairs can't be read.
        NothingAsked: no pair survived the filters.
    """
    found = things(await _pairs(engine, line), line)
    if not found:
        raise NothingAsked(memory.id, line)
    before = next((thing.pairs for thing in found if thing.kind == "before"), ())
    dated = system_text(dated_lines(memory, line, earlier))
    at_times = as_of(before, memory, earlier)
    beside = [*((thing, system_text([line])) for thing in found), *((thing, dated) for thing in at_times)]
    return [
        one
        for thing, grounding in beside
        for one in as_lessons(thing, *split(thing.pairs, memory.id), memory, grounding)
    ]


async def _pairs(engine: Engine, line: str) -> list[Pair]:
    """
    Usable pairs about `line` that the model can answer again; of a list that it mostly can't, none.

    It is asked until each thing has enough wordings, at most `SAMPLED` times after the first, and no more once that
    brings nothing new.
    """
    found: list[Pair] = []
    failed: Exception | None = None
    for shown, sampling in _tries(line):
        known = {normalised(pair.question) for pair in found}
        try:
            asked = usable(await _ask(engine, shown, sampling), line)
        except HOPELESS as error:
            asked, failed = [], error
        asked = [pair for pair in asked if normalised(pair.question) not in known]
        new = [pair for pair in asked if await _can_answer(engine, pair, line)]
        if 2 * len(new) < len(
            asked
        ):  # then the model does not read the memory: the others were right by chance
            new = []
        found += new
        if _is_enough(found, line) or (sampling.temperature and not new):
            break
    if failed and not found:
        raise failed
    return found


def _tries(line: str) -> Iterator[tuple[str, Sampling]]:
    """What the model is shown, and how it is to choose: as it likes best first; of a change, what holds now alone."""
    yield line, Sampling(max_tokens=MAX_ANSWER_TOKENS)
    now, before, _ = line.partition(BEFORE)
    if before:
        yield now.strip(), Sampling(max_tokens=MAX_ANSWER_TOKENS)
    for seed in range(1, SAMPLED + 1):
        yield line, Sampling(max_tokens=MAX_ANSWER_TOKENS, temperature=TEMPERATURE, seed=seed)


def _is_enough(pairs: Sequence[Pair], line: str) -> bool:
    found = things(pairs, line)
    return bool(found) and all(
        len({bare(pair.question) for pair in thing.pairs}) >= ENOUGH for thing in found
    )


async def _ask(engine: Engine, line: str, sampling: Sampling) -> list[Pair]:
    answer = await engine.complete(
        [*task("ask", taught=(await engine.info()).taught), {"role": "user", "content": line}],
        sampling=sampling,
        schema=schema("ask"),
        adapter="base",
        background=True,
    )
    return read_pairs(answer.text)


async def _can_answer(engine: Engine, pair: Pair, line: str) -> bool:
    """Whether the model itself gives the answer of `pair`, with the memory in sight."""
    beside = system_text([line], taught=(await engine.info()).taught)
    reply = await engine.complete(
        [{"role": "system", "content": beside}, {"role": "user", "content": pair.question}],
        sampling=Sampling(max_tokens=MAX_REPLY_TOKENS),
        adapter="base",
        background=True,
    )
    return is_answered(pair, reply.text)
