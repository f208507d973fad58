"""
One night from job to adapter: read the model, have the teacher answer, train the student, write what it learned.

Nothing appears at the job's `out` unless all went well. A night that was cut short goes on from its last checkpoint and
gives the very adapter it would have given.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

from trainer.adapter_gguf import write_adapter
from trainer.backend import Backend, Floats
from trainer.backends import open_backend
from trainer.chat import Chat
from trainer.checkpoint import EVERY_S, Checkpoints, TrainingState, fingerprint, state_from
from trainer.gguf_model import open_model
from trainer.job import Done, Job, Progress
from trainer.loop import first_position, train
from trainer.targets import teach
from trainer.tokenised_lessons import Course, prepare

FORMAT = 2  # of the checkpoint and of how its numbers are used; another number and no older one is used

log = logging.getLogger(__name__)


def run(job: Job, *, keep_every_s: float = EVERY_S) -> Iterator[Progress | Done]:
    """
    Do the job; the last thing given is a `Done`.

    Raises:
        TrainerError: as worded in `errors.py`; nothing was written then.
    """
    started = time.monotonic()
    model = open_model(job.model)
    course = prepare(job.lessons, Chat(model), limit=min(model.shape.context, job.recipe.max_tokens))
    total = len(course.train) + len(course.exam)
    yield Progress(done=0, total=total, unit="lessons", note=f"loading the model{_left_out(course)}")
    with _environment(_settings(job)):
        backend = open_backend(model, job.recipe, job.seed)
    checkpoints = Checkpoints(job.checkpoints, _fingerprint(job, backend), every_s=keep_every_s)
    night = _begin(checkpoints, backend)
    learning = time.monotonic()
    resumed_from, known = (night.position.step, night.position.tokens) if night.position else (0, 0)

    def keep(*, now: bool = False) -> None:
        if now or checkpoints.due():
            _keep(checkpoints, night, backend)

    note = "the teacher answers"
    lessons = yield from teach(backend, course.train, job.recipe, note, done=night.train, keep=keep)
    exam = yield from teach(backend, course.exam, job.recipe, f"{note} the exam", done=night.exam, keep=keep)
    if night.position is None:
        night.position = first_position(len(lessons), job.recipe, backend.parameters)
        keep(now=True)
    at = night.position
    trained = yield from train(backend, lessons, exam, job.recipe, job.seed, at=at, keep=keep)
    learned_s = time.monotonic() - learning
    digest = write_adapter(job.out, trained.adapter, alpha=job.recipe.alpha_for(backend.parameters))
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
        contradicting=course.contradicting,
        backend=backend.name,
        peak_mb=backend.peak_mb(),
        tokens=at.tokens,
        tokens_per_s=(at.tokens - known) / learned_s,
        resumed_from=resumed_from,
    )


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
    file = job.model.stat()
    recipe, size = job.recipe, backend.parameters
    resolved = [
        recipe.rank_for(size),
        recipe.alpha_for(size),
        recipe.learning_rate_for(size),
        recipe.epochs_for(size),
        recipe.steps_for(len(job.lessons), size),
    ]
    model = [str(job.model.resolve()), file.st_size, file.st_mtime_ns]
    lessons = [asdict(lesson) for lesson in job.lessons]
    return fingerprint(FORMAT, model, lessons, asdict(recipe), resolved, job.seed, backend.name)


def _shapes(state: Mapping[str, Floats]) -> dict[str, tuple[int, ...]]:
    return {name: values.shape for name, values in state.items()}


def _left_out(course: Course) -> str:
    if not course.contradicting:
        return ""
    log.warning("%d lessons are left out: they contradict one another", course.contradicting)
    return f"; {course.contradicting} lessons contradict one another and are left out"


def _settings(job: Job) -> dict[str, str]:
    """What the libraries read once, when they are loaded."""
    settings = {
        "HF_HUB_OFFLINE": "1",  # everything comes from the file; they must not look elsewhere
        # Threads that wait sleep: spinning, they take the processor from the very thread they wait for as soon as any
        # other program works (beside busy ones 4 times slower, for 8 times the processor's seconds).
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive"),
        "KMP_BLOCKTIME": os.environ.get("KMP_BLOCKTIME", "0"),  # the same for LLVM's OpenMP, as on a Mac
    }
    if job.recipe.threads:
        settings["OMP_NUM_THREADS"] = str(job.recipe.threads)
    return settings


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """`settings` in this process's environment for a while."""
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
