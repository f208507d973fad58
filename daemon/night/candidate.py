"""
A candidate's way: proposed, examined, adopted or refused.

Promises: until it has passed, nothing changes for those who chat; one that learned what is forgotten meanwhile never
goes live. Knows nothing of how it was trained.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daemon.engine.client import Engine
from daemon.engine.errors import AdapterRefused, AdapterUnknown
from daemon.exam.acceptance import Verdict, decide
from daemon.exam.errors import ExamTooLong
from daemon.exam.exam import Exam, sit
from daemon.exam.questions import MOST, Question, choose
from daemon.generations.activation import restore_live
from daemon.lessons.regularisation import held_lines
from daemon.night.errors import FORGOTTEN_MEANWHILE, NightFailed
from daemon.night.trainer_process import Trained
from daemon.processes.errors import ChildError
from daemon.processes.foreground_gate import ForegroundGate
from daemon.progress import Progress
from daemon.store_thread import StoreThread
from store import generations
from store.database import Connection, writing
from store.errors import GenerationUnusable, NoSuchLesson
from store.generations import Generation
from store.lessons import Lesson

log = logging.getLogger(__name__)


async def propose(
    store_thread: StoreThread, trained: Trained, base_sha256: str, tonight: Sequence[Lesson]
) -> Generation:
    """Store what was trained, with its lineage. Raises `NightFailed`: one of its lessons is gone."""
    try:
        return await store_thread.run(
            generations.propose,
            trained.adapter,
            base_sha256=base_sha256,
            lesson_ids=[lesson.id for lesson in tonight],
        )
    except NoSuchLesson as error:
        raise NightFailed(FORGOTTEN_MEANWHILE) from error


async def examine(
    store_thread: StoreThread,
    engine: Engine,
    trained: Trained,
    tonight: Sequence[Lesson],
    live: Generation | None,
    on_progress: Callable[[Progress], None],
    gate: ForegroundGate | None = None,
) -> tuple[Exam | None, Verdict]:
    """
    The exam and its verdict; an adapter that the engine does not take has failed without one.

    Raises:
        NightFailed: something it learned from was forgotten meanwhile.
        NightEnded: the gate ended the night.
        ChildError: the engine died; an exam that was not held to its end counts for nothing.
    """
    try:
        sha256 = await engine.load(trained.adapter)
    except AdapterRefused as error:
        return None, Verdict(adopt=False, reason=str(error))
    except AdapterUnknown as error:
        raise NightFailed(FORGOTTEN_MEANWHILE) from error
    try:
        questions = await store_thread.run(_questions, tonight, live.id if live else 0)
        exam = await sit(
            engine, questions, candidate=sha256, has_live=live is not None, on_progress=on_progress, gate=gate
        )
    except ExamTooLong as error:
        return None, Verdict(adopt=False, reason=str(error))
    except AdapterUnknown as error:
        raise NightFailed(FORGOTTEN_MEANWHILE) from error
    finally:
        await engine.unload(sha256)
    return exam, decide(exam)


async def settle(
    store_thread: StoreThread,
    candidate: Generation,
    verdict: Verdict,
    exam: Mapping[str, Any],
    note: Callable[[Any], object],
) -> None:
    """Record the verdict and, in the same transaction, what `note` writes of the night. Raises `NightFailed`."""
    try:
        await store_thread.run(_decide, candidate.id, verdict, exam, note)
    except GenerationUnusable as error:  # tainted while it sat its exam
        raise NightFailed(FORGOTTEN_MEANWHILE) from error


async def swap(store_thread: StoreThread, engine: Engine, adopted: Generation, trained: Trained) -> float:
    """Have the engine answer with what was adopted; returns the milliseconds of the swap."""
    try:
        return await engine.adopt(trained.adapter)
    except ChildError as error:
        log.warning("Generation %d could not be swapped in, trying again: %s", adopted.id, error)
        return await _swap_again(store_thread, engine, adopted)


def _decide(
    db: Connection,
    candidate_id: int,
    verdict: Verdict,
    exam: Mapping[str, Any],
    note: Callable[[Any], object],
) -> None:
    with writing(db):
        decide_on = generations.adopt if verdict.adopt else generations.refuse
        decide_on(db, candidate_id, exam, verdict.reason)
        note(db)


def _questions(db: Connection, tonight: Sequence[Lesson], live_id: int) -> list[Question]:
    return choose(
        tonight,
        learned=generations.memory_ids(db, live_id),
        narratives=held_lines(db),
        outdated=generations.outdated(db, live_id, MOST["stale"]),
    )


async def _swap_again(store_thread: StoreThread, engine: Engine, adopted: Generation) -> float:
    """The swap after one that failed, in milliseconds with the start of the engine."""
    began = time.monotonic()
    live = await restore_live(store_thread, engine, adopted.base_sha256)
    if live is None or live.id != adopted.id:
        raise NightFailed(f"the engine could not take generation {adopted.id}")
    return (time.monotonic() - began) * 1000
