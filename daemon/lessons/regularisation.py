"""
Regularisation: lessons that come of no single memory, so that the student stays what the base model is.

    abstain   what was never said
    general   what has nothing to do with the user: see `general.py`
    two       questions over two memories
    reading   questions with memories in the student's own sight: to read them, or to say that they don't tell

Bounded in number; what is there already is not made again; all that is missing is stored together or none. A question
that a memory may answer by now is left out of the night, and dropped here unless a generation has learned it. A model
that is tiny has a way of its own (`tiny/regularisation.py`).
"""

from collections.abc import Callable, Collection

from daemon.core import Core
from daemon.engine.client import EngineInfo
from daemon.lessons.general import general_lessons
from daemon.lessons.generation import authors
from daemon.lessons.tiny.abstention import mentioned_words
from daemon.lessons.tiny.paraphrases import bare
from daemon.lessons.tiny.regularisation import Told, fit_for_tonight, regularisation
from daemon.text import normalised
from store import lessons, memories
from store.database import Connection
from store.errors import NoSuchMemory
from store.lessons import Lesson, NewLesson


async def add_regularisation(core: Core) -> int:
    """Add the lessons of regularisation that are missing; returns how many."""
    info, run = await core.engine.info(), core.store_thread.run
    by = authors(info)
    general = await general_lessons(core.engine, await run(lessons.holding, by=by))
    while True:
        there = await run(lessons.holding, by=by)
        told = Told(await run(mentioned_words), await run(current_lines))
        await run(lessons.drop, told.unfit(there))
        known = {_key(one) for one in there}
        wanted = regularisation(there, general, told)
        added = {_key(one): one for one in reversed(wanted) if _key(one) not in known}
        try:
            return len(await run(lessons.add, list(reversed(added.values())), by=info.sha256))
        except NoSuchMemory:  # forgotten meanwhile: look again at what is left
            continue


async def teachable(core: Core, *, waiting: Collection[int] = ()) -> list[Lesson]:
    """
    The lessons that may be taught now, by the model that is served.

    Args:
        waiting: ids of memories that are not taught.
    """
    info, run = await core.engine.info(), core.store_thread.run
    wait = set(waiting)
    held = await run(lessons.holding, by=authors(info))
    able = [one for one in held if wait.isdisjoint(one.memory_ids)]
    return fit_for_tonight(able, Told(await run(mentioned_words), await run(current_lines)))


def same_question(info: EngineInfo) -> Callable[[str], str]:
    """What is equal for two questions that are worded alike."""
    return bare if info.tiny else normalised


def current_lines(db: Connection) -> dict[int, str]:
    """The narrative of each memory that holds, by its id, oldest first; runs in the store's thread."""
    found = sorted(memories.holding(db), key=lambda memory: (memory.valid_from, memory.id))
    return dict(
        zip([one.id for one in found], memories.narratives(db, found, trust=lessons.TAUGHT), strict=True)
    )


def _key(lesson: Lesson | NewLesson) -> tuple[str, str, tuple[int, ...]]:
    return (lesson.kind, normalised(lesson.question), tuple(sorted(lesson.memory_ids)))
