"""How children end: in idleness, on request, when they don't get ready, and with their daemon."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from daemon.processes.errors import ChildStopped, ChildTooSlow
from tests.daemon.echo import echo_child, is_alive, next_of, until

ROOT = Path(__file__).parents[3]


async def test_a_child_that_does_not_get_ready_in_time_is_ended():
    async with echo_child(begin="hang", start_timeout_s=0.5) as child:
        with pytest.raises(ChildTooSlow, match=r"within 0\.5 s"):
            await child.call("echo")
        assert child.pid is None


async def test_an_idle_child_retires_and_comes_back_without_counting_as_a_crash():
    async with echo_child(idle_s=0.1) as child:
        await child.call("echo")
        first = child.pid or 0
        await until(lambda: child.pid is None and not is_alive(first))
        assert "stopped" == child.state
        await child.call("echo")
        assert first != child.pid
        assert 0 == child.restarts


async def test_a_child_with_work_to_do_does_not_retire():
    async with echo_child(idle_s=0.1) as child:
        await child.call("echo")
        before = child.pid
        await next_of(child, "stream", pieces=40)
        assert before == child.pid


async def test_stopping_tells_those_who_wait_and_those_who_come_later():
    async with echo_child() as child:
        await child.start()
        pid = child.pid or 0
        waiting = asyncio.create_task(child.call("sleep"))
        await asyncio.sleep(0.05)
        await child.stop()
        with pytest.raises(ChildStopped):
            await waiting
        with pytest.raises(ChildStopped):
            await child.call("echo")
        assert not is_alive(pid)


async def test_stopping_in_the_middle_of_a_start_tells_those_who_wait():
    async with echo_child(slowly_s=30) as child:
        waiting = asyncio.create_task(child.call("echo"))
        await asyncio.sleep(0.2)
        await child.stop()
        with pytest.raises(ChildStopped):
            await waiting


@pytest.mark.parametrize("doing", ["echo", "sleep"])
def test_a_child_does_not_outlive_a_daemon_that_is_killed(doing):
    """Whether it waits for work or is deep in it."""
    program = f"""
import asyncio
from daemon.processes.process import module
from daemon.processes.supervisor import Supervisor
async def main():
    child = Supervisor("echo", module("tests.daemon.echo_child"), hello={{}}, idle_s=60.0)
    await child.call("echo")
    print(child.pid, flush=True)
    await child.call({doing!r})
    await asyncio.sleep(60)
asyncio.run(main())
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        time.sleep(0.1)
        parent.kill()
        until_s = time.monotonic() + 2
        while is_alive(pid) and time.monotonic() < until_s:
            time.sleep(0.02)

    assert not is_alive(pid)
