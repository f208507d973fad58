"""
One night from job to adapter: read the model, have the teacher answer, train the student, write what it learned.

Nothing appears at the job's `out` unless all went well. A night that was cut short goes on from its last checkpoint and
gives the very adapter it would have given.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields

from trainer.adapter_gguf import write_adapter
from trainer.backend import Backend, Floats
from trainer.backends import open_backend
from trainer.checkpoint import EVERY_S, Checkpoints, TrainingState, fingerprint, state_from
from trainer.errors import bad_job, nothing_to_learn
from trainer.gguf_model import open_model
from trainer.job import Done, Job, Lesson, Progress
from trainer.loop import first_position, train
from trainer.model_parts import parts
from trainer.targets import read_ahead, teach

FORMAT = 4  # of the checkpoint and of how its numbers are used; another number and no older one is used

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All lessons of one night that fit the model."""

    train: tuple[Lesson, ...]
    exam: tuple[Lesson, ...]
    skipped: int  # too long, both splits


def run(job: Job, *, keep_every_s: float = EVERY_S) -> Iterator[Progress | Done]:
    """
    Do the job; the last thing given is a `Done`.

    Raises:
        TrainerError: as worded in `errors.py`; nothing was written then.
    """
    started = time.monotonic()
    model = open_model(job.model)
    course = course_of(
        job.lessons, vocabulary=model.shape.vocabulary, limit=min(model.shape.context, job.recipe.max_tokens)
    )
    total = len(course.train) + len(course.exam)
    yield Progress(done=0, total=total, unit="lessons", note="loading the model")
    with environment(job):
        backend = open_backend(model, job.recipe, job.seed)
    checkpoints = Checkpoints(job.checkpoints, _fingerprint(job, backend), every_s=keep_every_s)
    night = _begin(checkpoints, backend)
    learning = time.monotonic()
    resumed_from, known = (night.position.step, night.position.tokens) if night.position else (0, 0)

    def keep(*, now: bool = False) -> None:
        if now or checkpoints.due():
            _keep(checkpoints, night, backend)

    if job.recipe.first_layer_for(backend.base, model.shape.layers):
        yield from read_ahead(backend, [*course.train, *course.exam], job.recipe)
    note = "the teacher answers"
    lessons = yield from teach(backend, course.train, job.recipe, note, done=night.train, keep=keep)
    exam = yield from teach(backend, course.exam, job.recipe, f"{note} the exam", done=night.exam, keep=keep)
    if night.position is None:
        night.position = first_position(len(lessons), job.recipe, backend.base)
        keep(now=True)
    at = night.position
    trained = yield from train(backend, lessons, exam, job.recipe, job.seed, at=at, keep=keep)
    learned_s = time.monotonic() - learning
    digest = write_adapter(job.out, trained.adapter, model.shape, alpha=job.recipe.alpha_for(backend.base))
    checkpoints.clear()
    yield Done(
        adapter=job.out,
        sha256=digest,
        steps=trained.steps,
        train_loss=trained.train_loss,
        exam_loss=trained.exam_loss,
        seconds=time.monotonic() - started,
        lessons=len(course.train),
        skipped=course.skipped,
        backend=backend.name,
        peak_mb=backend.peak_mb(),
        tokens=at.tokens,
        tokens_per_s=(at.tokens - known) / learned_s,
        resumed_from=resumed_from,
    )


def course_of(lessons: Sequence[Lesson], *, vocabulary: int, limit: int) -> Course:
    """
    The lessons of at most `limit` tokens (prompt and answer); the others are counted, never cut.

    Raises:
        TrainerError: a token is beyond the vocabulary, or no lesson of the train split is left.
    """
    for index, lesson in enumerate(lessons):
        greatest = max(*lesson.teacher, *lesson.student, *lesson.answer)
        if greatest >= vocabulary:
            raise bad_job(
                f"'lessons.{index}'",
                f"has the token {greatest}, but the model knows {vocabulary:,} tokens: the lessons were made for "
                f"another model",
            )
    if not any(lesson.split == "train" for lesson in lessons):
        rest = f" ({len(lessons)} for the exam only)" if lessons else ""
        raise nothing_to_learn(
            "no_lessons", f"the job has no lesson of the 'train' split{rest}. Nothing was written."
        )
    fitting = [lesson for lesson in lessons if lesson.length <= limit]
    train, exam = (
        tuple(lesson for lesson in fitting if lesson.split == split) for split in ("train", "exam")
    )
    skipped = len(lessons) - len(fitting)
    if not train:
        raise nothing_to_learn(
            "lessons_too_long",
            f"all {skipped} lessons are longer than {limit} tokens. Shorten them, or raise 'max_tokens' of the "
            f"recipe up to the model's context.",
        )
    return Course(train=train, exam=exam, skipped=skipped)


def _keep(checkpoints: Checkpoints, night: TrainingState, backend: Backend) -> None:
    try:
        night.state = backend.state() if night.position else {}
        checkpoints.keep(*night.to_arrays())
    except MemoryError:
        log.warning("no checkpoint could be kept (no memory for it); a night cut short now begins again")
    night.state = {}  # several times the adapter, needed for that moment only


def _begin(checkpoints: Checkpoints, backend: Backend) -> TrainingState:
    """The night as the last checkpoint has it; a new one where there is none."""
    found = checkpoints.load()
    if found is None:
        return TrainingState()
    night = state_from(*found)
    if night.position:
        if _shapes(night.state) != _shapes(backend.state()):
            log.warning("the checkpoint can't be used (it is of another adapter); the night begins again")
            return TrainingState()
        backend.restore(night.state)
        night.state = {}
    log.info("going on from step %d", night.position.step if night.position else 0)
    return night


def _fingerprint(job: Job, backend: Backend) -> str:
    """A name for all that decides what is learned, also where the recipe leaves it to the program."""
    recipe, base = job.recipe, backend.base
    resolved = [
        recipe.rank_for(base),
        recipe.alpha_for(base),
        recipe.learning_rate_for(base),
        recipe.epochs_for(base),
        recipe.steps_for(len(job.lessons), base),
    ]
    files = [(str(part.resolve()), part.stat()) for part in parts(job.model)]
    model = [(path, file.st_size, file.st_mtime_ns) for path, file in files]
    lessons = [[getattr(lesson, each.name) for each in fields(lesson)] for lesson in job.lessons]
    return fingerprint(FORMAT, model, lessons, asdict(recipe), resolved, job.seed, backend.name)


def _shapes(state: Mapping[str, Floats]) -> dict[str, tuple[int, ...]]:
    return {name: values.shape for name, values in state.items()}


def _settings(job: Job) -> dict[str, str]:
    settings = {
        "HF_HUB_OFFLINE": "1",  # everything comes from the file; they must not look elsewhere
        # Threads that wait spin for some tens of microseconds, then sleep: spinning on, they take the processor from
        # the very thread they wait for as soon as any other program works (beside busy ones 4 times slower, for 8
        # times the processor's seconds). Sleeping at once costs a third of the speed on a quiet machine.
        "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "2000"),
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive"),
        "KMP_BLOCKTIME": os.environ.get("KMP_BLOCKTIME", "0"),  # the same for LLVM's OpenMP, as on a Mac
    }
    if job.recipe.threads:
        settings["OMP_NUM_THREADS"] = str(job.recipe.threads)
    return settings


@contextmanager
def environment(job: Job) -> Iterator[None]:
    """What the libraries read once, when they are loaded, in this process's environment for a while."""
    settings = _settings(job)
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
