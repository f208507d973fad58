"""
The one supervisor of child processes: start on demand, restart after a crash, retire when idle.

    call ──> running? ──no──> wait out the back-off ──> start ──> handshake ──> after_start ──> serve
                                     ^                    |
                                     '───── failed ───────'   (the error is kept and answered meanwhile)

A caller never hangs on a dead child: it gets `ChildCrashed`, and the next call works again. A child
that can't start is not tried more often than the back-off allows; in between callers get the recorded error
at once. A child never outlives the daemon.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from daemon.processes import process as child_process
from daemon.processes.errors import ChildCrashed, ChildError, ChildStopped
from daemon.processes.framing import Frame
from daemon.processes.process import ChildProcess

Reply = Frame  # header: dict, blob: bytes
State = Literal["stopped", "starting", "ready", "failed", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before the next start: doubles with each crash, forgotten after a healthy while."""

    first_s: float = 0.1
    longest_s: float = 10.0
    healthy_s: float = 60.0

    def delay_s(self, crashes: int) -> float:
        """Seconds to wait after this many crashes in a row."""
        return min(self.longest_s, self.first_s * 2.0 ** min(crashes - 1, 60)) if crashes else 0.0


class Supervisor:
    """
    One supervised process; starts with the first call.

    Args:
        name: for logs and errors, such as "engine".
        argv: the command line; `module("daemon.engine")` for one of ours.
        hello: the JSON object of the handshake, sent at each start; may be changed between starts.
        idle_s: seconds without a call after which the process is ended; `math.inf` keeps it.
        start_timeout_s: seconds that the handshake may take.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        hello: Mapping[str, Any],
        idle_s: float,
        start_timeout_s: float = 120.0,
        backoff: Backoff | None = None,
    ) -> None:
        self.name = name
        self.hello = dict(hello)
        self.state: State = "stopped"
        self.restarts = 0  # starts after a crash, since the daemon began
        self.crashes = 0  # in a row; forgotten after a healthy while
        self.last_error: ChildError | None = None  # why the last start or life failed; None when all is well
        self.after_start: Callable[[ChildProcess], Awaitable[None]] | None = None  # before any call is served
        self.around_start: Callable[[], AbstractAsyncContextManager[None]] = (
            nullcontext  # may refuse, by raising
        )
        self._argv, self._idle_s, self._start_timeout_s = list(argv), idle_s, start_timeout_s
        self._backoff = backoff or Backoff()
        self._process: ChildProcess | None = None
        self._starting: asyncio.Task[ChildProcess] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._retiring: asyncio.Task[None] | None = None
        self._users = 0
        self._not_before = self._ready_at = 0.0  # monotonic clock

    @property
    def pid(self) -> int | None:
        """Process id while the child runs."""
        return self._process.pid if self._process is not None and self._process.alive else None

    async def start(self) -> dict[str, Any]:
        """Make sure that the process runs; returns what it said at the handshake. Raises as `call`."""
        async with self._running() as process:
            return process.ready

    async def call(self, op: str, *, blob: bytes = b"", **fields: Any) -> Reply:
        """
        One command, one answer.

        Raises:
            ChildCrashed: the process died; the next call starts it again.
            ChildRefused: the child's own, typed error.
            ChildStopped, ChildTooSlow: it was shut down, or did not start in time.
        """
        async with self._running() as process:
            return await process.call(op, blob, fields)

    async def stream(
        self, op: str, *, blob: bytes = b"", **fields: Any
    ) -> AsyncGenerator[dict[str, Any], None]:
        """One command, many answers; closing the iterator cancels in the child. Raises as `call`."""
        async with self._running() as process, aclosing(process.stream(op, blob, fields)) as pieces:
            async for piece in pieces:
                yield piece

    @property
    def in_use(self) -> bool:
        """Whether a call is under way, or waits for the start."""
        return self._users > 0

    async def retire(self) -> bool:
        """End the process unless it is in use; whether there was one to end. The next call starts a new one."""
        if self.in_use or self.pid is None:
            return False
        await self.renew()
        return True

    async def stop(self) -> None:
        """End the process for good; calls that wait get `ChildStopped`."""
        self.state = "closed"
        self._disarm()
        if self._starting is not None:
            self._starting.cancel()
        if self._process is not None:
            await self._process.stop()
        rest = [task for task in (self._starting, self._watch, self._retiring) if task is not None]
        await asyncio.gather(*rest, return_exceptions=True)

    async def renew(self, *, grace_s: float = 0.0) -> None:
        """End the process that runs, if any: the next call gets a new one. Calls have `grace_s` to end first."""
        end = time.monotonic() + grace_s
        while self._users and time.monotonic() < end:
            await asyncio.sleep(0.05)
        self._disarm()
        process, self._process = self._process, None
        if process is not None and self.state == "ready":
            self.state = "stopped"
            await process.stop()

    @asynccontextmanager
    async def _running(self) -> AsyncGenerator[ChildProcess]:
        """The running process, counted as in use inside; starts it when there is none."""
        self._users += 1
        self._disarm()
        process = self._process
        try:
            if process is None or not process.alive:
                process = await self._started()
            yield process
        finally:
            self._users -= 1
            if process is not None:
                self._note_the_end(process)  # so that a caller that hears of a crash sees it counted
            self._arm()

    async def _started(self) -> ChildProcess:
        """Wait for the one start that all callers share; a caller that gives up does not end it."""
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(ignore_failure)
        starting = self._starting
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            if starting.cancelled():
                raise ChildStopped(self.name) from None
            raise

    async def _start(self) -> ChildProcess:
        if self.state == "closed":
            raise ChildStopped(self.name)
        if self._process is not None:
            self._note_the_end(self._process)
        await self._wait_out_the_backoff()
        async with self.around_start():
            return await self._start_now()

    async def _start_now(self) -> ChildProcess:
        self.state = "starting"
        try:
            process = await child_process.start(self.name, self._argv, self.hello, self._start_timeout_s)
            await self._prepare(process)
        except ChildError as error:
            self._crashed(error)
            self.state = "failed"
            raise
        self._process, self.state, self.last_error = process, "ready", None
        self._ready_at = time.monotonic()
        self._watch = asyncio.create_task(self._see_it_end(process))
        self._arm()
        return process

    async def _prepare(self, process: ChildProcess) -> None:
        if self.after_start is None:
            return
        try:
            await self.after_start(process)
        except BaseException:  # no half-prepared process may stay
            await asyncio.shield(process.stop())
            raise

    async def _wait_out_the_backoff(self) -> None:
        wait_s = self._not_before - time.monotonic()
        if wait_s > 0 and self.state == "failed" and self.last_error is not None:
            raise self.last_error.with_traceback(None)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        if self.crashes:
            self.restarts += 1

    async def _see_it_end(self, process: ChildProcess) -> None:
        await process.ended()
        self._note_the_end(process)

    def _note_the_end(self, process: ChildProcess) -> None:
        """Count a crash, once: here when we see it, or at the next start when that comes first."""
        if self._process is not process or not isinstance(process.end, ChildCrashed):
            return
        self._process = None
        self.state = "stopped" if self.state == "ready" else self.state
        if time.monotonic() - self._ready_at >= self._backoff.healthy_s:
            self.crashes = 0
        self._crashed(process.end)

    def _crashed(self, error: ChildError) -> None:
        self.crashes += 1
        self.last_error = error
        self._not_before = time.monotonic() + self._backoff.delay_s(self.crashes)

    def _arm(self) -> None:
        self._disarm()
        is_idle = self._users == 0 and self._process is not None and self.state == "ready"
        if is_idle and self._idle_s < math.inf:
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._retire_soon)

    def _disarm(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _retire_soon(self) -> None:
        process, self._process = self._process, None
        if process is not None and self.state == "ready":
            self.state = "stopped"
            self._retiring = asyncio.create_task(process.stop())


def ignore_failure(task: asyncio.Task[Any]) -> None:
    """Done callback: others hear of the failure, asyncio need not warn that nobody awaits the task."""
    if not task.cancelled():
        task.exception()
