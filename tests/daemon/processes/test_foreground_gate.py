"""The gate before the trainer, with real processes that count as long as they run."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import psutil
import pytest

from daemon.processes.foreground_gate import CHAT, ForegroundGate

BUSY = "while True: pass"
WITH_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


@contextmanager
def process(script=BUSY):
    """A process group of its own that works."""
    child = subprocess.Popen([sys.executable, "-c", script], process_group=0)
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def works(pid, *, seconds=0.2):
    """Whether the process gets any processor time."""
    before = psutil.Process(pid).cpu_times().user
    time.sleep(seconds)
    return psutil.Process(pid).cpu_times().user > before


def until_it_works(pid):
    end = time.monotonic() + 20
    while not works(pid):
        assert time.monotonic() < end, "it does not work"


@contextmanager
def scene(*, script=BUSY):
    """A gate, a process at it that works, and what happens to that."""
    gate = ForegroundGate(rest_s=0.05)
    with process(script) as child, gate.guard(child.pid) as paused:
        if script == BUSY:
            until_it_works(child.pid)
        yield gate, child.pid, paused


async def test_a_chat_stops_the_trainer_at_once_and_it_goes_on_after_a_rest():
    with scene() as (gate, pid, paused):
        began = time.monotonic()
        gate.enter()
        took = time.monotonic() - began

        assert took < 0.05
        assert (False, CHAT) == (works(pid), gate.reason)
        gate.leave()
        assert (False, CHAT) == (works(pid, seconds=0.02), gate.reason)
        await asyncio.sleep(0.1)
        until_it_works(pid)
        assert (None, 1) == (gate.reason, paused.pauses)
        assert 0.2 < paused.paused_s < 5.0


async def test_it_goes_on_after_the_last_of_several_chats():
    with scene() as (gate, pid, paused):
        gate.enter()
        gate.enter()
        gate.leave()
        await asyncio.sleep(0.1)
        assert not works(pid)
        gate.leave()
        gate.enter()  # the next question comes while it rests
        await asyncio.sleep(0.1)
        assert not works(pid)
        gate.leave()
        await asyncio.sleep(0.1)
        until_it_works(pid)

        assert 1 == paused.pauses


async def test_a_chat_in_a_rest_of_the_machine_does_not_end_that_rest():
    with scene() as (gate, pid, _):
        gate.hold("on battery")
        gate.enter()
        gate.leave()
        await asyncio.sleep(0.1)

        assert (False, "on battery") == (works(pid), gate.reason)
        gate.hold(None)
        until_it_works(pid)


async def test_what_the_trainer_started_stops_with_it():
    with scene(script=WITH_A_CHILD) as (gate, pid, _):
        while not (children := psutil.Process(pid).children()):
            await asyncio.sleep(0.02)
        until_it_works(children[0].pid)
        gate.enter()

        assert not works(children[0].pid)


async def test_a_trainer_that_somebody_else_stopped_is_woken():
    with scene() as (gate, pid, _):
        os.kill(pid, signal.SIGSTOP)
        gate.enter()
        gate.wake_stopped()
        assert not works(pid)
        gate.leave()
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGSTOP)
        assert not works(pid)
        gate.wake_stopped()
        until_it_works(pid)


@pytest.mark.parametrize("paused", [True, False])
async def test_a_trainer_is_ended_also_while_it_is_stopped_and_no_other_starts(paused):
    gate = ForegroundGate()
    with process() as child:

        async def train():
            with gate.guard(child.pid):
                while child.poll() is None:
                    await asyncio.sleep(0.01)

        work = asyncio.create_task(train())
        await asyncio.sleep(0.1)
        if paused:
            gate.enter()
        async with asyncio.timeout(10):
            await gate.end("it is over")
            await work
        code = child.returncode
    with process() as next_child, gate.guard(next_child.pid):
        found = code, next_child.wait(10), gate.ended

    assert (-signal.SIGKILL, -signal.SIGKILL, "it is over") == found


async def test_a_trainer_that_starts_behind_a_closed_gate_waits_and_silence_counts_from_its_opening():
    gate = ForegroundGate(rest_s=0.0)
    gate.enter()
    with process() as child, gate.guard(child.pid):
        waits, silent_s = works(child.pid), gate.silent_s
        gate.leave()
        await asyncio.sleep(0.1)
        until_it_works(child.pid)

    assert (False, 0.0) == (waits, silent_s)
    assert 0.1 <= gate.silent_s < 5.0
