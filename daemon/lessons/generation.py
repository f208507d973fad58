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
from store import lessons, memory_queries
from store.errors import NoSuchMemory
from store.lessons import NewLesson
from store.memories import Memory

IN_VAIN = 10  # memories that gave no lesson, after which the others are left for another time

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
    Store lessons for every memory that has none and need not wait; how many, and why some, by id, gave none.

    A model that takes long, being no tiny one, begins with the newest, and is not asked on once it gave none for
    `IN_VAIN` of them.

    Args:
        given_up: ids of memories that are not tried again.
    """
    made, failures = 0, dict[int, str]()
    wait = {one.memory_id for one in await store_thread.run(waiting, date.today())} | set(given_up)
    info = await engine.info()
    found = [one for one in await store_thread.run(lessons.unstudied, by=authors(info)) if one.id not in wait]
    for memory in found if info.tiny else reversed(found):
        if len(failures) >= IN_VAIN and not info.tiny:
            failures[memory.id] = (
                f"Memory {memory.id} has no lessons yet: the model made none of {IN_VAIN} others."
            )
            continue
        try:
            new = await study(engine, store_thread, memory)
            made += len(await store_thread.run(lessons.add, new, by=info.sha256))
        except HOPELESS as error:
            failures[memory.id] = str(error)
            why = (
                error.why if isinstance(error, NothingAsked) else type(error).__name__
            )  # no word of the user's
            log.info("Study: memory %d gave no lesson: %s", memory.id, why)
        except NoSuchMemory:  # forgotten meanwhile
            continue
    return made, failures


def authors(info: EngineInfo) -> tuple[str, ...]:
    """Which models' lessons this one may be taught: its own; a tiny one also those of which it is not known."""
    return (info.sha256, "") if info.tiny else (info.sha256,)
