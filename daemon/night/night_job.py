"""
The nights of one daemon: which is due, the one that runs, and what became of the last.

    due ──> job ──> work: may it? ──> run_night, monitored ──> report
                      `── no ──> postponed      `── ended by its monitor: goes on later

The reason why no night runs, or why one rests, can be asked at any time. One night makes at most one generation that
answers, also when it is interrupted after it was adopted. What was forgotten is neither in a checkpoint nor in a
running trainer when `forget` returns.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from daemon.config.night_window import When
from daemon.engine.gguf_file import size_of
from daemon.hardware.sensors import Machine
from daemon.home import Home, NightTurn
from daemon.jobs import Postponed
from daemon.night import ram_folders
from daemon.night.errors import FORGOTTEN_MEANWHILE, CheckpointsUnsafe, NightError, NightFailed
from daemon.night.loss_curve import EXAM, STUDENT, STUDY, TEACHER, NightProgress
from daemon.night.pipeline import Foreseen, NightOrder, NightReport, NightServices, foresee, run_night
from daemon.night.resource_monitor import LONGEST_PAUSE_S, LOOK_EVERY_S, ResourceMonitor
from daemon.night.schedule import Night, Wait, hindrance, hours_left, latest, need_mb, tonight
from daemon.processes.errors import NightEnded
from daemon.progress import Progress
from daemon.text import can_learn
from store import generations, jobs
from store.jobs import Job

log = logging.getLogger(__name__)

POSTPONED_S = 60.0
TURN_EVERY_S = 1.0
ELSEWHERE = "the night of another profile runs"
ALIKE, RESTS = 2, timedelta(days=7)  # after so many nights that failed alike none begins by itself so long
MOST_RESTARTS = 3  # times that one attempt starts again for what it finds forgotten by itself
FORGOTTEN = "something was forgotten"
STOPPED = "you stopped it; what answers is untouched"
USUAL = {
    STUDY: 10.0,
    TEACHER: 15.0,
    STUDENT: 55.0,
    EXAM: 20.0,
}  # of a hundred, where nothing was measured yet


@dataclass(frozen=True, slots=True, kw_only=True)
class NightSettings:
    """When nights run by themselves."""

    when: When
    by_itself: bool  # False = only when asked
    quiet_s: float  # without a chat before a night begins by itself
    since: datetime  # local time at which the home was made: earlier nights were not missed
    cannot_learn: str | None = None  # why no night can train the model that is served
    look_first: bool = True  # what changed a memory waits for a look at it, a day at most
    look_every_s: float = LOOK_EVERY_S
    longest_pause_s: float = LONGEST_PAUSE_S


class Nights:
    """Runs a night when one is due or asked for."""

    def __init__(
        self,
        services: NightServices,
        settings: NightSettings,
        home: Path,
        read_machine: Callable[[], Awaitable[Machine]],
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        """Nothing is begun yet. `now`: the local wall clock."""
        self._services, self._settings = services, settings
        self._store_thread, self._gate = services.core.store_thread, services.gate
        self._read_machine, self._now = read_machine, now
        self._monitor = ResourceMonitor(
            services.gate,
            settings.when,
            read_machine,
            every_s=settings.look_every_s,
            longest_pause_s=settings.longest_pause_s,
        )
        self._checkpoints = ram_folders.checkpoint_folder(home)
        self._turn = NightTurn(Home(home))
        self._forgetting = asyncio.Lock()
        self._training = asyncio.Lock()  # one trainer at a time
        self._forgets = 0
        self._stopped = False  # a person ended the night that runs
        self._foreseen, self._known = Foreseen(), dict[object, Foreseen]()  # the last estimate, what of
        self.waiting: str | None = None  # why no night begins by itself now
        self.rests: str | None = None  # the same, where the last ones failed alike
        self.progress = NightProgress()
        self.last: NightReport | None = None  # of the latest night, once it is done
        self._last_job: int | None = None  # the job that `last` reports of

    async def start(self) -> None:
        """Sweep what a killed daemon left behind; before any night. Says so once where there can be none."""
        if self._settings.cannot_learn:
            log.info("No nights: the model %s", can_learn(self._settings.cannot_learn))
        await asyncio.to_thread(ram_folders.sweep, ram_folders.memory_folder())
        last = await self._store_thread.run(jobs.latest, "night")
        if last is None or last.state in ("done", "failed"):
            await self._delete_checkpoints()

    async def due(self) -> dict[str, Any] | None:
        """A payload that names the night, when it is time for one that has not been run."""
        if not self._settings.by_itself:
            return None
        if self._settings.cannot_learn:
            self.waiting = f"the model {can_learn(self._settings.cannot_learn)}"
            return None
        night = await self._tonight(self._settings.since)
        why_not = night.reason if isinstance(night, Wait) else await self._hindrance(night)
        self.rests = await self._rests(night) if isinstance(night, Night) else self.rests
        why_not = self.rests or why_not
        self.waiting = why_not
        return {"night": night.day} if isinstance(night, Night) and why_not is None else None

    async def is_pending(self) -> bool:
        """Whether a night that begins by itself is due, though it may have to wait for the machine."""
        if not self._settings.by_itself or self._settings.cannot_learn or self.rests is not None:
            return False
        return isinstance(await self._tonight(self._settings.since), Night)

    async def work(self, job: Job) -> None:
        """One night, to its report; raises `Postponed` when it is not its time, or not any more."""
        self.last, self._last_job, self._stopped = None, job.id, False
        self._monitor.asked = "night" not in job.payload or "seed" in job.payload
        if not self._monitor.asked:
            if not self._settings.by_itself or self._settings.cannot_learn:
                return await self._drop(job)
            await self._take_its_turn(job)
        done = await self._decided(job)
        if done is None:
            self.progress.latest = Progress(done=0, total=0, unit="", note="beginning")
            try:
                async with self._training:
                    done = await self._in_turn(job)
            finally:
                self.progress.latest = None
        await self._delete_checkpoints()
        self.last = done
        log.info("Night: %s", self.last.reason)

    def asked(self, job: Job) -> None:
        """Somebody asks for a night, and `job` stands for it: if it runs already, it need not be by itself."""
        if job.id == self._last_job and job.state == "running":
            self._monitor.asked = True

    def as_json(self) -> Mapping[str, Any]:
        """Progress, what is waited for, and the last report with the id of its job, for the wire."""
        latest = self.progress.latest
        paused = self._gate.reason if latest else None
        progress = asdict(latest) if latest else None
        if progress and paused:
            progress["note"] = f"paused: {paused}"
        costs = self._costs()
        return {
            "whole": round(self.progress.whole(costs), 3) if latest else None,
            "left_s": self.progress.left_s(costs) if latest else None,
            "progress": progress,
            "waiting": None if latest else self.waiting,
            "paused": paused,
            "warning": self._monitor.warning if latest else None,
            "last": asdict(self.last) | {"job": self._last_job} if self.last else None,
        }

    def _costs(self) -> dict[str, float]:
        """What each stage takes, as it was foretold, or as nights usually go."""
        cost = self._foreseen.cost
        known = {STUDY: cost.study_s, TEACHER: cost.teacher_s, STUDENT: cost.student_s, EXAM: cost.exam_s}
        return known if cost.by and any(known.values()) else dict(USUAL)

    async def stop(self) -> None:
        """
        End the night that runs, as a person wishes; nothing is changed, and none begins by itself today.

        Raises:
            NightError: none runs.
        """
        if self.progress.latest is None:
            raise NightError("No night is under way, so none can be stopped.")
        self._stopped = True
        await self._gate.end(STOPPED)

    async def foresee(self, *, measure: bool) -> tuple[Foreseen, float]:
        """
        What the next night would do and cost, and the seconds that its hours last. No engine is started for it unless
        this machine is measured: while it rests, the last answer stands.

        Args:
            measure: measure this machine, where that was not done yet; takes seconds, with a large model minutes.

        Raises:
            NightError: a night runs, so that nothing can be measured, or the trainer failed.
        """
        hours_s = self._settings.when.length.total_seconds()
        see = partial(foresee, self._services, within_s=hours_s, known=self._known)
        if not measure:
            if self._services.core.engine.is_running:
                self._foreseen = await see(measure=False)
            return self._foreseen, hours_s
        if self.progress.latest is not None:
            raise NightError("A night is under way. Ask again when it is over.")
        async with self._training:
            if not self._turn.take():
                raise NightError("The night of another profile is under way. Ask again when it is over.")
            try:
                async with self._forgetting:
                    self._gate.begin()  # what ended the last night is no reason not to measure
                self._foreseen = await see(measure=True)
            finally:
                self._turn.release()
        return self._foreseen, hours_s

    async def forget(self) -> None:
        """
        Drop what the last report quotes, and start the night that runs again without what the store has forgotten.

        Raises:
            NightError: a checkpoint could not be deleted.
        """
        if self.last is not None:
            self.last = _without_quotes(self.last)
        async with self._forgetting:
            self._forgets += 1
            await self._gate.end(FORGOTTEN)
            await self._delete_checkpoints()

    async def _in_turn(self, job: Job) -> NightReport:
        """Run it once no night of another profile does; one that nobody asked for comes back later."""
        while not self._turn.take():
            if not self._monitor.asked:
                raise Postponed(POSTPONED_S)
            if self._stopped:
                return NightReport(adopted=False, reason=STOPPED)
            self.progress.latest = Progress(done=0, total=0, unit="", note=f"waiting: {ELSEWHERE}")
            await asyncio.sleep(TURN_EVERY_S)
        try:
            async with self._monitor.over():
                return await self._run(job)
        finally:
            self._turn.release()

    async def _run(self, job: Job) -> NightReport:
        restarts = 0
        while True:
            async with self._forgetting:
                forgets = self._forgets
                self._gate.begin()
                self.progress = NightProgress(latest=self.progress.latest)
                later = job.payload.get("later")
                order = NightOrder(
                    recipe=job.payload.get("recipe") or {},
                    seed=int(job.payload.get("seed", 0)),
                    by_itself=not self._monitor.asked,
                    look_first=self._settings.look_first and not self._monitor.asked,
                    within_s=None if self._monitor.asked else hours_left(self._now(), self._settings.when),
                    later=None if later is None else frozenset(later),
                    on_later=partial(self._note_later, job),
                    job_id=job.id,
                    checkpoints=await asyncio.to_thread(self._prepared_checkpoints),
                )
            try:
                report = await run_night(self._services, order, self.progress)
                return report if self._forgets == forgets else _without_quotes(report)
            except (NightEnded, NightFailed) as error:
                if self._stopped:
                    log.info("Night: %s", STOPPED)
                    return NightReport(adopted=False, reason=STOPPED)
                if self._forgets != forgets or (
                    error.why == FORGOTTEN_MEANWHILE and restarts < MOST_RESTARTS
                ):
                    restarts += error.why == FORGOTTEN_MEANWHILE  # `forget` may not have told us yet
                    log.info("Night: %s; it starts again without it", FORGOTTEN)
                    continue
                if isinstance(error, NightEnded) and not self._monitor.asked:
                    raise Postponed(POSTPONED_S) from error
                if isinstance(error, NightFailed) and job.attempts > 1:
                    await self._delete_checkpoints()  # they may be what fails
                raise

    async def _tonight(self, since: datetime) -> Night | Wait:
        now, when = self._now(), self._settings.when
        day = latest(now, when).day
        over = await self._store_thread.run(jobs.is_over, "night", "night", day)
        return tonight(now, when, {day} if over else (), since)

    async def _rests(self, night: Night) -> str | None:
        """Why no night begins by itself though one is due: the last ones failed alike, so the next one would."""
        alike = await self._store_thread.run(jobs.failed_alike, "night")
        day = str(alike[0].payload.get("night") or "") if len(alike) >= ALIKE else ""
        until = (date.fromisoformat(day) + RESTS).isoformat() if day else ""
        if night.day >= until:
            return None
        return f"the last {len(alike)} nights failed alike, so none begins by itself before {until}"

    async def _hindrance(self, night: Night) -> str | None:
        if self._turn.is_elsewhere:
            return ELSEWHERE
        model_path = self._services.trainer.model_path
        return hindrance(
            night,
            self._settings.when,
            await self._read_machine(),
            silent_s=self._gate.silent_s,
            quiet_s=self._settings.quiet_s,
            need_mb=need_mb(size_of(model_path) if model_path.exists() else 0),
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
        """A night that began by itself, and waits since before `night` was turned off or the model was another."""
        log.info("Night: none by itself any more, so that the one that waited is dropped")
        no_night = {"night": ""}  # its day counts as free, should the setting be turned on again
        await self._store_thread.run(jobs.note, job, no_night)
        await self._delete_checkpoints()

    async def _decided(self, job: Job) -> NightReport | None:
        """What this night came to before it was interrupted, if it had come so far."""
        every = await self._store_thread.run(generations.all)
        if "after" not in job.payload:
            newest = every[-1].id if every else 0
            await self._store_thread.run(jobs.note, job, {"after": newest})
            return None
        for made in every[::-1]:
            refused = made.state == "refused" and made.reason != generations.INTERRUPTED
            if made.id > job.payload["after"] and (refused or made.state == "adopted"):
                return NightReport(
                    adopted=not refused,
                    reason=made.reason,
                    generation=made.id,
                    lessons=made.lesson_count,
                    exam=made.exam,
                )
        return None

    async def _note_later(self, job: Job, later: frozenset[int]) -> None:
        """Have the next attempt leave out the same memories, so that it can go on from a checkpoint."""
        await self._store_thread.run(jobs.note, job, {"later": sorted(later)})

    def _prepared_checkpoints(self) -> Path | None:
        if self._checkpoints is None:
            return None
        try:
            ram_folders.prepare_checkpoints(self._checkpoints)
        except CheckpointsUnsafe as error:  # a night without checkpoints is better than none
            log.warning("%s", error)
            return None
        return self._checkpoints

    async def _delete_checkpoints(self) -> None:
        await asyncio.to_thread(ram_folders.delete_checkpoints, self._checkpoints)


def _without_quotes(report: NightReport) -> NightReport:
    """The report without the questions of its exam, which may tell what was forgotten."""
    return replace(report, exam={**report.exam, "missed": []})
