"""
The student's part of the night: update the adapter, look at the exam now and then, keep the best.

Promises: the same lessons, recipe and seed visit the same batches; a loss that is no number ends the night;
the adapter given back is the one with the lowest exam loss (the last one where there is no exam).
Knows nothing of files, chats or libraries.
"""

import math
import random
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from trainer.backend import Backend, Floats, Sequences, Targets, join, pack
from trainer.errors import Diverged
from trainer.progress import Progress
from trainer.recipe import Recipe
from trainer.targets import TaughtLesson

BETTER = 0.99  # a look at the exam counts as an improvement when its loss fell below this part of the best


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What came out of training."""

    adapter: dict[str, Floats]
    steps: int
    train_loss: float
    exam_loss: float | None


def train(
    backend: Backend, lessons: Sequence[TaughtLesson], exam: Sequence[TaughtLesson], recipe: Recipe, seed: int
) -> Generator[Progress, None, Trained]:
    """
    Train the adapter on `lessons`, stopping early once the loss on `exam` no longer falls.

    Raises:
        Diverged: the loss is infinite or not a number.
    """
    steps = recipe.steps_for(len(lessons), backend.parameters)
    peak = recipe.learning_rate_for(backend.parameters)
    every = max(1, steps // recipe.checks)
    papers = [_batch(exam[start : start + recipe.batch]) for start in range(0, len(exam), recipe.batch)]
    best: Trained | None = None
    tired = 0
    losses: list[float] = []
    for step, chosen in zip(range(1, steps + 1), _batches(lessons, recipe.batch, seed), strict=False):
        loss = backend.step(*_batch(chosen), recipe.learning_rate_at(step - 1, steps, peak))
        losses.append(_finite(loss, step, peak))
        yield Progress(done=step, total=steps, unit="steps", note="learning", loss=loss)
        if not papers or (step % every and step != steps):
            continue
        exam_loss = _finite(_mean_loss(backend, papers), step, peak)
        tired = 0 if best is None or exam_loss < BETTER * _exam_loss(best) else tired + 1
        if best is None or exam_loss < _exam_loss(best):
            best = _trained(backend, losses, exam_loss)
        if tired >= recipe.patience:
            break
    return best or _trained(backend, losses, None)


def _trained(backend: Backend, losses: list[float], exam_loss: float | None) -> Trained:
    recent = losses[-max(1, len(losses) // 10) :]
    return Trained(
        adapter=backend.adapter(),
        steps=len(losses),
        train_loss=sum(recent) / len(recent),
        exam_loss=exam_loss,
    )


def _exam_loss(trained: Trained) -> float:
    return math.inf if trained.exam_loss is None else trained.exam_loss


def _batches(lessons: Sequence[TaughtLesson], size: int, seed: int) -> Iterator[list[TaughtLesson]]:
    """Endless batches: all lessons in a new order each time round, a batch may reach into the next round."""
    shuffle = random.Random(seed)
    waiting: list[TaughtLesson] = []
    size = min(size, len(lessons))  # one batch never holds a lesson more than twice
    while True:
        while len(waiting) < size:
            waiting += shuffle.sample(lessons, len(lessons))
        yield waiting[:size]
        del waiting[:size]


def _batch(lessons: Sequence[TaughtLesson]) -> tuple[Sequences, Targets]:
    return pack([(each.prompt, each.answer) for each in lessons]), join([each.targets for each in lessons])


def _mean_loss(backend: Backend, papers: Sequence[tuple[Sequences, Targets]]) -> float:
    """Nats per answer token over all batches."""
    tokens = sum(len(batch.answers) for batch, _ in papers)
    return sum(backend.loss(batch, targets) * len(batch.answers) for batch, targets in papers) / tokens


def _finite(loss: float, step: int, learning_rate: float) -> float:
    if not math.isfinite(loss):
        raise Diverged(step, loss, learning_rate)
    return loss
