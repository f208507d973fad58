"""
`tsubasa pull` as a child of the daemon, for the page: one at a time, its progress kept, to be stopped.

    page ──> daemon ──> python -m daemon pull NAME --json ──> lines of progress ──> what `state` says

The daemon itself never leaves this machine: the child is the very command that a person would type, with its checks,
its count of bytes, and its words for what went wrong.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from daemon.errors import DaemonError
from daemon.processes.process import environment

ENDING_S = 10.0  # that a stopped one may take to put its file away
LONGEST_WORDS = 4096  # bytes of what it says at its end
SHORTEST_S = 1.0  # of a download, before it is said how long the rest takes


class PullUnderWay(DaemonError):
    """Another model is on its way."""

    def __init__(self, model: str) -> None:
        super().__init__(f"{model} is on its way already. Wait for it, or stop it first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PullState:
    """How far the latest download is."""

    model: str  # as it was asked for
    step: str = "asking"  # then "fetching", "checking"; at the end "done", "stopped" or "failed"
    file: str = ""
    done: int = 0  # bytes
    total: int = 0  # bytes; 0: not known
    left_s: float | None = None  # seconds; None: not known
    note: str = ""
    error: str | None = None
    chosen: bool = False  # whether config.toml names it now

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.step in ("done", "stopped", "failed")


@dataclass
class PullProcess:
    """The one download that may be under way; `stop` it at the end."""

    home: Path
    program: tuple[str, ...] = (sys.executable, "-m", "daemon")
    clock: Callable[[], float] = time.monotonic
    state: PullState | None = None
    _running: "asyncio.Task[None] | None" = None
    _child: asyncio.subprocess.Process | None = None
    _begun: tuple[float, int] | None = None  # when the first bytes came, and how many were there

    async def start(self, model: str, *, use: bool) -> PullState:
        """Begin to fetch `model`, and `use` it from the next start on; raises `PullUnderWay`."""
        if self.state is not None and not self.state.is_over:
            raise PullUnderWay(self.state.model)
        if self._running is not None:
            await self._running  # it has said its last word, and ends
        self.state, self._begun = PullState(model=model), None
        choice = ("--use", "--yes") if use else ("--no-use",)
        argv = (*self.program, "pull", "--json", "--home", str(self.home), *choice, "--", model)
        pipe = asyncio.subprocess.PIPE
        try:
            self._child = await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment()
            )
        except OSError as error:
            self.state = replace(self.state, step="failed", error=f"tsubasa pull did not start: {error}")
            return self.state
        self._running = asyncio.create_task(self._listen(self._child), name="pull")
        return self.state

    async def stop(self) -> None:
        """End the one under way, if any; what came so far is kept, and the next one goes on from there."""
        child, running = self._child, self._running
        if child is None or running is None or running.done():
            return
        if self.state is not None:
            self.state = replace(self.state, step="stopped", left_s=None)
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGINT)
        done, _ = await asyncio.wait({running}, timeout=ENDING_S)
        if not done:
            with suppress(ProcessLookupError):
                child.kill()
            await running

    async def _listen(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout and child.stderr
        wrong = asyncio.create_task(child.stderr.read())
        async for line in child.stdout:
            with suppress(ValueError):
                self._hear(json.loads(line))
        words = (await wrong)[-LONGEST_WORDS:].decode(errors="replace").strip().splitlines()
        code = await child.wait()
        assert self.state is not None
        if not self.state.is_over:
            why = words[-1].removeprefix("tsubasa: ") if words else f"it ended with code {code}"
            self.state = replace(self.state, step="failed", error=why, left_s=None)

    def _hear(self, said: dict[str, Any]) -> None:
        if self.state is None or self.state.is_over:
            return
        match said.get("step"):
            case "fetching":
                done, total = int(said["done"]), int(said["total"])
                self.state = replace(
                    self.state,
                    step="fetching",
                    file=str(said["file"]),
                    done=done,
                    total=total,
                    note=str(said["note"]),
                    left_s=self._left_s(done, total),
                )
            case "checking":
                self.state = replace(self.state, step="checking", left_s=None, note="")
            case "done":
                file, chosen = str(said["file"]), bool(said["chosen"])
                self.state = replace(self.state, step="done", file=file, chosen=chosen, left_s=None)

    def _left_s(self, done: int, total: int) -> float | None:
        """At the pace since the first bytes of this run."""
        now = self.clock()
        began_at, before = self._begun = self._begun or (now, done)
        if not total or done <= before or now - began_at < SHORTEST_S:
            return None
        return (total - done) * (now - began_at) / (done - before)
