"""A sleep of the computer is noticed by its clocks, and what it may have broken begins again."""

import asyncio
import time
from dataclasses import replace

import pytest

from daemon.app import woke
from daemon.engine.client import Engine
from daemon.jobs import Kind, Runner
from daemon.lifecycle.suspend import SleepWatch, system_clock
from daemon.processes.errors import ChildCrashed
from tests.daemon.api.world import serving
from tests.daemon.echo import echo_child


@pytest.mark.parametrize(
    ("readings", "noticed"),
    [
        ([5.0, 5.0, 3605.0, 3605.0, 3665.0, 3665.0], [3600.0, 60.0]),
        ([5.0, 5.0001, 5.3, 5.0], []),  # clocks that are read one after the other
        ([0.0, 0.4, 0.8, 1.2, 1.2], [1.2]),  # many small differences
    ],
    ids=str,
)
async def test_each_sleep_is_noticed_once_and_also_after_one_whose_work_failed(readings, noticed, caplog):
    found, left, done = [], iter(readings), asyncio.Event()

    async def on_wake(seconds):
        found.append(seconds)
        raise ChildCrashed("engine", exit_code=-9)

    def slept():
        try:
            return next(left)
        except StopIteration:
            done.set()
            return readings[-1]

    watch = SleepWatch(on_wake, slept=slept, look_every_s=0.001)
    watch.start()
    await done.wait()
    await watch.stop()
    not_told = SleepWatch(on_wake, slept=None)  # a system that does not tell of sleeps
    not_told.start()
    await not_told.stop()

    assert noticed == found
    assert len(noticed) == caplog.text.count("After the sleep: ")


def test_this_computer_does_not_sleep_while_it_works():
    slept = system_clock()
    before = slept()
    time.sleep(0.05)

    assert abs(slept() - before) < 0.01


async def test_a_child_that_is_renewed_has_a_new_process_at_the_next_call():
    async with echo_child() as child:
        await child.renew()
        assert ("stopped", None) == (child.state, child.pid)  # renewing starts none

        await child.call("echo", text="a")
        before = child.pid
        await child.renew()
        between = child.pid
        await child.call("echo", text="b")

        assert (None, 0) == (between, child.restarts)
        assert child.pid not in (None, before)


async def test_a_call_under_way_has_a_moment_to_end_before_the_child_is_renewed():
    async with echo_child() as child:
        pieces, renewing = 0, None
        async for _ in child.stream("stream", pieces=3):
            pieces += 1
            renewing = renewing or asyncio.create_task(child.renew(grace_s=5))
        await renewing

        assert (3, None) == (pieces, child.pid)


@pytest.mark.parametrize("on_gpu", [True, False])
async def test_an_engine_begins_again_after_a_sleep_only_where_it_has_a_gpu(on_gpu):
    async with echo_child(on_gpu=on_gpu) as child:
        engine = Engine(child)
        asleep = await engine.woke()
        await child.start()
        before = child.pid
        renewed = await engine.woke()
        await child.start()

        assert (False, on_gpu, on_gpu) == (asleep, renewed, child.pid != before)


async def test_after_a_sleep_work_that_became_due_is_looked_for_at_once(tmp_path):
    looked = asyncio.Event()

    async def due():
        looked.set()

    async with serving(tmp_path) as world:
        runner = Runner(world.store_thread, {"tend": Kind(work=None, due=due)}, every_s=3600.0)
        await runner.start()
        await looked.wait()
        looked.clear()
        await woke(replace(world.services, runner=runner), 3600.0)
        async with asyncio.timeout(5):
            await looked.wait()
        await runner.stop()
