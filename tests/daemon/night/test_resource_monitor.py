"""The watch over a night, with a machine that the test sets."""

import asyncio
import sys

import psutil
import pytest

from daemon.config.night_window import read_when
from daemon.hardware.sensors import Machine
from daemon.night.resource_monitor import ResourceMonitor
from daemon.processes.foreground_gate import ForegroundGate

CALM, ON_BATTERY = Machine(), Machine(on_battery=True)


async def watched(seen):
    """The state of a stopped trainer's process once the last of `seen` was looked at, and the gate's reason then."""
    left, looked = list(seen), asyncio.Event()

    async def read():
        if len(left) == 1:
            looked.set()
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return found

    gate = ForegroundGate(rest_s=0.01)
    watch = ResourceMonitor(gate, read_when("03:00-08:00, power"), read, every_s=0.01, longest_pause_s=60.0)
    watch.asked = False
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(60)", process_group=0
    )
    try:
        with gate.guard(child.pid) as held:
            async with watch.over():
                await looked.wait()
                await asyncio.sleep(0.1)
                return held.pauses, gate.reason, psutil.Process(child.pid).status() == psutil.STATUS_STOPPED
    finally:
        child.kill()
        await child.wait()


@pytest.mark.parametrize("error", [ValueError("no number"), OSError(5, "input/output error")])
async def test_a_machine_that_can_not_be_read_any_more_leaves_no_trainer_stopped(error, caplog):
    assert (1, None, False) == await watched([CALM, ON_BATTERY, error])
    assert 1 == caplog.text.count("can't be read")


async def test_a_machine_that_can_be_read_again_is_heeded():
    assert (2, "on battery", True) == await watched([ON_BATTERY, OSError(), ON_BATTERY])


async def test_a_watch_that_breaks_leaves_no_trainer_stopped():
    assert (1, None, False) == await watched([ON_BATTERY, KeyError("a bug of ours")])
