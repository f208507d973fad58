"""
One night: lessons -> trainer -> exam -> adopt or refuse.

Until a candidate has passed, nothing changes for those who chat. A night that fails leaves the live generation as it
was. When a night is due is decided in `schedule.py`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from daemon.core import Core
from daemon.engine.errors import AdapterUnknown
from daemon.forgetting.verification import Unlearning
from daemon.lessons.dataset import compose
from daemon.lessons.eligibility import Waiting, waiting
from daemon.lessons.generation import generate_missing
from daemon.lessons.regularisation import add_regularisation, current_lines, same_question, teachable
from daemon.lessons.tokenised import tokenised, without_contradictions
from daemon.night.candidate import examine, propose, settle, swap
from daemon.night.errors import FORGOTTEN_MEANWHILE, NightFailed
from daemon.night.loss_curve import NightProgress
from daemon.night.report import Before, by_reason, record
from daemon.night.trainer_process import OnProgress, Trained, TrainerCommand, TrainingJob, train
from daemon.processes.errors import NightEnded
from daemon.processes.foreground_gate import ForegroundGate
from daemon.progress import Progress
from daemon.text import can_learn, counted
from store import generations, lessons, nights
from store.database import Connection
from store.generations import Generation
from store.lessons import Lesson

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightServices:
    """What every night of this daemon works with."""

    core: Core
    trainer: TrainerCommand
    gate: ForegroundGate  # stops trainer and exam while people are answered
    unlearning: Unlearning  # what must be gone from a candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class NightOrder:
    """What one night is asked to do."""

    recipe: Mapping[str, object] = field(default_factory=dict)  # overrides of the trainer's recipe
    seed: int = 0
    by_itself: bool = False  # nobody asked for it: left out where there is nothing new
    job_id: int | None = None  # the job that this is an attempt of
    checkpoints: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """What one night did."""

    adopted: bool
    reason: str  # why it was adopted or refused, for a person
    generation: int | None = None  # id of the generation that was made; None when there was nothing to learn
    lessons: int = 0
    exam: Mapping[str, object] = field(default_factory=dict)  # JSON-able
    train_s: float = 0.0
    total_s: float = 0.0
    swap_ms: float | None = None


@dataclass(slots=True, kw_only=True)
class _Record:
    """The night's row in the store as it will be at its end; "failed" until something better happened."""

    night_id: int
    began: float  # monotonic
    outcome: str = "failed"
    generation_id: int | None = None
    backend: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def lasted_s(self) -> float:
        return time.monotonic() - self.began

    def write(self, db: Connection) -> None:
        nights.end(
            db,
            self.night_id,
            self.outcome,
            generation_id=self.generation_id,
            backend=self.backend,
            numbers=self.numbers,
        )


async def run_night(services: NightServices, order: NightOrder, progress: NightProgress) -> NightReport:
    """
    One whole night, recorded in the store whatever becomes of it; none at all with a model that can't learn.

    Raises:
        NightEnded: the gate ended the trainer; nothing changed.
        NightFailed: the trainer did not finish, or what it learned from was forgotten since; nothing changed.
    """
    core = services.core
    model = await core.engine.info()
    if model.cannot_learn:
        return NightReport(
            adopted=False, reason=f"Nothing was trained: the model {can_learn(model.cannot_learn)}"
        )
    base_sha256 = model.sha256
    live = await core.store_thread.run(generations.live, base_sha256)
    async with _recorded(core, order.job_id, live) as entry:
        composed, wait = await prepare(core, order.seed, progress.note)
        tonight = without_contradictions(composed)
        entry.numbers = {
            "waiting": by_reason((one.memory_id, one.reason) for one in wait),
            "by_itself": int(order.by_itself),
            "contradicting": len(composed) - len(tonight),
        }
        if why_not := await _why_not(core, tonight, live, order.by_itself, base_sha256):
            facts = sum(lesson.kind == "fact" for lesson in tonight)
            entry.outcome = "nothing"
            entry.numbers |= {"lessons": len(tonight), "facts": facts}
            return NightReport(adopted=False, reason=why_not, total_s=entry.lasted_s)
        job = TrainingJob(
            lessons=await tokenised(core.engine, tonight, progress.note, services.gate),
            recipe=order.recipe,
            seed=order.seed,
            checkpoints=order.checkpoints,
        )
        try:
            trained = await train(job, services.trainer, progress.note, services.gate)
        finally:  # also of a night that fails
            entry.numbers["curve"] = progress.curve.numbers()
        return await _judge(services, tonight, trained, base_sha256, entry, progress.note)


@asynccontextmanager
async def _recorded(core: Core, job_id: int | None, live: Generation | None) -> AsyncGenerator[_Record]:
    """A night's record in the store, from its beginning to its end, whatever that is."""
    began = time.monotonic()
    night = await core.store_thread.run(nights.begin, job_id=job_id, was_live=live.id if live else 0)
    entry = _Record(night_id=night.id, began=began)
    try:
        yield entry
    except (asyncio.CancelledError, NightEnded):
        if entry.outcome == "failed":
            entry.outcome = "interrupted"
        raise
    except NightFailed as error:
        if entry.outcome == "failed" and error.why == FORGOTTEN_MEANWHILE:
            entry.outcome = "interrupted"  # it starts again
        raise
    finally:
        await core.store_thread.run(entry.write)


async def _judge(
    services: NightServices,
    tonight: Sequence[Lesson],
    trained: Trained,
    base_sha256: str,
    entry: _Record,
    on_progress: OnProgress,
) -> NightReport:
    """Examine what was trained, adopt or refuse it; `entry` is filled in."""
    core, unlearning = services.core, services.unlearning
    run = core.store_thread.run
    live = await run(generations.live, base_sha256)  # `forget` may have changed it since the beginning
    before = await run(_before, live)
    try:
        candidate = await propose(core, trained, base_sha256, tonight)
        entry.generation_id, entry.backend = candidate.id, trained.backend
        exam, verdict = await examine(core, trained, tonight, live, on_progress, services.gate)
        try:
            verdict = await unlearning.rule(verdict, candidate.id, trained.adapter)
        except AdapterUnknown as error:
            raise NightFailed(FORGOTTEN_MEANWHILE) from error
        results = {
            **(exam.as_json() if exam else {}),
            "compared": verdict.as_json(),
            "train_loss": trained.train_loss,
            "exam_loss": trained.exam_loss,
            **unlearning.record(),
        }
        numbers = partial(record, tonight, before, exam=exam, trained=trained)
        decided = replace(entry, outcome="adopted" if verdict.adopt else "refused")
        decided.numbers = entry.numbers | numbers(total_s=entry.lasted_s, swap_ms=None) | unlearning.record()
        await settle(core, candidate, verdict, results, decided.write)
        entry.outcome, entry.numbers = decided.outcome, decided.numbers
        swap_ms = await swap(core, candidate, trained) if verdict.adopt else None
        unlearning.wipe()
    finally:
        await run(generations.prune)
    total_s = entry.lasted_s
    entry.numbers |= numbers(total_s=total_s, swap_ms=swap_ms)
    return NightReport(
        adopted=verdict.adopt,
        reason=verdict.reason,
        generation=candidate.id,
        lessons=len(tonight),
        exam=results,
        train_s=trained.seconds,
        total_s=total_s,
        swap_ms=swap_ms,
    )


def _before(db: Connection, live: Generation | None) -> Before:
    if live is None:
        return Before()
    return Before(learned=generations.memory_ids(db, live.id), lapsed=generations.lapsed(db, live.id))


async def _why_not(
    core: Core, tonight: Sequence[Lesson], live: Generation | None, by_itself: bool, base_sha256: str
) -> str | None:
    """Why there is nothing to do tonight; None when there is."""
    run = core.store_thread.run
    if not any(lesson.kind == "fact" for lesson in tonight):
        return "nothing to learn: no memory that holds has lessons"
    if not by_itself:
        return None
    ids = {
        lesson.id for lesson in tonight if lesson.kind != "general"
    }  # of these every night may have others
    if live is not None and await run(_learned, live.id) == ids:
        return f"nothing new to learn: generation {live.id} has learned all these lessons"
    refused = await run(nights.last_refused, base_sha256, live.id if live else 0)
    if refused is not None and await run(_learned, refused) == ids:
        return f"nothing new to learn: generation {refused} learned these very lessons and was refused"
    return None


def _learned(db: Connection, generation_id: int) -> frozenset[int]:
    """Ids of the lessons that a generation has learned, but for general ones."""
    ids = generations.lesson_ids(db, generation_id)
    return ids - {one.id for one in lessons.several(db, list(ids)) if one.kind == "general"}


def _nights_so_far(db: Connection) -> int:
    """How many came to a verdict: one that is interrupted goes on with the same lessons."""
    every = generations.all(db)
    return sum(one.state != "candidate" and one.reason != generations.INTERRUPTED for one in every)


async def prepare(core: Core, seed: int, on_progress: OnProgress) -> tuple[list[Lesson], list[Waiting]]:
    """
    Tonight's lessons, and the memories that wait, also those of which none could be made.

    What has no lessons yet is studied first, also what gave none before: its words or the model may be others now.
    """
    run = core.store_thread.run
    on_progress(Progress(done=0, total=0, unit="lessons", note="studying"))
    _, failures = await generate_missing(core.engine, core.store_thread)
    if failures:  # their words are the user's: none of the log's business
        log.warning("Study: no lessons could be made of %s", counted(len(failures), "memory", "memories"))
    await add_regularisation(core)
    wait = await run(waiting, date.today())
    waits = {one.memory_id for one in wait}
    able, lines = await teachable(core, waiting=waits), await run(current_lines)
    info = await core.engine.info()
    turn = None if info.tiny else await run(_nights_so_far)
    composed = await asyncio.to_thread(
        compose, able, lines, seed=seed, taught=info.taught, turn=turn, same=same_question(info)
    )
    unasked = [Waiting(memory_id=id, reason="unasked") for id in failures if id not in waits]
    return composed, [*wait, *unasked]
