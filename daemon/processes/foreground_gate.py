"""
The gate before the trainer: stopped while a person is being answered, or while the machine should not work.

    answering, hold ──> closed: SIGSTOP to the trainer's process group     `end`: SIGKILL, for good
    neither, for `rest_s` ──> open: SIGCONT
    the first answer, the last one over ──> `on_change`: the trainers of other people's profiles stop too

The signal is out before `enter` returns, so before the engine hears of the question; a trainer that
starts behind a closed gate is stopped at once; while the gate is open no trainer stays stopped, even if another
program stopped it. Used in the event loop only.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from daemon.processes.errors import NightEnded

REST_S = 10.0  # a person reads the answer and writes the next question
PASS_EVERY_S = 0.1
CHAT = "a chat is being answered"


@dataclass(slots=True)
class GatedProcess:
    """What happened to one trainer at the gate."""

    pid: int  # also the number of its process group
    pauses: int = 0
    paused_s: float = 0.0
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class ForegroundGate:
    """Open, closed with a reason, or ended with one; over one trainer at a time, or none."""

    def __init__(self, *, rest_s: float = REST_S) -> None:
        """`rest_s`: seconds that it stays closed after the last answer."""
        self._rest_s = rest_s
        self._answering = 0
        self._resting: asyncio.TimerHandle | None = None
        self._other_reason: str | None = None
        self._trainer: GatedProcess | None = None
        self._stopped_at: float | None = None  # monotonic, while the trainer is stopped
        self._last_answer = time.monotonic()
        self.ended: str | None = None  # why the present night must not go on; None: it may
        self.on_change: Callable[[bool], None] = lambda is_answering: None

    @property
    def reason(self) -> str | None:
        """Why it is closed; None while it is open."""
        return CHAT if self._answering or self._resting is not None else self._other_reason

    @property
    def answering(self) -> int:
        """How many people's questions are being answered."""
        return self._answering

    @property
    def has_trainer(self) -> bool:
        """Whether a trainer runs, or is stopped, behind it."""
        return self._trainer is not None

    @property
    def silent_s(self) -> float:
        """Seconds since the last answer ended, or since we began; 0 while one is under way."""
        return 0.0 if self._answering else time.monotonic() - self._last_answer

    def enter(self) -> None:
        """A person's question has come: the trainer stops now."""
        self._answering += 1
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        self._apply()
        if self._answering == 1:
            self.on_change(True)

    def leave(self) -> None:
        """Its answer has ended; after the last one the trainer goes on in `rest_s`."""
        self._answering -= 1
        if self._answering == 0:
            self._last_answer = time.monotonic()
            self._resting = asyncio.get_running_loop().call_later(self._rest_s, self._rested)
            self.on_change(False)

    def hold(self, reason: str | None) -> None:
        """Close it for another reason, or (None) take that reason away."""
        self._other_reason = reason
        self._apply()

    def begin(self) -> None:
        """A new night: nothing that ended the last one counts."""
        self.ended = None

    async def end(self, why: str) -> None:
        """End the trainer of this night, or keep one from starting; it is gone when this returns."""
        self.ended = why
        if (trainer := self._trainer) is not None:
            _signal(trainer.pid, signal.SIGKILL)  # reaches stopped processes too
            await trainer.gone.wait()

    async def wait_until_open(self) -> None:
        """Wait until it is open, for work in steps that no signal can stop; raises `NightEnded`."""
        while self.ended is None and self.reason is not None:
            await asyncio.sleep(PASS_EVERY_S)
        if self.ended is not None:
            raise NightEnded(self.ended)

    def wake_stopped(self) -> None:
        """Wake a trainer that somebody else has stopped, though the gate is open."""
        if self._trainer is None or self.reason is not None:
            return
        with suppress(psutil.Error):
            if psutil.Process(self._trainer.pid).status() == psutil.STATUS_STOPPED:
                _signal(self._trainer.pid, signal.SIGCONT)

    @contextmanager
    def guard(self, pid: int) -> Iterator[GatedProcess]:
        """Set the gate before the process group `pid`; inside, it is stopped and woken."""
        self._trainer = trainer = GatedProcess(pid)
        if self.ended is not None:
            _signal(pid, signal.SIGKILL)
        self._apply()
        try:
            yield trainer
        finally:
            self._count()
            self._trainer = None
            trainer.gone.set()

    def _apply(self) -> None:
        if self._trainer is None:
            return
        if self.reason is not None and self._stopped_at is None:
            _signal(self._trainer.pid, signal.SIGSTOP)
            self._stopped_at = time.monotonic()
            self._trainer.pauses += 1
        elif self.reason is None and self._stopped_at is not None:
            self._count()
            _signal(self._trainer.pid, signal.SIGCONT)

    def _count(self) -> None:
        if self._trainer is not None and self._stopped_at is not None:
            self._trainer.paused_s += time.monotonic() - self._stopped_at
        self._stopped_at = None

    def _rested(self) -> None:
        self._resting = None
        self._apply()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended by itself; macOS says the latter
        os.killpg(group, number)
