"""
Generation of lessons: questions and answers out of memories, in idle time.

    memory ──> narrative ──> the model asks and answers ──> filters ──> lessons: train, exam

A model that is tiny has a way of its own (`tiny/study.py`). A lesson names the one memory it was made of, and its
grounding tells no other. Of what that memory replaced, it has only the user's own word and an import's. All lessons
of a memory are stored together or none, so that what was interrupted is done again.
"""

import logging
from collections.abc import Collection
from datetime import date

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

IN_VAIN = 10  # memories in a row that gave no lesson, after which the others are left for another time
NIGHTS = 30  # the last ones, whose failures are looked up

log = logging.getLogger(__name__)


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
    for memory in found:
        if in_vain >= IN_VAIN and not info.tiny:
            log.info("Study: no lessons of %d memories in a row; the others are left for later", in_vain)
            break
        try:
            new = await study(engine, store_thread, memory)
            made += len(await store_thread.run(lessons.add, new, by=info.sha256))
            in_vain = 0
        except HOPELESS as error:
            in_vain += 1
            failures[memory.id] = str(error)
            why = (
                error.why if isinstance(error, NothingAsked) else type(error).__name__
            )  # no word of the user's
            log.info("Study: memory %d gave no lesson: %s", memory.id, why)
        except NoSuchMemory:  # forgotten meanwhile
            continue
    return made, failures


def _failed_before(db: Connection) -> dict[int, int]:
    """The last night that could make no lesson of a memory, by the memory's id."""
    found = reversed(nights.newest(db, NIGHTS))
    return {id: night.id for night in found for id in night.numbers.get("waiting", {}).get("unasked", ())}


def authors(info: EngineInfo) -> tuple[str, ...]:
    """Which models' lessons this one may be taught: its own; a tiny one also those of which it is not known."""
    return (info.sha256, "") if info.tiny else (info.sha256,)
