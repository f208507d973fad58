"""
Generation of lessons: questions and answers out of memories, in idle time.

    memory ──> narrative ──> the model asks and answers ──> filters ──> lessons: train, exam

A model that is tiny has a way of its own (`tiny/study.py`). A lesson names the one memory it was made of, and its
grounding tells no other. Of what that memory replaced, it has only the user's own word and an import's. All lessons
of a memory are stored together or none, so that what was interrupted is done again.
"""

import logging
from collections.abc import Collection
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date

from daemon.concurrency import in_order
from daemon.engine.client import Engine, EngineInfo
from daemon.lessons import self_study
from daemon.lessons.eligibility import waiting
from daemon.lessons.errors import NothingAsked
from daemon.lessons.teacher import Teacher
from daemon.lessons.tiny.study import study as study_tiny
from daemon.memory.errors import HOPELESS
from daemon.store_thread import StoreThread
from store import lessons, memory_queries, nights
from store.database import Connection
from store.errors import NoSuchMemory
from store.lessons import NewLesson
from store.memories import Memory

AT_ONCE = 4  # memories under study: together their questions and answers fill the model's batches
IN_VAIN = 10  # memories in a row that gave no lesson, after which the others are left for another time
NIGHTS = 30  # the last ones, whose failures are looked up

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Studied:
    """One memory and its lessons; none where it gave none, or was forgotten meanwhile."""

    memory: Memory
    lessons: list[NewLesson]
    failure: Exception | None = None


async def study(engine: Engine, store_thread: StoreThread, memory: Memory) -> list[NewLesson]:
    """
    Lessons about `memory`, at least one.

    Raises:
        ModelAnswerUnusable: what the model asked can't be read.
        NothingAsked: no question survived the filters.
    """
    line = await store_thread.run(memory_queries.narrative, memory, trust=lessons.TAUGHT)
    earlier = await store_thread.run(memory_queries.before, memory, trust=lessons.TAUGHT)
    info = await engine.info()
    if info.tiny:
        return await study_tiny(engine, memory, line, earlier)
    return await self_study.study(Teacher(engine, info), memory, line, earlier)


async def generate_missing(
    engine: Engine, store_thread: StoreThread, *, given_up: Collection[int] = ()
) -> tuple[int, dict[int, str]]:
    """
    Store lessons for every memory that has none and need not wait; how many, and why those that gave none, by id, did.

    A model that takes long, being no tiny one, begins with the newest that gave no night a failure, tries last what
    failed last, and is not asked on once it gave none for `IN_VAIN` in a row.

    Args:
        given_up: ids of memories that are not tried again.
    """
    made, in_vain, failures = 0, 0, dict[int, str]()
    wait = {one.memory_id for one in await store_thread.run(waiting, date.today())} | set(given_up)
    info = await engine.info()
    found = [one for one in await store_thread.run(lessons.unstudied, by=authors(info)) if one.id not in wait]
    if not info.tiny:
        failed = await store_thread.run(_failed_before)
        found.sort(key=lambda one: (failed.get(one.id, 0), -one.id))
    studies = (_studied(engine, store_thread, memory) for memory in found)
    async with aclosing(in_order(studies, at_once=1 if info.tiny else AT_ONCE)) as every:
        async for one in every:
            made += await _stored(store_thread, one, by=info.sha256)
            if one.failure is not None:
                failures[one.memory.id] = str(one.failure)
                in_vain += 1
            elif one.lessons:
                in_vain = 0
            if in_vain >= IN_VAIN and not info.tiny:
                log.info("Study: no lessons of %d memories in a row; the others are left for later", in_vain)
                break
    return made, failures


async def _studied(engine: Engine, store_thread: StoreThread, memory: Memory) -> _Studied:
    try:
        return _Studied(memory=memory, lessons=await study(engine, store_thread, memory))
    except HOPELESS as error:
        why = error.why if isinstance(error, NothingAsked) else type(error).__name__  # no word of the user's
        log.info("Study: memory %d gave no lesson: %s", memory.id, why)
        return _Studied(memory=memory, lessons=[], failure=error)
    except NoSuchMemory:
        return _Studied(memory=memory, lessons=[])


async def _stored(store_thread: StoreThread, studied: _Studied, *, by: str) -> int:
    """How many lessons were stored: none of a memory that was forgotten meanwhile."""
    try:
        return len(await store_thread.run(lessons.add, studied.lessons, by=by))
    except NoSuchMemory:
        return 0


def _failed_before(db: Connection) -> dict[int, int]:
    """The last night that could make no lesson of a memory, by the memory's id."""
    found = reversed(nights.newest(db, NIGHTS))
    return {id: night.id for night in found for id in night.numbers.get("waiting", {}).get("unasked", ())}


def authors(info: EngineInfo) -> tuple[str, ...]:
    """Which models' lessons this one may be taught: its own; a tiny one also those of which it is not known."""
    return (info.sha256, "") if info.tiny else (info.sha256,)
