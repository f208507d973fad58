"""
How quickly this machine trains this model: a few lessons read by the teacher, a few steps of the student, no adapter.

The seconds of a whole night follow from it, long before the night is run; a large model learns fewer lessons a step
here than at night, so that no measurement takes long.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from trainer.backend import Backend
from trainer.backends import open_backend
from trainer.gguf_model import open_model
from trainer.job import Job, Lesson, Progress
from trainer.loop import first_position, train
from trainer.recipe import Recipe
from trainer.run import course_of, environment
from trainer.targets import TaughtLesson, teach

STEP_S = 6.0  # that a measured step may take, as the teacher's speed foretells it
DEARER = 3  # a step of the student computes as much as so many readings of the teacher
STEPS = 2  # the first one prepares memory and kernels, the last one counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a night of these lessons would take."""

    load_s: float  # libraries and model
    teacher_tokens_per_s: float  # prompts and answers
    student_tokens_per_s: float
    steps: int  # that the recipe plans for all lessons of the job
    batch: int  # lessons a step
    peak_mb: float  # of the measurement (10**6 bytes): a night's larger steps may take more
    backend: str


def measure(job: Job) -> Iterator[Progress | Measured]:
    """Measure; the last thing given is a `Measured`. Raises `TrainerError`; nothing is written in any case."""
    began = time.monotonic()
    yield Progress(done=0, total=STEPS, unit="steps", note="loading the model")
    model = open_model(job.model)
    limit = min(model.shape.context, job.recipe.max_tokens)
    course = course_of(job.lessons, vocabulary=model.shape.vocabulary, limit=limit)
    with environment(job):
        backend = open_backend(model, job.recipe, job.seed)
    load_s = time.monotonic() - began
    planned = first_position(len(course.train), job.recipe, backend.base)
    few = _spread(course.train, planned.batch)
    _taught(backend, few[:1], job.recipe)  # memory and kernels are made ready
    _, one_s = _taught(backend, few[:1], job.recipe)
    few = _spread(few, max(1, int(STEP_S / (DEARER * one_s))))
    recipe = replace(job.recipe, steps=STEPS, batch=len(few))
    taught, teacher_s = _taught(backend, few, recipe)
    at = first_position(len(taught), recipe, backend.base)
    last, step_s = time.monotonic(), 0.0
    for progress in train(backend, taught, [], recipe, job.seed, at=at):
        step_s, last = time.monotonic() - last, time.monotonic()
        yield progress
    yield Measured(
        load_s=load_s,
        teacher_tokens_per_s=sum(len(one.teacher) + len(one.answer) for one in few) / teacher_s,
        student_tokens_per_s=sum(len(one.student) + len(one.answer) for one in few) / step_s,
        steps=planned.steps,
        batch=planned.batch,
        peak_mb=backend.peak_mb(),
        backend=backend.name,
    )


def _spread(lessons: Sequence[Lesson], count: int) -> list[Lesson]:
    """At most `count` lessons, of all lengths alike."""
    by_length = sorted(lessons, key=lambda one: one.length)
    few = min(count, len(by_length))
    return [by_length[(2 * place + 1) * len(by_length) // (2 * few)] for place in range(few)]


def _taught(backend: Backend, lessons: Sequence[Lesson], recipe: Recipe) -> tuple[list[TaughtLesson], float]:
    """What the teacher says to `lessons`, and the seconds that it takes."""
    began = time.monotonic()
    work = teach(backend, lessons, recipe, "measuring", done=[])
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value, time.monotonic() - began
