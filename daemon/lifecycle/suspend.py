"""
Notice that the computer slept: one clock stood still meanwhile, another went on.

A GPU's memory and driver state may be lost in a sleep: then answers fail or, worse, come from the processor without a
word. Work that waits for a moment is late. A clock that is only set (by hand, by the network) is no sleep.
A module of its own, so that a test drives it by a clock.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from daemon.errors import KNOWN

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
SHORTEST_S = 1.0  # less is the two clocks being read one after the other
Clock = Callable[[], float]


class SleepWatch:
    """Watches from `start` to `stop`."""

    def __init__(
        self,
        on_wake: Callable[[float], Awaitable[None]],
        *,
        slept: Clock | None,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        """
        Args:
            on_wake: called with the seconds that were slept.
            slept: seconds slept since the start of the computer; None: this system doesn't say.
        """
        self._on_wake, self._slept, self._every_s = on_wake, slept, look_every_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch."""
        if self._slept is None:
            log.debug("This system has no clock that shows a sleep")
            return
        self._task = asyncio.create_task(self._watch(self._slept, self._slept()), name="sleep")

    async def stop(self) -> None:
        """Watch no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _watch(self, slept: Clock, before: float) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            now = slept()
            if now - before < SHORTEST_S:
                continue
            log.info("The computer slept for %.0f s", now - before)
            try:
                await self._on_wake(now - before)
            except KNOWN as error:
                log.warning("After the sleep: %s", error)
            before = now


def system_clock() -> Clock | None:
    """Seconds this computer has slept: a clock that goes on in a sleep less one that does not; None: unknown."""
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux
        goes_on, stands_still = time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC
    elif hasattr(time, "CLOCK_UPTIME_RAW"):  # macOS
        goes_on, stands_still = time.CLOCK_MONOTONIC, time.CLOCK_UPTIME_RAW
    else:
        return None
    return lambda: time.clock_gettime(goes_on) - time.clock_gettime(stands_still)
