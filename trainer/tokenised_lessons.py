"""
Lessons as tokens: what the teacher reads, what the student reads, and the answer both are asked to foretell.

    teacher  [system: grounding] [user: question] -> answer
    student                      [user: question] -> answer      (where it `sees`: the same as the teacher)

Promises: a lesson that does not fit is counted, never cut. Two lessons of one kind and split that answer the same
prompt of the student otherwise are both left out, and counted: which of them is right can't be known here, and a
student of both would say either. Two answers are otherwise unless one has all the words of the other.
Knows nothing of gradients.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from trainer.chat import Chat
from trainer.errors import LessonsContradict, LessonsTooLong, NoLessons
from trainer.job import Lesson


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenisedLesson:
    """One lesson as tokens."""

    teacher: tuple[int, ...]  # the prompt with the grounding
    student: tuple[int, ...]  # the prompt without it
    answer: tuple[int, ...]  # with the end of the turn


_Group: TypeAlias = tuple[str, str, tuple[int, ...]]  # kind, split, the student's prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All lessons of one night that fit the model."""

    train: tuple[TokenisedLesson, ...]
    exam: tuple[TokenisedLesson, ...]
    skipped: int  # too long, both splits
    contradicting: int  # both splits


def prepare(lessons: Sequence[Lesson], chat: Chat, *, limit: int) -> Course:
    """
    Tokenise the lessons and leave out those longer than `limit` tokens (prompt and answer).

    Raises:
        NoLessons: none is of the train split.
        LessonsTooLong: all of the train split were left out.
        LessonsContradict: all of the train split that fit were left out.
        TemplateFailed: the model's template refuses a lesson.
    """
    if not any(lesson.split == "train" for lesson in lessons):
        raise NoLessons(len(lessons))
    pairs = [(lesson, _tokenise(lesson, chat)) for lesson in lessons]
    fitting = [(lesson, tokens) for lesson, tokens in pairs if _length(tokens) <= limit]
    skipped = len(lessons) - len(fitting)
    if not any(lesson.split == "train" for lesson, _ in fitting):
        raise LessonsTooLong(skipped, limit)
    doubtful = _contradicting(fitting)
    kept = [pair for pair in fitting if _group(*pair) not in doubtful]
    train, exam = (
        tuple(tokens for lesson, tokens in kept if lesson.split == split) for split in ("train", "exam")
    )
    contradicting = len(fitting) - len(kept)
    if not train:
        raise LessonsContradict(contradicting)
    return Course(train=train, exam=exam, skipped=skipped, contradicting=contradicting)


def _contradicting(pairs: Sequence[tuple[Lesson, TokenisedLesson]]) -> set[_Group]:
    """The groups in which one question has answers that can't both be right."""
    answers: dict[_Group, set[frozenset[str]]] = defaultdict(set)
    for lesson, tokens in pairs:
        words = re.findall(r"\w+", lesson.answer.casefold())
        answers[_group(lesson, tokens)].add(frozenset(words) or frozenset({lesson.answer}))
    return {
        group
        for group, found in answers.items()
        if any(not (one <= other or other <= one) for one, other in combinations(found, 2))
    }


def _group(lesson: Lesson, tokens: TokenisedLesson) -> _Group:
    return lesson.kind, lesson.split, tokens.student


def _length(tokens: TokenisedLesson) -> int:
    return max(len(tokens.teacher), len(tokens.student)) + len(tokens.answer)


def _tokenise(lesson: Lesson, chat: Chat) -> TokenisedLesson:
    question = {"role": "user", "content": lesson.question}
    student = chat.prompt([question])
    teacher = student
    if lesson.grounding is not None:
        teacher = chat.prompt([{"role": "system", "content": lesson.grounding}, question])
    if lesson.sees:
        student = teacher
    return TokenisedLesson(
        teacher=tuple(teacher), student=tuple(student), answer=tuple(chat.answer(lesson.answer))
    )
