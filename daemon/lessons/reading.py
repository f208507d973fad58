"""
Reading: questions with memories in the student's own sight, so that it keeps reading memories as the base does.
"""

from collections.abc import Mapping, Sequence

from daemon.lessons.general import EXAM_EVERY
from store.lessons import Lesson, NewLesson

MOST_READ = 200  # of the newest memories


def reading_lessons(there: Sequence[Lesson]) -> list[NewLesson]:
    """One question about each memory: the last that it is taught by."""
    last: Mapping[int, Lesson] = {
        lesson.memory_ids[0]: lesson for lesson in there if lesson.kind == "fact" and lesson.split == "train"
    }
    return [
        placed(
            last[id].question,
            last[id].answer,
            "reading",
            id,
            memory_ids=(id,),
            grounding=last[id].grounding,
        )
        for id in sorted(last)[-MOST_READ:]
    ]


def placed(
    question: str,
    answer: str,
    kind: str,
    place: int,
    *,
    memory_ids: tuple[int, ...] = (),
    grounding: str | None = None,
    abstains: bool = False,
) -> NewLesson:
    """A lesson whose place decides whether it is trained or held out."""
    return NewLesson(
        question=question,
        answer=answer,
        grounding=grounding,
        kind=kind,
        split="exam" if place % EXAM_EVERY == EXAM_EVERY - 1 else "train",
        memory_ids=memory_ids,
        abstains=abstains,
    )
