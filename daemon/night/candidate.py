"""
A candidate generation: proposed, examined, adopted or refused.

Until it has passed, nothing changes for those who chat. One that learned what is forgotten meanwhile never goes live.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daemon.core import Core
from daemon.engine.client import EngineInfo
from daemon.engine.errors import AdapterRefused, AdapterUnknown
from daemon.exam.acceptance import Verdict, decide, missing
from daemon.exam.exam import REAL_PARTS, TINY_PARTS, Exam, ExamTooLong, sit
from daemon.exam.judging import ContentJudge, ExactJudge
from daemon.exam.questions import MOST, Question, choose
from daemon.generations.service import restore_live
from daemon.lessons.regularisation import current_lines
from daemon.night.errors import FORGOTTEN_MEANWHILE, NightFailed
from daemon.night.trainer_process import OnProgress, Trained
from daemon.processes.errors import ChildError
from daemon.processes.foreground_gate import ForegroundGate
from store import generations, lessons
from store.database import Connection, writing
from store.errors import GenerationUnusable, NoSuchLesson
from store.generations import Generation
from store.lessons import Lesson

log = logging.getLogger(__name__)


async def propose(core: Core, trained: Trained, base_sha256: str, tonight: Sequence[Lesson]) -> Generation:
    """Store what was trained, with its lineage. Raises `NightFailed`: one of its lessons is gone."""
    lesson_ids = [lesson.id for lesson in tonight]
    try:
        return await core.store_thread.run(
            generations.propose, trained.adapter, base_sha256=base_sha256, lesson_ids=lesson_ids
        )
    except NoSuchLesson as error:
        raise NightFailed(FORGOTTEN_MEANWHILE) from error


async def examine(
    core: Core,
    trained: Trained,
    tonight: Sequence[Lesson],
    live: Generation | None,
    on_progress: OnProgress,
    gate: ForegroundGate,
) -> tuple[Exam | None, Verdict]:
    """
    The exam and its verdict; an adapter that the engine does not take has failed without one.

    Raises:
        NightFailed: something it learned from was forgotten meanwhile.
        NightEnded: the gate ended the night.
        ChildError: the engine died; an exam that did not reach its end counts for nothing.
    """
    try:
        sha256 = await core.engine.load(trained.adapter)
    except AdapterRefused as error:
        return None, Verdict(adopt=False, reason=str(error))
    except AdapterUnknown as error:
        raise NightFailed(FORGOTTEN_MEANWHILE) from error
    try:
        info, run = await core.engine.info(), core.store_thread.run
        exam = await sit(
            core.engine,
            await run(_questions, tonight, live.id if live else 0, info),
            candidate=sha256,
            has_live=live is not None,
            judge=ExactJudge() if info.tiny else ContentJudge(tonight, await run(current_lines)),
            on_progress=on_progress,
            gate=gate,
        )
    except ExamTooLong as error:
        return None, Verdict(adopt=False, reason=str(error))
    except AdapterUnknown as error:
        raise NightFailed(FORGOTTEN_MEANWHILE) from error
    finally:
        await core.engine.unload(sha256)
    return exam, decide(exam)


async def missing_parts(core: Core, tonight: Sequence[Lesson], live: Generation | None) -> list[str]:
    """The parts of the exam of which tonight has no question: it can't be passed, so nothing need be trained."""
    info = await core.engine.info()
    asked = await core.store_thread.run(_questions, tonight, live.id if live else 0, info)
    return missing({one.part for one in asked}, TINY_PARTS if info.tiny else REAL_PARTS)


async def settle(
    core: Core,
    candidate: Generation,
    verdict: Verdict,
    exam: Mapping[str, Any],
    note: Callable[[Connection], None],
) -> None:
    """Record the verdict and, in the same transaction, what `note` writes of the night. Raises `NightFailed`."""

    def decide_on(db: Connection) -> None:
        with writing(db):
            settled = generations.adopt if verdict.adopt else generations.refuse
            settled(db, candidate.id, exam, verdict.reason)
            note(db)

    try:
        await core.store_thread.run(decide_on)
    except GenerationUnusable as error:  # tainted while it sat its exam
        raise NightFailed(FORGOTTEN_MEANWHILE) from error


async def swap(core: Core, adopted: Generation, trained: Trained) -> float:
    """Have the engine answer with what was adopted; the milliseconds of the swap, a second try included."""
    try:
        return await core.engine.adopt(trained.adapter)
    except ChildError as error:
        log.warning("Generation %d could not be swapped in, trying again: %s", adopted.id, error)
    began = time.monotonic()
    live = await restore_live(core.store_thread, core.engine, adopted.base_sha256)
    if live is None or live.id != adopted.id:
        raise NightFailed(f"the engine could not take generation {adopted.id}")
    return (time.monotonic() - began) * 1000


def _questions(db: Connection, tonight: Sequence[Lesson], live_id: int, info: EngineInfo) -> list[Question]:
    held = [] if info.tiny else lessons.holding(db, by=(info.sha256,))
    return choose(
        tonight,
        learned=generations.memory_ids(db, live_id),
        narratives=current_lines(db),
        outdated=generations.outdated(db, live_id, MOST["stale"]),
        likeness=None
        if info.tiny
        else [one for one in held if one.kind == "general" and one.split == "exam"],
    )
