"""
One night from job to adapter: read the model, have the teacher answer, train the student, write what it
learned.

Promises: nothing appears at the job's `out` unless all went well. Knows nothing of stdin and stdout.
"""

import os
import time
from collections.abc import Iterator

from trainer.adapter_gguf import write_adapter
from trainer.backend import Backend
from trainer.backends import open_backend
from trainer.chat import Chat
from trainer.errors import NoLessons
from trainer.gguf_model import GgufModel, open_model
from trainer.job import Job
from trainer.lessons import prepare
from trainer.loop import train
from trainer.progress import Done, Progress
from trainer.targets import teach


def run(job: Job) -> Iterator[Progress | Done]:
    """
    Do the job; the last thing given is a `Done`.

    Raises:
        TrainerError: as worded in `errors.py`; nothing was written then.
    """
    started = time.monotonic()
    if not any(lesson.split == "train" for lesson in job.lessons):
        raise NoLessons(len(job.lessons))
    model = open_model(job.model)
    course = prepare(job.lessons, Chat(model), limit=min(model.shape.context, job.recipe.max_tokens))
    yield Progress(
        done=0, total=len(course.train) + len(course.exam), unit="lessons", note="loading the model"
    )
    backend = _open_backend(model, job)
    lessons = yield from teach(backend, course.train, job.recipe, "the teacher answers")
    exam = yield from teach(backend, course.exam, job.recipe, "the teacher answers the exam")
    trained = yield from train(backend, lessons, exam, job.recipe, job.seed)
    digest = write_adapter(job.out, trained.adapter, alpha=job.recipe.alpha)
    yield Done(
        adapter=job.out,
        sha256=digest,
        steps=trained.steps,
        train_loss=trained.train_loss,
        exam_loss=trained.exam_loss,
        seconds=time.monotonic() - started,
        lessons=len(course.train),
        skipped=course.skipped,
    )


def _open_backend(model: GgufModel, job: Job) -> Backend:
    os.environ["HF_HUB_OFFLINE"] = (
        "1"  # everything comes from the file; the libraries must not look elsewhere
    )
    if job.recipe.threads:
        os.environ["OMP_NUM_THREADS"] = str(job.recipe.threads)  # read once, when torch is loaded
    return open_backend(model, job.recipe, job.seed)
