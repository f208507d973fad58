"""
Regularisation: lessons that come of no single memory, so that the student stays what the base model is.

    abstain   what was never said: see `abstention.py`
    general   what has nothing to do with the user: see `general.py`
    two       questions over two memories: see `multi_hop.py`
    reading   questions with memories in the student's own sight: to read them, or to say that they don't tell

Bounded in number; what is there already is not made again; all that is missing is stored together or none. A question
that a memory may answer by now is left out of the night, and dropped here unless a generation has learned it. A model
that is tiny has a way of its own (`tiny/regularisation.py`).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date

from daemon.core import Core
from daemon.engine.client import EngineInfo
from daemon.lessons.abstention import untold
from daemon.lessons.general import general_lessons
from daemon.lessons.generation import authors
from daemon.lessons.multi_hop import couples
from daemon.lessons.reading import reading_lessons
from daemon.lessons.teacher import Teacher
from daemon.lessons.tiny.abstention import mentioned_words
from daemon.lessons.tiny.paraphrases import bare
from daemon.lessons.tiny.regularisation import Told, fit_for_tonight, regularisation
from daemon.text import normalised
from store import lessons, memories
from store.database import Connection
from store.errors import NoSuchMemory
from store.lessons import OWN, Lesson, NewLesson


async def add_regularisation(core: Core) -> int:
    """Add the lessons of regularisation that are missing; returns how many. Those that don't fit any more go."""
    info, run = await core.engine.info(), core.store_thread.run
    general = await general_lessons(core.engine, await run(lessons.holding, by=authors(info)))
    while True:
        there = await run(lessons.holding, by=authors(info))
        lines = await run(current_lines)
        if info.tiny:
            told = Told(await run(mentioned_words), lines)
            wanted = regularisation(there, general, told)
            await run(lessons.drop, told.unfit(there))
        else:
            made, unfit = await _own(core, Teacher(core.engine, info), there, lines)
            wanted = [*made, *general, *reading_lessons(there)]
            await run(lessons.retire, unfit)
        known = {_key(one) for one in there}
        added = {_key(one): one for one in reversed(wanted) if _key(one) not in known}
        try:
            return len(await run(lessons.add, list(reversed(added.values())), by=info.sha256))
        except NoSuchMemory:  # forgotten meanwhile: look again at what is left
            continue


async def _own(
    core: Core, teacher: Teacher, there: Sequence[Lesson], lines: Mapping[int, str]
) -> tuple[list[NewLesson], set[int]]:
    """What the model itself asks over several memories, and ids of lessons that don't fit any more."""
    turn = date.today().toordinal()  # each night asks about others first
    found = await untold(core, teacher, there, lines, seed=turn)
    return [*found.made, *await couples(teacher, there, lines, seed=turn)], found.unfit


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
    if info.tiny:
        return fit_for_tonight(able, Told(await run(mentioned_words), await run(current_lines)))
    asked = {normalised(one.question) for one in able if one.kind in OWN}
    return [one for one in able if not one.abstains or normalised(one.question) not in asked]


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
