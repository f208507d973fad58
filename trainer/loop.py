"""
The student's part of the night: update the adapter, look at the exam now and then, keep the best (early stopping).

The same lessons, recipe and seed visit the same batches, also in a night that was cut short and goes on. A loss or an
adapter that is no number ends the night. Memory that runs out halves the batch; each lesson is still seen as often.
"""

import math
import random
from collections.abc import Callable, Generator, Sequence

import numpy as np

from trainer.backend import Backend, Sequences, Targets, join, pack
from trainer.checkpoint import Position, Trained
from trainer.errors import OutOfMemory, diverged
from trainer.job import Progress
from trainer.recipe import Base, Recipe
from trainer.targets import TaughtLesson

BETTER = 0.99  # an improvement is an exam loss below this part of that at the last one


def first_position(lessons: int, recipe: Recipe, base: Base) -> Position:
    """Where a student with so many lessons begins."""
    batch = min(recipe.batch, lessons)  # one batch never holds a lesson more than twice
    return Position(steps=recipe.steps_for(lessons, base), batch=batch, paper=recipe.batch)


def train(
    backend: Backend,
    lessons: Sequence[TaughtLesson],
    exam: Sequence[TaughtLesson],
    recipe: Recipe,
    seed: int,
    *,
    at: Position,
    keep: Callable[[], None] = lambda: None,
) -> Generator[Progress, None, Trained]:
    """
    Train the adapter on `lessons`, stopping early once the loss on `exam` no longer falls.

    Args:
        at: where to begin; moved along. The backend has the state that belongs to it.
        keep: called after each step, when `at` and the backend's state belong together.

    Raises:
        TrainerError: the loss, or what was learned, is infinite or not a number.
        OutOfMemory: not even one lesson fits.
    """
    peak = recipe.learning_rate_for(backend.base)
    order = _Order(len(lessons), seed, at.lessons)
    while at.step < at.steps and at.tired < recipe.patience:
        chosen = [lessons[index] for index in order.next(at.batch)]
        batch, targets = _batch(chosen)
        try:
            loss = backend.step(batch, targets, recipe.learning_rate_at(at.step, at.steps, peak))
        except OutOfMemory:
            if at.batch == 1:
                raise
            _halve(at, recipe)
            less = f"learning; memory ran out, {at.batch} lessons a step from now on"
            yield Progress(done=at.step, total=at.steps, unit="steps", note=less)
            continue
        order.take(at.batch)
        at.step, at.lessons, at.tokens = at.step + 1, at.lessons + at.batch, at.tokens + len(batch.tokens)
        at.losses.append(_finite(loss, at.step, peak))
        looks = exam and (at.step % max(1, at.steps // recipe.checks) == 0 or at.step == at.steps)
        exam_loss = _look(backend, exam, at, peak) if looks else None
        yield Progress(
            done=at.step, total=at.steps, unit="steps", note="learning", loss=loss, exam_loss=exam_loss
        )
        keep()
    return at.best or _trained(backend, at.losses, None, peak)


def _halve(at: Position, recipe: Recipe) -> None:
    """Half the lessons a step from now on; twice the steps that are left, unless the recipe counts steps itself."""
    smaller = at.batch // 2
    if recipe.steps is None:
        at.steps = at.step + math.ceil((at.steps - at.step) * at.batch / smaller)
    at.batch = smaller


def _look(backend: Backend, exam: Sequence[TaughtLesson], at: Position, peak: float) -> float:
    """The exam's loss, measured; the adapter is remembered if it is the best so far."""
    loss = _finite(_mean_loss(backend, exam, at), at.step, peak)
    best = math.inf if at.best is None or at.best.exam_loss is None else at.best.exam_loss
    if at.mark is None or loss < BETTER * at.mark:
        at.tired, at.mark = 0, loss
    else:
        at.tired += 1
    if loss < best:
        at.best = _trained(backend, at.losses, loss, peak)
    return loss


def _trained(backend: Backend, losses: list[float], exam_loss: float | None, peak: float) -> Trained:
    recent = losses[-max(1, len(losses) // 10) :]
    adapter = backend.adapter()
    if not all(np.isfinite(values).all() for values in adapter.values()):
        raise diverged(len(losses), math.nan, peak)  # the last update did it: no loss has shown it yet
    return Trained(
        adapter=adapter,
        steps=len(losses),
        train_loss=sum(recent) / len(recent),
        exam_loss=exam_loss,
    )


class _Order:
    """Lessons without end: all of them in a new order each time round; a batch may reach into the next round."""

    def __init__(self, count: int, seed: int, taken: int) -> None:
        self._count = count
        self._shuffle = random.Random(seed)
        self._waiting: list[int] = []
        while taken:
            part = min(taken, count)
            self.next(part)
            self.take(part)
            taken -= part

    def next(self, size: int) -> list[int]:
        """The next `size` lessons, which stay the next ones until they are taken."""
        while len(self._waiting) < size:
            self._waiting += self._shuffle.sample(range(self._count), self._count)
        return self._waiting[:size]

    def take(self, size: int) -> None:
        """These were learned."""
        del self._waiting[:size]


def _batch(lessons: Sequence[TaughtLesson]) -> tuple[Sequences, Targets]:
    """As one batch; those of equal length side by side, which a backend can read together."""
    lessons = sorted(lessons, key=lambda each: len(each.prompt) + len(each.answer))
    return pack([(each.prompt, each.answer) for each in lessons]), join([each.targets for each in lessons])


def _mean_loss(backend: Backend, exam: Sequence[TaughtLesson], at: Position) -> float:
    """Nats per answer token over the whole exam, in smaller parts where memory asks for it."""
    total, done = 0.0, 0
    while done < len(exam):
        paper = exam[done : done + at.paper]
        batch, targets = _batch(paper)
        try:
            total += backend.loss(batch, targets) * len(batch.answers)
        except OutOfMemory:
            if len(paper) == 1:
                raise
            at.paper = len(paper) // 2
            continue
        done += len(paper)
    return total / sum(len(each.answer) for each in exam)


def _finite(loss: float, step: int, learning_rate: float) -> float:
    if not math.isfinite(loss):
        raise diverged(step, loss, learning_rate)
    return loss
