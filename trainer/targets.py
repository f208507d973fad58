"""
The teacher's part of the night (distillation targets): what the base model, with the grounding in its context,
expects at every answer token.

The teacher reads each lesson once, so that the student's steps cost no teacher pass. Its slips are not taught. Targets
stay in memory (about 60 bytes an answer token at d = 5).
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.backend import Backend, Ints, Targets, pack
from trainer.errors import OutOfMemory, TrainerError
from trainer.job import Lesson, Progress
from trainer.loss import hard_targets
from trainer.recipe import Recipe

NEVER = -20.7  # nats: a chance of one in a thousand millions
LEAST = -87.0  # nats: e to this is still a number in float32


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtLesson:
    """What the student reads, and what it is to foretell."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    targets: Targets


def teach(
    backend: Backend,
    lessons: Sequence[Lesson],
    recipe: Recipe,
    note: str,
    *,
    done: list[Targets],
    keep: Callable[[], None] = lambda: None,
) -> Generator[Progress, None, list[TaughtLesson]]:
    """
    Have the teacher read all lessons, those that begin alike together; gives them back in the order they came.

    Args:
        done: targets of the first lessons in the teacher's own order, from an earlier night; the others are put
            behind them.
        keep: called after each batch.

    Raises:
        OutOfMemory: not even one lesson fits.
        TrainerError: what the base model expects is not a number.
    """
    order = sorted(
        range(len(lessons)),
        key=lambda index: (lessons[index].teacher != lessons[index].student, lessons[index].teacher),
    )
    size = recipe.batch
    while len(done) < len(order):
        chosen = [lessons[index] for index in order[len(done) : len(done) + size]]
        try:
            done += _asked(backend, chosen, recipe)
        except OutOfMemory:
            if len(chosen) == 1:
                raise
            size = len(chosen) // 2
            less = f"{note}; memory ran out, {size} at a time from now on"
            yield Progress(done=len(done), total=len(order), unit="lessons", note=less)
            continue
        yield Progress(done=len(done), total=len(order), unit="lessons", note=note)
        keep()
    targets = dict(zip(order, done, strict=True))
    return [
        TaughtLesson(prompt=lesson.student, answer=lesson.answer, targets=targets[index])
        for index, lesson in enumerate(lessons)
    ]


def read_ahead(
    backend: Backend, lessons: Sequence[Lesson], recipe: Recipe
) -> Generator[Progress, None, None]:
    """Have the layers that don't learn read, once, what the student will read; raises `OutOfMemory`."""
    order = sorted(lessons, key=lambda one: len(one.student) + len(one.answer))
    for at in range(0, len(order), recipe.batch):
        chosen = order[at : at + recipe.batch]
        backend.read_ahead(pack([(one.student, one.answer) for one in chosen]))
        done = at + len(chosen)
        yield Progress(done=done, total=len(order), unit="lessons", note="the layers that don't learn read")


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


def finite(targets: Targets) -> Targets:
    """`targets` without minus infinity: 0 times it is no number. A value that is no number stays one."""
    logp, rest = np.maximum(targets.logp, LEAST), np.maximum(targets.rest, LEAST)
    return Targets(tokens=targets.tokens, logp=logp.astype(np.float32), rest=rest.astype(np.float32))


def _asked(backend: Backend, lessons: Sequence[Lesson], recipe: Recipe) -> list[Targets]:
    """The targets of each lesson."""
    batch = pack([(each.teacher, each.answer) for each in lessons])
    if recipe.loss == "hard":
        targets = hard_targets(batch)
    else:
        said = finite(backend.teach(batch, recipe.d))
        if np.isnan(said.logp).any() or np.isnan(said.rest).any():
            raise TrainerError(
                "teacher_without_numbers",
                "The model gives no numbers where it should answer as the teacher. Nothing was written. Set "
                "'precision' of the recipe to float32; if that is no help, its file is damaged: download it again.",
            )
        targets = corrected(said, batch.answers)
    ends = np.cumsum([len(each.answer) for each in lessons])
    return [targets.part(slice(end - len(one.answer), end)) for one, end in zip(lessons, ends, strict=True)]
