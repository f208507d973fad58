"""
Reading: questions with memories in the student's own sight, so that it keeps reading memories as the base does.
"""

from collections.abc import Mapping, Sequence

from daemon.lessons.general import split_at
from store.lessons import Lesson, NewLesson

MOST_READ = 200  # of the newest memories


def reading_lessons(there: Sequence[Lesson]) -> list[NewLesson]:
    """One question about each memory: the last that it is taught by."""
    last: Mapping[int, Lesson] = {
        lesson.memory_ids[0]: lesson for lesson in there if lesson.kind == "fact" and lesson.split == "train"
    }
    return [
        NewLesson(
            question=last[id].question,
            answer=last[id].answer,
            grounding=last[id].grounding,
            kind="reading",
            split=split_at(id),
            memory_ids=(id,),
        )
        for id in sorted(last)[-MOST_READ:]
    ]
