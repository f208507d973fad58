"""
Tell the service manager that we are ready, alive, stopping: systemd's notification protocol, sd_notify(3).

    NOTIFY_SOCKET, WATCHDOG_USEC  ──>  READY=1  …  WATCHDOG=1 while the event loop and the store answer  …  STOPPING=1

Without a service manager nothing happens. One that can't be reached is logged once and stops nobody.
"""

import asyncio
import faulthandler
import logging
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping

from daemon.errors import KNOWN, Stopping

log = logging.getLogger(__name__)

BEATS = 3  # in the time after which the manager loses patience


class Heartbeat:
    """Tells the manager that started us, if one did."""

    def __init__(self, address: str | None, patience_s: float | None = None) -> None:
        """`address`: the manager's socket; `patience_s`: silence after which it starts us again, None: never."""
        self._address = address
        self._patience_s = patience_s
        self._task: asyncio.Task[None] | None = None
        self._arrived = True  # the last message

    @classmethod
    def asked_for(cls, environment: MutableMapping[str, str], pid: int) -> "Heartbeat":
        """What the environment asks process `pid` for; takes it out, so that no child speaks for us."""
        address = environment.pop("NOTIFY_SOCKET", None) or None
        watched = environment.pop("WATCHDOG_PID", "") in ("", str(pid))
        patience = environment.pop("WATCHDOG_USEC", "")
        wanted = watched and patience.isdecimal() and int(patience) > 0
        return cls(address, int(patience) / 1e6 if wanted else None)

    @classmethod
    def of_this_process(cls) -> "Heartbeat":
        """What the manager that started this process asked for, if one did."""
        return cls.asked_for(os.environ, os.getpid())

    def ready(self, url: str) -> None:
        """Requests are answered from now on."""
        self._tell("READY=1", f"STATUS=Serving {url}")

    def stopping(self) -> None:
        """The end has begun, and it is meant."""
        self._tell("STOPPING=1", "STATUS=Stopping")

    def start(self, answers: Callable[[], Awaitable[object]]) -> None:
        """Tell that we live for as long as `answers` returns; a crash by the manager's patience leaves a trace."""
        if self._address is None or self._patience_s is None:
            return
        faulthandler.enable()  # the manager ends a silent process with SIGABRT: where each thread was goes to the log
        self._task = asyncio.create_task(self._beat(answers, self._patience_s / BEATS), name="heartbeat")

    async def stop(self) -> None:
        """Say no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _beat(self, answers: Callable[[], Awaitable[object]], every_s: float) -> None:
        while True:
            try:
                await answers()
            except Stopping:
                return
            except KNOWN as error:
                log.error("The store does not answer, so the service manager will start us again: %s", error)
            else:
                self._tell("WATCHDOG=1")
            await asyncio.sleep(every_s)

    def _tell(self, *lines: str) -> None:
        if self._address is None:
            return
        place = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as opened:
                opened.setblocking(False)
                opened.sendto("\n".join(lines).encode(), place)
        except OSError as error:
            if self._arrived:
                log.warning("The service manager can't be told anything: %s", error.strerror or error)
            self._arrived = False
        else:
            self._arrived = True
