"""
Compose: the lessons of one night, from all that hold.

Promises: what lies in a lesson's grounding was told by memories that hold tonight and have lessons of their
own tonight, so that the generation's lineage names them all. Pure functions. Knows nothing of the store or
models.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from daemon.memory.recall import system_text
from daemon.memory.study import is_mentioned
from store.lessons import Lesson

DISTRACTORS = (
    3  # other memories beside the one asked about, at most: as many as recall lays beside a question
)


def compose(
    held: Sequence[Lesson], narratives: Mapping[int, str], said: Collection[str], *, seed: int
) -> list[Lesson]:
    """
    The lessons of tonight.

    Args:
        held: all lessons that hold.
        narratives: line of each held memory by id, oldest first.
        said: every content word of what is held; abstain lessons that it answers are left out.
    """
    taught = {id for lesson in held for id in lesson.memory_ids}
    known = {id: line for id, line in narratives.items() if id in taught}
    words = set(said)
    return [
        _among_others(lesson, known, random.Random(f"{seed}:{lesson.id}"))
        for lesson in held
        if not (lesson.kind == "abstain" and is_mentioned(lesson.question, words))
    ]


def _among_others(lesson: Lesson, known: Mapping[int, str], chance: random.Random) -> Lesson:
    """`lesson` with other memories in its grounding, so that the teacher shows how to choose."""
    if lesson.grounding is None or not set(lesson.memory_ids) <= known.keys():
        return lesson
    others = [id for id in known if id not in lesson.memory_ids]
    chosen = {*lesson.memory_ids, *chance.sample(others, min(len(others), chance.randint(0, DISTRACTORS)))}
    return replace(lesson, grounding=system_text([line for id, line in known.items() if id in chosen]))
