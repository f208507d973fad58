"""
What goes on beside the serving: the heartbeat for a service manager, and the look for a sleep of the computer.

Knows nothing of how the parts are started.
"""

import logging
from contextlib import AsyncExitStack
from functools import partial

from daemon.lifecycle.suspend import Sleep, system_clock
from daemon.lifecycle.systemd_notify import Heartbeat
from daemon.services import Services
from store import alive

log = logging.getLogger(__name__)


def watch(services: Services, heartbeat: Heartbeat, stack: AsyncExitStack) -> None:
    """Begin; `stack` ends it before anything that it looks at is stopped."""
    sleep = Sleep(partial(woke, services), slept=system_clock())
    stack.push_async_callback(sleep.stop)
    sleep.start()
    stack.push_async_callback(heartbeat.stop)
    heartbeat.start(partial(services.keeper.run, alive.answers))


async def woke(services: Services, slept_s: float) -> None:
    """After a sleep: no answer from a GPU that may have lost its memory, and what became due is done."""
    if await services.engine.woke():
        log.info("The engine begins anew: a GPU may have lost its memory in the sleep")
    services.runner.wake()
