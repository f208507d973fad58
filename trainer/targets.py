"""
The teacher's part of the night: what the base model, with the grounding in its context, expects at every
answer token.

Promises: each lesson is read by the teacher once, so the student's steps cost no teacher pass; the teacher's slips
are not taught. Targets stay in memory (about 60 bytes an answer token at d = 5). Knows nothing of how the student
learns.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.backend import Backend, Ints, Targets, pack
from trainer.lessons import TokenisedLesson
from trainer.loss import hard_targets
from trainer.progress import Progress
from trainer.recipe import Recipe

NEVER = -20.7  # nats: a chance of one in a thousand millions


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtLesson:
    """What the student reads, and what it is to foretell."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    targets: Targets


def teach(
    backend: Backend, lessons: Sequence[TokenisedLesson], recipe: Recipe, note: str
) -> Generator[Progress, None, list[TaughtLesson]]:
    """
    Have the teacher read all lessons, those of like length together; gives them back in the order they came.
    """
    order = sorted(
        range(len(lessons)), key=lambda index: len(lessons[index].teacher) + len(lessons[index].answer)
    )
    taught: dict[int, TaughtLesson] = {}
    for start in range(0, len(order), recipe.batch):
        chosen = order[start : start + recipe.batch]
        batch = pack([(lessons[index].teacher, lessons[index].answer) for index in chosen])
        targets = (
            hard_targets(batch)
            if recipe.loss == "hard"
            else corrected(backend.teach(batch, recipe.d), batch.answers)
        )
        at = 0
        for index in chosen:
            lesson = lessons[index]
            mine = slice(at, at + len(lesson.answer))
            at += len(lesson.answer)
            taught[index] = TaughtLesson(
                prompt=lesson.student,
                answer=lesson.answer,
                targets=Targets(
                    tokens=targets.tokens[mine], logp=targets.logp[mine], rest=targets.rest[mine]
                ),
            )
        yield Progress(done=len(taught), total=len(lessons), unit="lessons", note=note)
    return [taught[index] for index in range(len(lessons))]


def corrected(targets: Targets, answers: Ints) -> Targets:
    """
    `targets`, but the lesson's own token, as if it were certain, wherever the teacher would have said another.

    A small teacher reads a memory amiss now and then, most of all among others of its kind; the student must not
    learn the slip: the lesson's answer was made with that one memory in sight.

    Args:
        targets: the likeliest token first.
        answers: (A,) the tokens of the lessons' answers.
    """
    tokens, logp, rest = targets.tokens.copy(), targets.logp.copy(), targets.rest.copy()
    for row in np.flatnonzero(tokens[:, 0] != answers):
        others = [token for token in tokens[row] if token != answers[row]]
        tokens[row] = [answers[row], *others[: tokens.shape[1] - 1]]
        logp[row] = [0.0] + [NEVER] * (tokens.shape[1] - 1)
        rest[row] = NEVER
    return Targets(tokens=tokens, logp=logp, rest=rest)
