"""
Monitor the machine during a night, and close or end the night's gate for what it sees.

    machine ──> strain: the gate is closed; for long, or memory is short: the night is ended

A machine that can't be read neither hinders a night nor ends the monitor. However the monitor ends, the gate is not
left closed for the machine's sake.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from daemon.config.night_window import When
from daemon.hardware.sensors import Machine
from daemon.night.schedule import HOT, is_short, strain
from daemon.processes.foreground_gate import ForegroundGate

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
LONGEST_PAUSE_S = 600.0  # but for chats; then the night is ended, so that other background work has its turn
SHORT = "memory is short"
UNREAD = (OSError, RuntimeError, ValueError)  # what sensors, and other programs that are asked, come up with


class ResourceMonitor:
    """Over one night at a time."""

    def __init__(
        self,
        gate: ForegroundGate,
        when: When,
        read_machine: Callable[[], Awaitable[Machine]],
        *,
        every_s: float = LOOK_EVERY_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        """Nothing is looked at yet."""
        self._gate, self._when, self._read_machine = gate, when, read_machine
        self._every_s, self._longest_pause_s = every_s, longest_pause_s
        self._closed_at: float | None = None
        self._cooling = False
        self.asked = True  # somebody asked for the night that runs
        self.warning: str | None = None  # what makes the night that was asked for, and runs, unwise

    @asynccontextmanager
    async def over(self) -> AsyncGenerator[None]:
        """A night is under way inside."""
        self._closed_at, self._cooling = None, False
        task = asyncio.create_task(self._keep_looking(), name="night monitor")
        try:
            yield
        finally:
            task.cancel()
            (ended,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(ended, Exception):
                log.error("The machine was not monitored during the night: %r", ended)
            self.warning = None

    async def _keep_looking(self) -> None:
        is_blind = False
        try:
            while True:
                try:
                    machine = await self._read_machine()
                except UNREAD as error:
                    machine = Machine()
                    if not is_blind:  # said once: it may go on all night
                        log.warning("The machine can't be read; the night goes on without: %r", error)
                    is_blind = True
                else:
                    is_blind = False
                await self._look(machine)
                await asyncio.sleep(self._every_s)
        finally:
            self._gate.hold(None)

    async def _look(self, machine: Machine) -> None:
        """Close the gate while the machine should not work; end the night when that lasts, or memory is short."""
        why = strain(self._when, machine, by_itself=not self.asked, cooling=self._cooling)
        self._cooling = why == HOT
        self.warning = "on battery" if self.asked and machine.on_battery else None
        self._gate.hold(why)
        self._gate.wake_stopped()
        self._closed_at = None if why is None else self._closed_at or time.monotonic()
        if is_short(self._when, machine) and self._gate.has_trainer:  # an exam has none to give back
            await self._gate.end(SHORT)
        elif self._closed_at is not None and time.monotonic() - self._closed_at > self._longest_pause_s:
            await self._gate.end(f"paused for long: {why}")
