"""
One night: lessons -> trainer -> exam -> adopt or refuse.

Promises: until a candidate has passed, nothing changes for those who chat; a night that fails leaves the
live generation as it was. Knows nothing of when nights are due, or of the ways back (`forgetting/forget.py`).
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from daemon.engine.client import Engine
from daemon.engine.errors import AdapterUnknown
from daemon.forgetting.verification import Unlearning
from daemon.lessons.abstention import mentioned
from daemon.lessons.dataset import compose
from daemon.lessons.eligibility import Waiting, waiting
from daemon.lessons.generation import study_missing
from daemon.lessons.regularisation import held_lines, round_out
from daemon.night.candidate import examine, propose, settle, swap
from daemon.night.errors import FORGOTTEN_MEANWHILE, NightFailed
from daemon.night.loss_curve import Curve
from daemon.night.report import Before, by_reason, record
from daemon.night.trainer_process import Trained, train
from daemon.processes.errors import NightEnded
from daemon.processes.foreground_gate import ForegroundGate
from daemon.progress import Progress as Progress
from daemon.store_thread import StoreThread
from store import generations, lessons, nights
from store.database import Connection
from store.generations import Generation
from store.lessons import Lesson

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """What one night did."""

    adopted: bool
    reason: str  # why it was adopted or refused, for a person
    generation: int | None  # id of the generation that was made; None when there was nothing to learn
    lessons: int
    exam: Mapping[str, object]  # JSON-able
    train_s: float
    total_s: float
    swap_ms: float | None


@dataclass(slots=True, kw_only=True)
class _Ending:
    """How the record of a night will end; "failed" until something better happened."""

    night_id: int
    outcome: str = "failed"
    generation_id: int | None = None
    backend: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)

    def write(self, db: Connection) -> None:
        """Into the store."""
        nights.end(
            db,
            self.night_id,
            self.outcome,
            generation_id=self.generation_id,
            backend=self.backend,
            numbers=self.numbers,
        )


async def run_night(
    store_thread: StoreThread,
    engine: Engine,
    *,
    model_path: Path,
    recipe: Mapping[str, object] | None = None,
    runtime_dir: Path | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    seed: int = 0,
    trainer: Sequence[str] = (),
    by_itself: bool = False,
    job_id: int | None = None,
    gate: ForegroundGate | None = None,
    checkpoints: Path | None = None,
    unlearning: Unlearning | None = None,
    curve: Curve | None = None,
) -> NightReport:
    """
    One whole night, recorded in the store whatever becomes of it.

    Args:
        recipe: overrides of the trainer's recipe.
        runtime_dir: where the trainer's private folder is made; None: in memory, where there is such a place.
        trainer: another command than our trainer's.
        by_itself: nobody asked for it; then it is left out when the live generation has these very lessons.
        job_id: the job that this is an attempt of; gate, checkpoints: the trainer's, as `train` has them.
        unlearning: what must be gone from a candidate.
        curve: where the losses of the training are noted.

    Raises:
        NightEnded: the gate ended the trainer; nothing changed.
        NightFailed: the trainer did not finish, or what it learned from was forgotten since; nothing changed.
    """
    began = time.monotonic()
    base_sha256 = (await engine.info()).sha256
    live = await store_thread.run(generations.live, base_sha256)
    async with _recorded(store_thread, job_id, live) as ending:
        tonight, wait = await prepare(store_thread, engine, seed, on_progress)
        ending.numbers = {"waiting": by_reason((one.memory_id, one.reason) for one in wait)}
        ending.numbers["by_itself"] = int(by_itself)
        if why_not := await _why_not(store_thread, tonight, live, by_itself, base_sha256):
            facts = sum(lesson.kind == "fact" for lesson in tonight)
            ending.outcome = "nothing"
            ending.numbers |= {"lessons": len(tonight), "facts": facts}
            return _left_out(why_not, time.monotonic() - began)
        async with _drawn(curve or Curve(), ending, on_progress) as noted:
            trained = await train(
                tonight,
                model_path=model_path,
                recipe=recipe or {},
                seed=seed,
                runtime_dir=runtime_dir,
                on_progress=noted,
                argv=trainer,
                gate=gate,
                checkpoints=checkpoints,
            )
        return await _judge(
            store_thread, engine, tonight, trained, base_sha256, ending, began, on_progress, unlearning, gate
        )


@asynccontextmanager
async def _recorded(
    store_thread: StoreThread, job_id: int | None, live: Generation | None
) -> AsyncGenerator[_Ending, None]:
    """A night's record in the store, from its beginning to its end, whatever that is."""
    night = await store_thread.run(nights.begin, job_id=job_id, was_live=live.id if live else 0)
    ending = _Ending(night_id=night.id)
    try:
        yield ending
    except (asyncio.CancelledError, NightEnded):
        if ending.outcome == "failed":
            ending.outcome = "interrupted"
        raise
    except NightFailed as error:
        if ending.outcome == "failed" and error.why == FORGOTTEN_MEANWHILE:
            ending.outcome = "interrupted"  # it begins anew
        raise
    finally:
        await store_thread.run(ending.write)


@asynccontextmanager
async def _drawn(
    curve: Curve, ending: _Ending, on_progress: Callable[[Progress], None]
) -> AsyncGenerator[Callable[[Progress], None], None]:
    """What to tell progress to, so that it is drawn; the curve goes into the record, also of a night that fails."""

    def noted(progress: Progress) -> None:
        curve.note(progress)
        on_progress(progress)

    try:
        yield noted
    finally:
        ending.numbers["curve"] = curve.numbers()


async def _judge(
    store_thread: StoreThread,
    engine: Engine,
    tonight: Sequence[Lesson],
    trained: Trained,
    base_sha256: str,
    ending: _Ending,
    began: float,
    on_progress: Callable[[Progress], None],
    unlearning: Unlearning | None,
    gate: ForegroundGate | None,
) -> NightReport:
    """Examine what was trained, adopt or refuse it; `ending` is filled in."""
    live = await store_thread.run(
        generations.live, base_sha256
    )  # `forget` may have changed it since the beginning
    before = await store_thread.run(_before, live)
    unlearning = unlearning or Unlearning(store_thread, engine)
    try:
        candidate = await propose(store_thread, trained, base_sha256, tonight)
        ending.generation_id, ending.backend = candidate.id, trained.backend
        exam, verdict = await examine(store_thread, engine, trained, tonight, live, on_progress, gate)
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
        decided = replace(ending, outcome="adopted" if verdict.adopt else "refused")
        decided.numbers = ending.numbers | numbers(total_s=time.monotonic() - began, swap_ms=None)
        decided.numbers |= unlearning.record()
        await settle(store_thread, candidate, verdict, results, decided.write)
        ending.outcome, ending.numbers = decided.outcome, decided.numbers
        swap_ms = await swap(store_thread, engine, candidate, trained) if verdict.adopt else None
        unlearning.wipe()
    finally:
        await store_thread.run(generations.prune)
    total_s = time.monotonic() - began
    ending.numbers |= numbers(total_s=total_s, swap_ms=swap_ms)
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
    store_thread: StoreThread,
    tonight: Sequence[Lesson],
    live: Generation | None,
    by_itself: bool,
    base_sha256: str,
) -> str | None:
    """Why there is nothing to do tonight; None when there is."""
    if not any(lesson.kind == "fact" for lesson in tonight):
        return "nothing to learn: no memory that holds has lessons"
    if not by_itself:
        return None
    ids = {lesson.id for lesson in tonight}
    if live is not None and await store_thread.run(generations.lesson_ids, live.id) == ids:
        return f"nothing new to learn: generation {live.id} has learned all these lessons"
    refused = await store_thread.run(nights.last_refused, base_sha256, live.id if live else 0)
    if refused is not None and await store_thread.run(generations.lesson_ids, refused) == ids:
        return f"nothing new to learn: generation {refused} learned these very lessons and was refused"
    return None


def _left_out(reason: str, total_s: float) -> NightReport:
    return NightReport(
        adopted=False,
        reason=reason,
        generation=None,
        lessons=0,
        exam={},
        train_s=0.0,
        total_s=total_s,
        swap_ms=None,
    )


async def prepare(
    store_thread: StoreThread, engine: Engine, seed: int, on_progress: Callable[[Progress], None]
) -> tuple[list[Lesson], list[Waiting]]:
    """
    Tonight's lessons, and the memories that wait, also those of which none could be made.

    What has no lessons yet is studied first, also what gave none before: its words or the model may be others now.
    """
    on_progress(Progress(done=0, total=0, unit="lessons", note="studying"))
    _, failures = await study_missing(engine, store_thread)
    if failures:  # their words are the user's: none of the log's business
        several = "memory" if len(failures) == 1 else "memories"
        log.warning("Study: no lessons could be made of %d %s", len(failures), several)
    await round_out(engine, store_thread)
    held = await store_thread.run(lessons.holding)
    wait = await store_thread.run(waiting, date.today())
    said = await store_thread.run(mentioned)
    lines = await store_thread.run(held_lines)
    waits = {one.memory_id for one in wait}
    unasked = [Waiting(memory_id=id, reason="unasked") for id in failures if id not in waits]
    composed = await asyncio.to_thread(compose, held, lines, said, seed=seed, waiting=waits)
    return composed, [*wait, *unasked]
