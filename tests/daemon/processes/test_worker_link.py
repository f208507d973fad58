"""How children end: in idleness, on request, when they don't get ready, and with their daemon."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from daemon.processes.errors import ChildStopped, ChildTooSlow
from daemon.processes.supervisor import Supervisor
from tests.daemon.echo import is_alive, next_of, until, with_child

ROOT = Path(__file__).parents[3]


def test_a_child_that_does_not_get_ready_in_time_is_ended():
    async def test(child: Supervisor) -> None:
        with pytest.raises(ChildTooSlow, match=r"within 0\.5 s"):
            await child.call("echo")
        assert child.pid is None

    with_child(test, begin="hang", start_timeout_s=0.5)


def test_an_idle_child_retires_and_comes_back_without_counting_as_a_crash():
    async def test(child: Supervisor) -> None:
        await child.call("echo")
        first = child.pid or 0
        await until(lambda: child.pid is None and not is_alive(first))
        assert "stopped" == child.state
        await child.call("echo")
        assert first != child.pid
        assert 0 == child.restarts

    with_child(test, idle_s=0.1)


def test_a_child_with_work_to_do_does_not_retire():
    async def test(child: Supervisor) -> None:
        await child.call("echo")
        before = child.pid
        await next_of(child, "stream", pieces=40)
        assert before == child.pid

    with_child(test, idle_s=0.1)


def test_stopping_tells_those_who_wait_and_those_who_come_later():
    async def test(child: Supervisor) -> None:
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

    with_child(test)


def test_stopping_in_the_middle_of_a_start_tells_those_who_wait():
    async def test(child: Supervisor) -> None:
        waiting = asyncio.create_task(child.call("echo"))
        await asyncio.sleep(0.2)
        await child.stop()
        with pytest.raises(ChildStopped):
            await waiting

    with_child(test, slowly_s=30)


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
