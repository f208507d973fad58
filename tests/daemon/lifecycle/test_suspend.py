"""A sleep of the computer is noticed by its clocks."""

import asyncio
import time
from dataclasses import replace

import pytest

from daemon.app import woke
from daemon.engine.client import Engine
from daemon.jobs import Kind, Runner
from daemon.lifecycle.suspend import Sleep, system_clock
from daemon.processes.errors import ChildCrashed
from tests.daemon.api.world import serving
from tests.daemon.echo import echo_child


def watched(readings, on_wake=None):
    """The sleeps that are noticed while the clock shows one of `readings` after the other."""
    found = []

    async def noted(seconds):
        found.append(seconds)
        if on_wake is not None:
            on_wake()

    async def run():
        left = iter(readings)
        done = asyncio.Event()

        def slept():
            try:
                return next(left)
            except StopIteration:
                done.set()
                return readings[-1]

        sleep = Sleep(noted, slept=slept, look_every_s=0.001)
        sleep.start()
        await done.wait()
        await sleep.stop()

    asyncio.run(run())
    return found


def test_each_sleep_is_noticed_once_with_its_length():
    assert [3600.0, 60.0] == watched([5.0, 5.0, 3605.0, 3605.0, 3665.0, 3665.0])


def test_clocks_that_are_read_one_after_the_other_are_no_sleep():
    assert [] == watched([5.0, 5.0001, 5.3, 5.0])


def test_many_small_differences_do_add_up_to_no_missed_sleep():
    assert [1.2] == watched([0.0, 0.4, 0.8, 1.2, 1.2])


def test_what_fails_after_a_sleep_is_said_and_the_next_one_is_noticed(caplog):
    def fail():
        raise ChildCrashed("engine", exit_code=-9)

    assert [10.0, 20.0] == watched([0.0, 10.0, 30.0], on_wake=fail)
    assert "After the sleep: " in caplog.text


async def test_a_system_that_does_not_tell_of_sleeps_is_left_alone():
    sleep = Sleep(None, slept=None)
    sleep.start()
    await sleep.stop()


def test_this_computer_does_not_sleep_while_it_works():
    slept = system_clock()
    before = slept()
    time.sleep(0.05)

    assert abs(slept() - before) < 0.01


async def test_a_child_that_is_renewed_has_a_new_process_at_the_next_call():
    async with echo_child() as child:
        await child.call("echo", text="a")
        before = child.pid
        await child.renew()
        between = child.pid
        await child.call("echo", text="b")

        assert (None, 0) == (between, child.restarts)
        assert child.pid not in (None, before)


async def test_a_call_under_way_has_a_moment_to_end_before_the_child_is_renewed():
    async with echo_child() as child:
        pieces = [piece async for piece in _renewed_meanwhile(child)]
        await asyncio.sleep(0.2)

        assert 3 == len(pieces)
        assert child.pid is None


async def _renewed_meanwhile(child):
    renewing = None
    async for piece in child.stream("stream", pieces=3):
        renewing = renewing or asyncio.create_task(child.renew(grace_s=5))
        yield piece
    await renewing


@pytest.mark.parametrize("on_gpu", [True, False])
async def test_an_engine_begins_anew_after_a_sleep_only_where_it_has_a_gpu(on_gpu):
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


async def test_renewing_a_child_that_does_not_run_starts_none():
    async with echo_child() as child:
        await child.renew()

        assert ("stopped", None) == (child.state, child.pid)
