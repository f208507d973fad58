"""The supervisor, with real processes that start, crash, hang, babble and are left alone."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing, asynccontextmanager, nullcontext

import pytest

from daemon.processes.errors import ChildCrashed, ChildRefused, ChildStopped, ChildTooSlow
from daemon.processes.supervisor import Backoff
from tests.daemon.echo import echo_child, is_alive, next_of, until
from tests.whole.house import ROOT


async def test_a_child_starts_with_its_first_call_and_answers_with_text_and_bytes():
    async with echo_child() as child:
        assert child.pid is None
        blob = os.urandom(300_000)
        reply = await child.call("echo", text="grüezi 👋 \ud800", blob=blob)

        assert "grüezi 👋 \ud800" == reply.header["text"]
        assert blob == reply.blob
        assert "ready" == child.state
        assert child.pid is not None and is_alive(child.pid)


async def test_calls_that_come_together_share_one_start(tmp_path):
    counter = tmp_path / "starts"
    async with echo_child(count_in=str(counter), slowly_s=0.2) as child:
        replies = await asyncio.gather(*(child.call("echo", text=str(n)) for n in range(5)))
        assert [str(n) for n in range(5)] == [reply.header["text"] for reply in replies]
    assert "started\n" == counter.read_text()


async def test_a_crash_in_the_middle_of_a_stream_is_told_and_the_next_call_works():
    async with echo_child() as child:
        seen = []
        with pytest.raises(ChildCrashed, match="killed by signal 9 in the middle"):
            async for piece in child.stream("stream", pieces=10_000):
                seen.append(piece["at"])
                if len(seen) == 3:
                    os.kill(child.pid or 0, signal.SIGKILL)
        assert [0, 1, 2] == seen[:3]
        assert "again" == (await child.call("echo", text="again")).header["text"]
        assert 1 == child.restarts


async def test_every_waiting_caller_hears_of_a_crash_with_the_childs_last_words():
    async with echo_child() as child:
        calls = [asyncio.create_task(next_of(child, "stream", pieces=10_000)) for _ in range(3)]
        await until(lambda: child.state == "ready")
        with pytest.raises(ChildCrashed, match="exit code 7 .*WARNING leaving"):
            await child.call("exit")
        for result in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(result, ChildCrashed)


async def test_a_child_that_sends_garbage_is_ended_and_nobody_hangs():
    async with echo_child() as child:
        async with asyncio.timeout(60):
            with pytest.raises(ChildCrashed):
                await child.call("garbage")


async def test_a_command_that_the_child_does_not_know_is_a_typed_error_and_the_child_lives_on():
    async with echo_child() as child:
        with pytest.raises(ChildRefused) as caught:
            await child.call("dance")
        assert "ChildError" == caught.value.code
        before = child.pid
        await child.call("echo")
        assert before == child.pid


async def test_a_child_that_refuses_its_task_is_not_asked_again_before_the_backoff_is_over(tmp_path):
    counter = tmp_path / "starts"
    async with echo_child(begin="refuse", count_in=str(counter), backoff=Backoff(first_s=0.3)) as child:
        for _ in range(3):
            with pytest.raises(ChildRefused, match="no such thing") as caught:
                await child.call("echo")
        assert ("NoSuchThing", {"thing": "thing"}) == (caught.value.code, caught.value.fields)
        assert "failed" == child.state
        assert isinstance(child.last_error, ChildRefused)
        assert "started\n" == counter.read_text()
        await asyncio.sleep(0.35)
        with pytest.raises(ChildRefused):
            await child.call("echo")
        assert "started\n" * 2 == counter.read_text()


async def test_a_child_that_crashes_at_its_start_is_not_started_over_and_over(tmp_path):
    counter = tmp_path / "starts"
    async with echo_child(begin="crash", count_in=str(counter), backoff=Backoff(first_s=0.1)) as child:
        until_s = time.monotonic() + 0.5
        while time.monotonic() < until_s:
            with pytest.raises(ChildCrashed, match="exit code 3 while starting.*I can't go on"):
                await child.call("echo")
            await asyncio.sleep(0.005)
        assert len(counter.read_text().splitlines()) <= 4


def test_the_backoff_doubles_from_a_tenth_of_a_second_to_ten_seconds():
    backoff = Backoff()

    assert [0.0, 0.1, 0.2, 0.4] == [backoff.delay_s(crashes) for crashes in range(4)]
    assert 10.0 == backoff.delay_s(8) == backoff.delay_s(1000)


@pytest.mark.parametrize(("healthy_s", "in_a_row"), [(3600.0, 2), (0.0, 1)])
async def test_a_healthy_while_makes_the_next_crash_the_first_one_again(healthy_s, in_a_row):
    async with echo_child(backoff=Backoff(first_s=0.05, healthy_s=healthy_s)) as child:
        for _ in range(2):
            with pytest.raises(ChildCrashed):
                await child.call("exit")

        assert in_a_row == child.crashes


async def test_a_caller_who_gives_up_during_the_start_does_not_spoil_it_for_the_next():
    async with echo_child(slowly_s=0.3) as child:
        impatient = asyncio.create_task(child.call("echo"))
        await asyncio.sleep(0.1)
        impatient.cancel()
        await asyncio.wait([impatient])
        assert "patient" == (await child.call("echo", text="patient")).header["text"]


async def test_what_a_child_says_goes_to_the_log_at_its_level(caplog):
    with caplog.at_level(logging.DEBUG):
        async with echo_child() as child:
            await child.call("say", level="WARNING", text="the disk is slow")

    said = [(record.name, record.levelno, record.message) for record in caplog.records]
    assert ("daemon.child.echo", logging.WARNING, "WARNING the disk is slow") in said


async def test_a_child_that_does_not_get_ready_in_time_is_ended():
    async with echo_child(begin="hang", start_timeout_s=0.5) as child:
        with pytest.raises(ChildTooSlow, match=r"within 0\.5 s"):
            await child.call("echo")
        assert child.pid is None


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


async def test_leaving_a_stream_or_cancelling_its_reader_cancels_it_in_the_child():
    async with echo_child() as child:
        async with aclosing(child.stream("stream", pieces=10_000)) as pieces:
            async for _ in pieces:
                break
        reading = asyncio.create_task(next_of(child, "stream", pieces=10_000))
        await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.wait([reading])
        found = await child.call("cancelled")

    assert 2 == len(found.header["cancelled"])


async def test_an_idle_child_retires_when_its_work_is_done_and_comes_back_without_counting_as_a_crash():
    async with echo_child(idle_s=0.1) as child:
        await child.call("echo")
        first = child.pid or 0
        await next_of(child, "stream", pieces=40)  # which takes longer
        assert first == child.pid
        await until(lambda: child.pid is None and not is_alive(first))
        assert "stopped" == child.state
        await child.call("echo")
        assert first != child.pid
        assert 0 == child.restarts


@pytest.mark.parametrize("slowly_s", [0, 30], ids=["at work", "in the middle of a start"])
async def test_stopping_tells_those_who_wait_and_those_who_come_later(slowly_s):
    async with echo_child(slowly_s=slowly_s) as child:
        waiting = asyncio.create_task(child.call("sleep"))
        await until(lambda: bool(slowly_s) or child.state == "ready")
        await asyncio.sleep(0.2)
        pid = child.pid
        await child.stop()
        for call in (waiting, child.call("echo")):
            with pytest.raises(ChildStopped):
                await call
        assert (pid is None) == bool(slowly_s)  # it had not begun to answer
        assert pid is None or not is_alive(pid)


async def test_a_start_that_is_refused_is_told_and_is_no_failure_of_the_child():
    @asynccontextmanager
    async def never():
        raise ChildTooSlow("echo", 0)
        yield

    async with echo_child() as child:
        child.around_start = never
        with pytest.raises(ChildTooSlow):
            await child.call("echo")
        assert ("stopped", 0, None) == (child.state, child.crashes, child.last_error)
        child.around_start = nullcontext
        assert "hi" == (await child.call("echo", text="hi")).header["text"]


async def test_only_a_child_at_rest_is_retired():
    async with echo_child() as child:
        assert not await child.retire()
        stream = asyncio.create_task(next_of(child, "stream", pieces=10_000))
        await until(lambda: child.state == "ready")
        assert not await child.retire()
        stream.cancel()
        await asyncio.wait([stream])
        before = child.pid
        assert await child.retire()
        assert not is_alive(before)
        assert "again" == (await child.call("echo", text="again")).header["text"]
        assert 0 == child.restarts
