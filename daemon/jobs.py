"""
The job runner: does the jobs of the store, one at a time, while requests are answered.

A failure is logged, recorded with the job, and tried again after twice the wait each time, until the job is given up.
The log quotes nothing a user said. An interrupted job runs again at the next start. While a job runs its lease is
renewed, and work whose lease is lost stops.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.errors import KNOWN
from daemon.store_thread import StoreThread
from store import jobs
from store.errors import LeaseLost, StoreError
from store.jobs import Job

log = logging.getLogger(__name__)

LEASE_S = 600.0  # `start` takes back what another runner left; this is for ends that could not be recorded
RENEW_EVERY_S = 120.0
FIRST_RETRY_S = 30.0
LAST_RETRY_S = 3_600.0
ATTEMPTS = 3  # after so many a job is given up


class Postponed(Exception):
    """Raised by work that finds that it is not its time: it waits, and the attempt does not count."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"postponed for {wait_s:.0f} s")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of job: how it is done, and when the runner orders one by itself."""

    work: Callable[[Job], Awaitable[None]]
    due: Callable[
        [], Awaitable[dict[str, Any] | None]
    ]  # the payload of a job that should be done now, or None
    attempts: int = ATTEMPTS


class Runner:
    """Looks for work every `every_s` seconds, from `start` to `stop`."""

    def __init__(
        self,
        store_thread: StoreThread,
        kinds: Mapping[str, Kind],
        *,
        every_s: float,
        renew_every_s: float = RENEW_EVERY_S,
    ) -> None:
        self._store_thread = store_thread
        self._kinds = kinds
        self._every_s = every_s
        self._renew_every_s = renew_every_s
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._resting: dict[
            str, float
        ] = {}  # kinds given up: until then (monotonic) only who orders one gets one
        self.failure: str | None = None  # what the last look itself failed with; None when it went well

    async def start(self) -> None:
        """Take back interrupted jobs and begin."""
        await self._store_thread.run(jobs.recover)
        self._task = asyncio.create_task(self._run(), name="jobs")

    async def stop(self) -> None:
        """Interrupt the job that runs, if any; it will run again at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def order(self, kind: str, payload: Mapping[str, Any]) -> Job:
        """Have one job of `kind` done as soon as possible; one that waits or runs already stands for it."""
        job = await self._store_thread.run(jobs.order, kind, dict(payload), unique=kind)
        self._wake.set()
        return job

    def wake(self) -> None:
        """Look for work now: the computer slept, and some of it may be due."""
        self._wake.set()

    async def is_idle(self) -> bool:
        """Whether no job waits or runs, and none is due."""
        if await self._store_thread.run(jobs.is_any_open):
            return False
        due = [await kind.due() for name, kind in self._kinds.items() if not self._rests(name)]
        return all(payload is None for payload in due)

    async def look(self) -> None:
        """Order what is due, then do every job that can be claimed; one round of the loop."""
        for name, kind in self._kinds.items():
            await self._attempt(name, kind)

    async def _run(self) -> None:
        while True:
            await self.look()
            try:
                async with asyncio.timeout(self._every_s):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def _attempt(self, name: str, kind: Kind) -> None:
        """The second of two places that catch every exception: work must go on, the failure must show."""
        job: Job | None = None
        try:
            payload = None if self._rests(name) else await kind.due()
            if payload is not None:
                await self._store_thread.run(jobs.enqueue, name, payload, unique=name)
            job = await self._store_thread.run(
                jobs.claim, name, now=datetime.now(UTC), lease_s=LEASE_S, longest_wait_s=2 * LAST_RETRY_S
            )
            if job is not None:
                await self._do(job, kind)
            self.failure = None
        except Exception as error:  # noqa: BLE001  whatever failed, the next job must run
            before, self.failure = self.failure, f"{name}: {in_one_line(error)}"
            if job is not None or before != self.failure:  # a full disk fails every look alike: said once
                _note(f"The job {name} failed", error)
            if job is not None:
                await self._record_failure(job, kind, error)

    async def _do(self, job: Job, kind: Kind) -> None:
        """Work and finish; raises `LeaseLost`, and whatever the work raises."""
        work = asyncio.ensure_future(kind.work(job))
        renewing = asyncio.create_task(self._renew(job), name="lease")
        try:
            await asyncio.wait((work, renewing), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                renewing.result()  # it ends in one way only: the lease is lost
            work.result()
        except Postponed as later:
            run_at = datetime.now(UTC) + timedelta(seconds=later.wait_s)
            await self._store_thread.run(jobs.put_back, job, run_at=run_at)
        else:
            await self._store_thread.run(jobs.finish, job)
        finally:
            for task in (work, renewing):
                task.cancel()
            await asyncio.gather(work, renewing, return_exceptions=True)

    async def _renew(self, job: Job) -> None:
        while True:
            await asyncio.sleep(self._renew_every_s)
            try:
                await self._store_thread.run(jobs.renew, job, now=datetime.now(UTC), lease_s=LEASE_S)
            except LeaseLost:
                raise
            except StoreError as error:  # a full disk, say: the home's lock keeps others off meanwhile
                log.warning("The lease of job %d could not be renewed: %s", job.id, error)

    def _rests(self, name: str) -> bool:
        return name in self._resting and time.monotonic() < self._resting[name]

    async def _record_failure(self, job: Job, kind: Kind, error: Exception) -> None:
        now = datetime.now(UTC)
        wait_s = min(FIRST_RETRY_S * 2 ** max(0, job.attempts - 1), LAST_RETRY_S)
        is_given_up = job.attempts >= kind.attempts or getattr(error, "is_final", False)
        retry_at = None if is_given_up else now + timedelta(seconds=wait_s)
        if retry_at is None:
            self._resting[job.kind] = time.monotonic() + LAST_RETRY_S
        try:
            await self._store_thread.run(jobs.fail, job, in_one_line(error), retry_at=retry_at)
        except Exception as unrecorded:  # noqa: BLE001  the same
            # A full disk fails the record too. The lease prevents a busy loop; when it has run out, or at the
            # next start, the job runs again.
            _note(f"The failure of job {job.id} could not be recorded", unrecorded)


def _note(what: str, error: Exception) -> None:
    """Log a failure. Words that may quote a user stand with the job alone, in the encrypted store."""
    if isinstance(error, KNOWN) and not getattr(error, "quotes_user", False):
        log.error("%s: %s", what, error)
        return
    where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    log.error("%s: %s; `tsubasa status` says more.\n%s", what, type(error).__name__, where)


def in_one_line(error: Exception) -> str:
    """One line for a person: our errors word themselves, foreign ones are named."""
    return str(error) if isinstance(error, KNOWN) else f"{type(error).__name__}: {error}"
