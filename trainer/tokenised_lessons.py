"""
Lessons as tokens: what the teacher reads, what the student reads, and the answer both are asked to foretell.

    teacher  [system: grounding] [user: question] -> answer
    student                      [user: question] -> answer      (where it `sees`: the same as the teacher)

A lesson that does not fit is counted, never cut. Two lessons of one kind and split that answer the same prompt of the
student otherwise are both left out, and counted: which one is right can't be known here, and a student of both would
say either. Two answers are otherwise unless one has all the words of the other.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from trainer.chat import Chat
from trainer.errors import nothing_to_learn
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
        TrainerError: no lesson of the train split is left, or the model's template refuses one.
    """
    if not any(lesson.split == "train" for lesson in lessons):
        rest = f" ({len(lessons)} for the exam only)" if lessons else ""
        raise nothing_to_learn(
            "no_lessons", f"the job has no lesson of the 'train' split{rest}. Nothing was written."
        )
    pairs = [(lesson, _tokenise(lesson, chat)) for lesson in lessons]
    fitting = [(lesson, tokens) for lesson, tokens in pairs if _length(tokens) <= limit]
    skipped = len(lessons) - len(fitting)
    if not any(lesson.split == "train" for lesson, _ in fitting):
        raise nothing_to_learn(
            "lessons_too_long",
            f"all {skipped} lessons are longer than {limit} tokens. Shorten them, or raise 'max_tokens' of the "
            f"recipe up to the model's context.",
        )
    doubtful = _contradicting(fitting)
    kept = [pair for pair in fitting if _group(*pair) not in doubtful]
    train, exam = (
        tuple(tokens for lesson, tokens in kept if lesson.split == split) for split in ("train", "exam")
    )
    contradicting = len(fitting) - len(kept)
    if not train:
        raise nothing_to_learn(
            "lessons_contradict",
            f"all {contradicting} lessons that fit answer a question otherwise than another lesson does. Look for "
            f"memories that contradict each other, and say which one holds.",
        )
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
