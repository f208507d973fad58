"""
The other end of `daemons.py`: what the daemon of a profile hears from the main one, and when it ends by itself.

    standard input: "1" ──> as if a question were answered here: a night rests      its end ──> leave
    nobody asked for a while, nobody is connected, and no work is left ──> leave; the next request starts it again
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from daemon.errors import KNOWN
from daemon.processes.foreground_gate import ForegroundGate

STDIN = 0
ANSWERING, SILENT = b"1", b"0"
LOOK_EVERY_S = 5.0
log = logging.getLogger(__name__)


class Visited(Protocol):
    """Of a server: who came."""

    @property
    def asked(self) -> int: ...  # requests so far

    @property
    def connections(self) -> int: ...  # that are open


class Parent:
    """The main daemon, as far as it says something."""

    def __init__(self, leave: Callable[[], None]) -> None:
        """`leave` is called when it is gone."""
        self._leave = leave
        self._is_answering = False
        self._gate: ForegroundGate | None = None
        asyncio.get_running_loop().add_reader(STDIN, self._heard)

    def mind(self, gate: ForegroundGate) -> None:
        """From now on `gate` is closed while the main daemon, or another profile's, answers somebody."""
        self._gate = gate
        if self._is_answering:
            gate.enter()

    def close(self) -> None:
        """Listen no more."""
        asyncio.get_running_loop().remove_reader(STDIN)

    def _heard(self) -> None:
        said = os.read(STDIN, 1024)
        if not said:
            self.close()
            log.info("The main daemon ends, and so does this one")
            return self._leave()
        is_answering = said[-1:] == ANSWERING
        if self._gate is not None and is_answering != self._is_answering:
            (self._gate.enter if is_answering else self._gate.leave)()
        self._is_answering = is_answering


class Retirement:
    """Ends a daemon that nobody needs now."""

    def __init__(
        self,
        visited: Visited,
        has_work: Callable[[], Awaitable[bool]],
        leave: Callable[[], None],
        *,
        after_s: float,
    ) -> None:
        """
        Args:
            has_work: whether something is left to do by itself.
            after_s: seconds without a request.
        """
        self._visited, self._has_work, self._leave = visited, has_work, leave
        self._after_s = after_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look(), name="retirement")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        asked, since = -1, time.monotonic()
        while True:
            if asked != self._visited.asked or self._visited.connections:
                asked, since = self._visited.asked, time.monotonic()
            try:
                if time.monotonic() - since >= self._after_s and not await self._has_work():
                    log.info(
                        "Nobody has asked for a while and no work is left: this daemon ends until it is asked"
                    )
                    return self._leave()
            except KNOWN as error:
                log.warning("Whether work is left is not known: %s", error)
            await asyncio.sleep(min(LOOK_EVERY_S, self._after_s))
