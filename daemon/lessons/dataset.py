"""
Dataset: the lessons of one night, from all that hold.

The grounding of a lesson comes from its own memories, and from others that have lessons of their own tonight, so that
the generation's lineage names them all. No question is taught with the answers of two memories: the newer has its way.
Of the general lessons of a model that is not tiny, every night has another part.
"""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from daemon.lessons.general import tonights_part
from daemon.memory.recall import recalled_lines, system_text
from daemon.text import normalised
from store.lessons import OWN, Lesson

DISTRACTORS = 3  # other memories than the one asked about, at most: as many as recall adds to a question
OF_ONE = (*OWN, "as_of", "reading")  # kinds of lessons that ask about one memory


def compose(
    stored: Sequence[Lesson],
    narratives: Mapping[int, str],
    *,
    seed: int,
    waiting: Collection[int] = (),
    tiny: bool = True,
    turn: int | None = None,
    same: Callable[[str], str] = normalised,
) -> list[Lesson]:
    """
    The lessons of tonight.

    Args:
        stored: lessons that hold and may be taught.
        narratives: line of each memory that holds, by id, oldest first.
        waiting: ids of memories that are not taught tonight.
        tiny: how memories are laid before the model that learns; see `system_text`.
        turn: which part of the general lessons is taught; None: all, and those held out too.
        same: equal for two questions that are worded alike.
    """
    wait = set(waiting)
    teachable = [lesson for lesson in stored if wait.isdisjoint(lesson.memory_ids)]
    if turn is not None:
        teachable = tonights_part(teachable, turn)
    tonight = _of_one_mind(teachable, {id: place for place, id in enumerate(narratives)}, same)
    own = {lesson.memory_ids[0] for lesson in tonight if lesson.kind in OWN}
    known = {id: line for id, line in narratives.items() if id in own}
    laid = (_among_others(lesson, known, random.Random(f"{seed}:{lesson.id}")) for lesson in tonight)
    return [_told(lesson, tiny) for lesson in laid if lesson.kind != "reading" or lesson.grounding]


def _is_of_one(lesson: Lesson) -> bool:
    return lesson.kind in OF_ONE and len(lesson.memory_ids) == 1


def _of_one_mind(
    lessons: Sequence[Lesson], place: Mapping[int, int], same: Callable[[str], str]
) -> list[Lesson]:
    """`lessons` without those that ask about an older memory what is asked about a newer one, too."""
    newest: dict[str, int] = {}
    for lesson in lessons:
        if _is_of_one(lesson):
            asked, id = same(lesson.question), lesson.memory_ids[0]
            rival = newest.setdefault(asked, id)
            if place.get(id, -1) > place.get(rival, -1):
                newest[asked] = id
    lost: dict[int, set[str]] = {}
    for lesson in lessons:
        if _is_of_one(lesson) and newest[same(lesson.question)] != lesson.memory_ids[0]:
            lost.setdefault(lesson.memory_ids[0], set()).add(same(lesson.question))
    return [
        lesson
        for lesson in lessons
        if not any(_asks(lesson, lost[id], same) for id in lesson.memory_ids if id in lost)
    ]


def _asks(lesson: Lesson, lost: set[str], same: Callable[[str], str]) -> bool:
    """Whether one of these questions is the lesson's, or part of it."""
    asked = same(lesson.question)
    return asked in lost or (lesson.kind == "two" and any(one in asked for one in lost))


def _among_others(lesson: Lesson, known: Mapping[int, str], chance: random.Random) -> Lesson:
    """`lesson` with other memories in its grounding, so that the teacher shows how to choose."""
    unread = lesson.kind == "reading" and lesson.abstains and lesson.grounding is None
    if not unread and (lesson.grounding is None or not set(lesson.memory_ids) <= known.keys()):
        return lesson
    others = [id for id in known if id not in lesson.memory_ids]
    few = min(len(others), chance.randint(1 if unread else 0, DISTRACTORS))
    chosen = [known[id] for id in chance.sample(others, few)]
    return replace(
        lesson, grounding=system_text(_in_order([*recalled_lines(lesson.grounding or ""), *chosen]))
    )


def _told(lesson: Lesson, tiny: bool) -> Lesson:
    """`lesson` with its grounding in the form that the model is used to."""
    if tiny or lesson.grounding is None:
        return lesson
    return replace(lesson, grounding=system_text(recalled_lines(lesson.grounding), tiny=False))


def _in_order(lines: Sequence[str]) -> list[str]:
    """Oldest first, as recall lays them: each begins with its day."""
    return sorted(dict.fromkeys(lines), key=lambda line: line[:10])
