"""
Dataset: the lessons of one night, from all that hold.

The grounding of a lesson comes from its own memories, and from others that have lessons of their own tonight, so that
the generation's lineage names them all. No question is taught with the answers of two memories: the newer has its way.
"""

import random
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace

from daemon.lessons.abstention import ABSTENTION, fits, name_only_questions
from daemon.lessons.known_facts import KnownFacts, read
from daemon.lessons.paraphrases import bare
from daemon.memory.recall import recalled_lines, system_text
from store.lessons import OWN, Lesson

DISTRACTORS = 3  # other memories than the one asked about, at most: as many as recall adds to a question
OF_ONE = (*OWN, "as_of", "reading")  # kinds of lessons that ask about one memory


def compose(
    stored: Sequence[Lesson],
    narratives: Mapping[int, str],
    said: Collection[str],
    *,
    seed: int,
    waiting: Collection[int] = (),
    taught: bool = True,
) -> list[Lesson]:
    """
    The lessons of tonight.

    Args:
        stored: all lessons that hold.
        narratives: line of each memory that holds, by id, oldest first.
        said: every content word of all memories; abstain lessons that it answers are left out.
        waiting: ids of memories that are not taught tonight.
        taught: how memories are laid before the model that learns; see `system_text`.
    """
    wait = set(waiting)
    teachable = [lesson for lesson in stored if wait.isdisjoint(lesson.memory_ids)]
    unknown, facts = set(name_only_questions(narratives)), KnownFacts(narratives.values())
    asked = {_asked(one.question) for one in teachable if one.kind in OWN}
    unsaid = [
        one
        for one in teachable
        if one.answer != ABSTENTION or (_asked(one.question) not in asked and fits(one, said, unknown, facts))
    ]
    tonight = _of_one_mind(unsaid, {id: place for place, id in enumerate(narratives)})
    own = {lesson.memory_ids[0] for lesson in tonight if lesson.kind in OWN}
    known = {id: line for id, line in narratives.items() if id in own}
    laid = (_among_others(lesson, known, random.Random(f"{seed}:{lesson.id}")) for lesson in tonight)
    return [_told(lesson, taught) for lesson in laid if lesson.kind != "reading" or lesson.grounding]


def _asked(question: str) -> Hashable:
    """Equal for two questions that ask for the same, in so far as code can tell."""
    asked = read(question)
    return asked.key if asked and asked.about else bare(question)


def _of_one_mind(lessons: Sequence[Lesson], place: Mapping[int, int]) -> list[Lesson]:
    """`lessons` without those that ask about an older memory what is asked about a newer one, too."""
    newest: dict[str, int] = {}
    for lesson in lessons:
        if lesson.kind in OF_ONE and lesson.memory_ids:
            asked, id = bare(lesson.question), lesson.memory_ids[0]
            rival = newest.setdefault(asked, id)
            if place.get(id, -1) > place.get(rival, -1):
                newest[asked] = id
    lost: dict[int, set[str]] = {}
    for lesson in lessons:
        if lesson.kind in OF_ONE:
            for id in lesson.memory_ids:
                if newest[bare(lesson.question)] != id:
                    lost.setdefault(id, set()).add(bare(lesson.question))
    return [
        lesson
        for lesson in lessons
        if not any(_asks(lesson, lost[id]) for id in lesson.memory_ids if id in lost)
    ]


def _asks(lesson: Lesson, lost: set[str]) -> bool:
    """Whether one of these questions is the lesson's, or part of it."""
    asked = bare(lesson.question)
    return asked in lost or (lesson.kind == "two" and any(one in asked for one in lost))


def _among_others(lesson: Lesson, known: Mapping[int, str], chance: random.Random) -> Lesson:
    """`lesson` with other memories in its grounding, so that the teacher shows how to choose."""
    unread = lesson.kind == "reading" and lesson.answer == ABSTENTION
    if not unread and (lesson.grounding is None or not set(lesson.memory_ids) <= known.keys()):
        return lesson
    others = [id for id in known if id not in lesson.memory_ids]
    few = min(len(others), chance.randint(1 if unread else 0, DISTRACTORS))
    chosen = [known[id] for id in chance.sample(others, few)]
    return replace(
        lesson, grounding=system_text(_in_order([*recalled_lines(lesson.grounding or ""), *chosen]))
    )


def _told(lesson: Lesson, taught: bool) -> Lesson:
    """`lesson` with its grounding in the form that the model is used to."""
    if taught or lesson.grounding is None:
        return lesson
    return replace(lesson, grounding=system_text(recalled_lines(lesson.grounding), taught=False))


def _in_order(lines: Sequence[str]) -> list[str]:
    """Oldest first, as recall lays them: each begins with its day."""
    return sorted(dict.fromkeys(lines), key=lambda line: line[:10])
