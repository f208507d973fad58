"""
Generation of lessons: questions and answers out of memories, in idle time.

    memory ──> narrative ──> the model asks and answers ──> filters ──> can it answer again, with the memory in
    sight? ──> things asked for, in several wordings ──> lessons: train, exam

A lesson names the one memory it was made of, and its grounding tells no other. Of what that memory replaced, it has
only the user's own word and an import's. All lessons of a memory are stored together or none, so that what was
interrupted is done again. Source: TSUBASA, arXiv 2604.07894, "self-learning".
"""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date

from daemon.engine.client import Engine, Sampling
from daemon.lessons import temporal
from daemon.lessons.eligibility import waiting
from daemon.lessons.paraphrases import BEFORE as BEFORE
from daemon.lessons.paraphrases import ENOUGH, Pair, Thing, bare, is_answered, split, things, usable
from daemon.memory.errors import HOPELESS, MemoryWorkError, ModelAnswerUnusable
from daemon.memory.recall import system_text
from daemon.store_thread import StoreThread
from daemon.text import normalised
from prompts.load import schema, task
from store import lessons, memory_queries
from store.errors import NoSuchMemory
from store.lessons import NewLesson
from store.memories import Memory

MAX_ANSWER_TOKENS = 768
MAX_REPLY_TOKENS = 48
SAMPLED = 3  # times that the model is asked for other wordings, at most
TEMPERATURE = 0.7


class NothingAsked(MemoryWorkError):
    """No question about a memory survived the filters."""

    def __init__(self, memory_id: int, line: str) -> None:
        super().__init__(
            f"The model found no usable question about memory {memory_id} ({line!r}). It can still be "
            f"recalled; reword it, or try a larger model, to have it learned."
        )


async def study(engine: Engine, store_thread: StoreThread, memory: Memory) -> list[NewLesson]:
    """
    Lessons about `memory`, at least one: of each thing asked for, at least four wordings to train where that can be,
    and one that is held out for the exam.

    Raises:
        ModelAnswerUnusable: the model's pairs can't be read.
        NothingAsked: no pair survived the filters.
    """
    line = await store_thread.run(memory_queries.narrative, memory, trust=lessons.TAUGHT)
    earlier = await store_thread.run(memory_queries.before, memory, trust=lessons.TAUGHT)
    found = things(await _pairs(engine, line), line)
    if not found:
        raise NothingAsked(memory.id, line)
    before = next((thing.pairs for thing in found if thing.kind == "before"), ())
    dated = system_text(temporal.lines(memory, line, earlier))
    return [
        *(one for thing in found for one in _lessons(thing, memory, system_text([line]))),
        *(one for thing in temporal.as_of(before, memory, earlier) for one in _lessons(thing, memory, dated)),
    ]


async def generate_missing(
    engine: Engine, store_thread: StoreThread, *, given_up: Collection[int] = ()
) -> tuple[int, dict[int, str]]:
    """
    Store lessons for every memory that has none and need not wait; how many, and why some, by id, gave none.

    Args:
        given_up: ids of memories that are not tried again.
    """
    made, failures = 0, dict[int, str]()
    wait = {one.memory_id for one in await store_thread.run(waiting, date.today())} | set(given_up)
    for memory in await store_thread.run(lessons.unstudied):
        try:
            if memory.id not in wait:
                made += len(await store_thread.run(lessons.add, await study(engine, store_thread, memory)))
        except HOPELESS as error:
            failures[memory.id] = str(error)
        except NoSuchMemory:  # forgotten meanwhile
            continue
    return made, failures


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
    return read(answer.text)


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


def read(answer: str) -> list[Pair]:
    """The pairs in the model's answer; raises `ModelAnswerUnusable`."""
    try:
        return [
            Pair(question=str(pair["q"]).strip(), answer=str(pair["a"]).strip())
            for pair in json.loads(answer)
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelAnswerUnusable("ask", answer, "it is no whole list of questions and answers") from error


def _lessons(thing: Thing, memory: Memory, grounding: str | None) -> list[NewLesson]:
    train, exam = split(thing.pairs, memory.id)
    return [
        NewLesson(
            question=pair.question,
            answer=pair.answer,
            grounding=grounding,
            kind=thing.kind,
            split=part,
            memory_ids=(memory.id,),
        )
        for part, pairs in (("train", train), ("exam", exam))
        for pair in pairs
    ]
