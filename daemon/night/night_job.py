"""
The nights of one daemon: which is due, the one that runs, and what became of the last.

    due ──> job ──> work: may it? ──> run_night, watched ──> report
                      `── no ──> postponed      `── ended by its watch: goes on later

Promises: the reason why no night runs, or why one rests, can be asked at any time; one night makes at most one
generation that answers, also when it is interrupted after it was adopted; what was forgotten is neither in a
checkpoint nor in a running trainer when `forget` returns. Knows nothing of queues and retries: `jobs.py` does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from daemon.config.night_window import When
from daemon.engine.client import Engine
from daemon.forgetting.verification import Unlearning
from daemon.hardware.readings import Machine
from daemon.jobs import Postponed
from daemon.night import checkpoints
from daemon.night.errors import FORGOTTEN_MEANWHILE, CheckpointsUnsafe, NightFailed
from daemon.night.loss_curve import Curve
from daemon.night.pipeline import NightReport, Progress, run_night
from daemon.night.ram_folders import memory_folder, sweep
from daemon.night.resource_monitor import LONGEST_PAUSE_S, LOOK_EVERY_S, Watch
from daemon.night.schedule import Night, Wait, hindrance, latest, need_mb, tonight
from daemon.processes.errors import NightEnded
from daemon.processes.foreground_gate import ForegroundGate
from daemon.store_thread import StoreThread
from store import generations, jobs
from store.jobs import Job

log = logging.getLogger(__name__)

POSTPONED_S = 60.0
MOST_ANEW = 3  # times that one attempt begins anew for what it finds forgotten by itself
FORGOTTEN = "something was forgotten"


class Nights:
    """Runs a night when one is due or asked for."""

    def __init__(
        self,
        store_thread: StoreThread,
        engine: Engine,
        *,
        model_path: Path,
        home: Path,
        when: When,
        by_itself: bool,
        quiet_s: float,
        since: datetime,
        gate: ForegroundGate,
        read_machine: Callable[[], Awaitable[Machine]],
        now: Callable[[], datetime] = datetime.now,
        look_every_s: float = LOOK_EVERY_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
        trainer: Sequence[str] = (),
        unlearning: Unlearning | None = None,
    ) -> None:
        """
        Nothing is begun yet.

        Args:
            by_itself: False = only when asked.
            quiet_s: seconds without a chat before a night begins by itself.
            since: local time at which the home was made.
            gate: closed by whoever answers people.
            now: the local wall clock.
            trainer: another command than our trainer's.
            unlearning: what must be gone from a candidate.
        """
        self._unlearning = unlearning
        self._store_thread, self._engine, self._gate = store_thread, engine, gate
        self._model_path, self._trainer = model_path, trainer
        self._when, self._by_itself, self._quiet_s, self._since = when, by_itself, quiet_s, since
        self._read_machine, self._now = read_machine, now
        self._watch = Watch(gate, when, read_machine, every_s=look_every_s, longest_pause_s=longest_pause_s)
        self._checkpoints = checkpoints.place(home)
        self._forgetting = asyncio.Lock()
        self._forgets = 0
        self.waiting: str | None = None  # why no night begins by itself now
        self.progress: Progress | None = None  # of the night that runs; None when none does
        self.curve = Curve()  # of the training that runs, or ran last
        self.last: NightReport | None = None  # of the latest night, once it is done
        self._last_job: int | None = None  # the job that `last` reports of

    async def start(self) -> None:
        """Sweep what a killed daemon left behind; before any night."""
        await asyncio.to_thread(sweep, memory_folder())
        last = await self._store_thread.run(jobs.latest, "night")
        if self._checkpoints and (last is None or last.state in ("done", "failed")):
            await asyncio.to_thread(checkpoints.sweep, self._checkpoints)

    async def due(self) -> dict[str, Any] | None:
        """A payload that names the night, when it is time for one that has not been run."""
        if not self._by_itself:
            return None
        night = await self._tonight(self._since)
        why_not = night.reason if isinstance(night, Wait) else await self._hindrance(night)
        self.waiting = why_not
        return {"night": night.day} if isinstance(night, Night) and why_not is None else None

    async def work(self, job: Job) -> None:
        """One night, to its report; raises `Postponed` when it is not its time, or not any more."""
        self.last, self._last_job = None, job.id
        self._watch.asked = "night" not in job.payload or "seed" in job.payload
        if not self._watch.asked:
            if not self._by_itself:
                return await self._drop(job)
            await self._take_its_turn(job)
        done = await self._decided(job)
        if done is None:
            self.progress = Progress(done=0, total=0, unit="", note="beginning")
            try:
                async with self._watch.over():
                    done = await self._run(job)
            finally:
                self.progress = None
        if self._checkpoints:
            await asyncio.to_thread(checkpoints.sweep, self._checkpoints)
        self.last = done
        log.info("Night: %s", self.last.reason)

    def asked(self, job: Job) -> None:
        """Somebody asks for a night, and `job` stands for it: if it runs already, it need not be by itself."""
        if job.id == self._last_job and job.state == "running":
            self._watch.asked = True

    def as_json(self) -> Mapping[str, Any]:
        """Progress, what is waited for, and the last report with the id of its job, for the wire."""
        paused = self._gate.reason if self.progress else None
        progress = asdict(self.progress) if self.progress else None
        if progress and paused:
            progress["note"] = f"paused: {paused}"
        return {
            "progress": progress,
            "waiting": None if self.progress else self.waiting,
            "paused": paused,
            "warning": self._watch.warning if self.progress else None,
            "last": asdict(self.last) | {"job": self._last_job} if self.last else None,
        }

    async def forget(self) -> None:
        """
        Drop what the last report quotes, and begin the night that runs anew without what the store has forgotten.

        Raises:
            CheckpointsLeft: a checkpoint could not be deleted.
        """
        if self.last is not None:
            self.last = _without_quotes(self.last)
        async with self._forgetting:
            self._forgets += 1
            await self._gate.end(FORGOTTEN)
            if self._checkpoints:
                await asyncio.to_thread(checkpoints.sweep, self._checkpoints)

    async def _run(self, job: Job) -> NightReport:
        anew = 0
        while True:
            async with self._forgetting:
                forgets = self._forgets
                self._gate.begin()
                self.curve.clear()
                folder = await asyncio.to_thread(self._checkpoint_folder)
            try:
                report = await run_night(
                    self._store_thread,
                    self._engine,
                    model_path=self._model_path,
                    recipe=job.payload.get("recipe"),
                    on_progress=self._note,
                    seed=int(job.payload.get("seed", 0)),
                    trainer=self._trainer,
                    by_itself=not self._watch.asked,
                    job_id=job.id,
                    gate=self._gate,
                    checkpoints=folder,
                    unlearning=self._unlearning,
                    curve=self.curve,
                )
                return report if self._forgets == forgets else _without_quotes(report)
            except (NightEnded, NightFailed) as error:
                if self._forgets != forgets or (error.why == FORGOTTEN_MEANWHILE and anew < MOST_ANEW):
                    anew += error.why == FORGOTTEN_MEANWHILE  # `forget` may not have come to tell us yet
                    log.info("Night: %s; it begins anew without it", FORGOTTEN)
                    continue
                if isinstance(error, NightEnded) and not self._watch.asked:
                    raise Postponed(POSTPONED_S) from error
                if isinstance(error, NightFailed) and job.attempts > 1 and self._checkpoints:
                    await asyncio.to_thread(checkpoints.sweep, self._checkpoints)  # it may be what fails
                raise

    async def _tonight(self, since: datetime) -> Night | Wait:
        now = self._now()
        day = latest(now, self._when).day
        over = await self._store_thread.run(jobs.is_over, "night", "night", day)
        return tonight(now, self._when, {day} if over else (), since)

    async def _hindrance(self, night: Night) -> str | None:
        return hindrance(
            night,
            self._when,
            await self._read_machine(),
            silent_s=self._gate.silent_s,
            quiet_s=self._quiet_s,
            need_mb=need_mb(self._model_path.stat().st_size if self._model_path.exists() else 0),
        )

    async def _take_its_turn(self, job: Job) -> None:
        """
        See whether a night that began by itself may go on, as that of today; else raise `Postponed`.

        One that was interrupted, or ended, takes the name of the day on which it goes on.
        """
        night = await self._tonight(datetime.min)
        self.waiting = night.reason if isinstance(night, Wait) else await self._hindrance(night)
        if isinstance(night, Wait) or self.waiting is not None:
            raise Postponed(POSTPONED_S)
        await self._store_thread.run(jobs.note, job, {"night": night.day})

    async def _drop(self, job: Job) -> None:
        """A night that began by itself, and waits since before the setting `night` was turned off."""
        log.info("Night: none by itself any more, so that the one that waited is dropped")
        await self._store_thread.run(
            jobs.note, job, {"night": ""}
        )  # its day has had none, should it be turned on again
        if self._checkpoints:
            await asyncio.to_thread(checkpoints.sweep, self._checkpoints)

    async def _decided(self, job: Job) -> NightReport | None:
        """What this night came to before it was interrupted, if it had come so far."""
        every = await self._store_thread.run(generations.all)
        if "after" not in job.payload:
            newest = every[-1].id if every else 0
            await self._store_thread.run(jobs.note, job, {"after": newest})
            return None
        for made in every[::-1]:
            told = made.state == "adopted" or (
                made.state == "refused" and made.reason != generations.INTERRUPTED
            )
            if made.id > job.payload["after"] and told:
                return NightReport(
                    adopted=made.state == "adopted",
                    reason=made.reason,
                    generation=made.id,
                    lessons=made.lesson_count,
                    exam=made.exam,
                    train_s=0.0,
                    total_s=0.0,
                    swap_ms=None,
                )
        return None

    def _checkpoint_folder(self) -> Path | None:
        if self._checkpoints is None:
            return None
        try:
            checkpoints.prepare(self._checkpoints)
        except CheckpointsUnsafe as error:  # a night without checkpoints is better than none
            log.warning("%s", error)
            return None
        return self._checkpoints

    def _note(self, progress: Progress) -> None:
        self.progress = progress


def _without_quotes(report: NightReport) -> NightReport:
    """The report without the questions of its exam, which may tell what was forgotten."""
    return replace(report, exam={**report.exam, "missed": []})
