"""
Lessons as tokens: what the teacher reads, what the student reads, and the answer both are asked to foretell.

    teacher  [system: grounding] [user: question] -> answer
    student                      [user: question] -> answer

Promises: a lesson that does not fit is counted, never cut. Knows nothing of gradients.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.chat import Chat
from trainer.errors import LessonsTooLong, NoLessons
from trainer.job import Lesson


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenisedLesson:
    """One lesson as tokens."""

    teacher: tuple[int, ...]  # the prompt with the grounding
    student: tuple[int, ...]  # the prompt without it
    answer: tuple[int, ...]  # with the end of the turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All lessons of one night that fit the model."""

    train: tuple[TokenisedLesson, ...]
    exam: tuple[TokenisedLesson, ...]
    skipped: int  # too long, both splits


def prepare(lessons: Sequence[Lesson], chat: Chat, *, limit: int) -> Course:
    """
    Tokenise the lessons and leave out those longer than `limit` tokens (prompt and answer).

    Raises:
        NoLessons: none is of the train split.
        LessonsTooLong: all of the train split were left out.
        TemplateFailed: the model's template refuses a lesson.
    """
    if not any(lesson.split == "train" for lesson in lessons):
        raise NoLessons(len(lessons))
    fitting: dict[str, list[TokenisedLesson]] = {"train": [], "exam": []}
    for lesson in lessons:
        tokens = _tokenise(lesson, chat)
        if max(len(tokens.teacher), len(tokens.student)) + len(tokens.answer) <= limit:
            fitting[lesson.split].append(tokens)
    skipped = len(lessons) - sum(map(len, fitting.values()))
    if not fitting["train"]:
        raise LessonsTooLong(skipped, limit)
    return Course(train=tuple(fitting["train"]), exam=tuple(fitting["exam"]), skipped=skipped)


def _tokenise(lesson: Lesson, chat: Chat) -> TokenisedLesson:
    question = {"role": "user", "content": lesson.question}
    student = chat.prompt([question])
    teacher = student
    if lesson.grounding is not None:
        teacher = chat.prompt([{"role": "system", "content": lesson.grounding}, question])
    return TokenisedLesson(
        teacher=tuple(teacher),
        student=tuple(teacher if lesson.sees else student),
        answer=tuple(chat.answer(lesson.answer)),
    )
