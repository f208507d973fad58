"""What a profile's daemon hears, and when it ends by itself."""

import asyncio
import os

import pytest

from daemon.errors import DaemonError
from daemon.processes.foreground_gate import ForegroundGate
from daemon.profiles.below import ANSWERING, SILENT, Parent, Retirement


@pytest.fixture
def stdin():
    """Standard input is a pipe; its other end."""
    kept = os.dup(0)
    read, write = os.pipe()
    os.dup2(read, 0)
    yield write
    os.dup2(kept, 0)
    for one in (kept, read):
        os.close(one)


async def until(happened):
    async with asyncio.timeout(5):
        while not happened():
            await asyncio.sleep(0.01)


async def test_while_others_are_answered_the_gate_is_closed_and_at_the_end_of_the_parent_it_leaves(stdin):
    left, gate = [], ForegroundGate(rest_s=0.01)
    parent = Parent(lambda: left.append(True))
    os.write(stdin, ANSWERING)  # before there is a gate
    await asyncio.sleep(0.05)
    parent.mind(gate)
    at_first = gate.answering
    os.write(stdin, SILENT + ANSWERING + SILENT)
    await until(lambda: gate.answering == 0)
    os.write(stdin, ANSWERING)
    await until(lambda: gate.answering == 1)
    os.close(stdin)
    await until(lambda: left)

    assert (1, [True]) == (at_first, left)


class Server:
    """Who came to it, as the test says."""

    asked = connections = 0


@pytest.mark.parametrize("kept_by", ["requests", "connections", "work", "not knowing"])
async def test_a_daemon_that_somebody_needs_stays_and_leaves_when_nobody_does(kept_by):
    server, left, needed = Server(), [], True

    async def has_work():
        if kept_by == "not knowing" and needed:
            raise DaemonError("the store is busy")
        return kept_by == "work" and needed

    retirement = Retirement(server, has_work, lambda: left.append(True), after_s=0.05)
    server.connections = int(kept_by == "connections")
    retirement.start()
    for _ in range(20):
        server.asked += kept_by == "requests"
        await asyncio.sleep(0.01)
    stayed = not left
    needed, server.connections = False, 0
    await until(lambda: left)
    await retirement.stop()

    assert (True, [True]) == (stayed, left)


async def test_the_gate_tells_the_first_who_is_answered_and_the_last():
    told, gate = [], ForegroundGate(rest_s=0.01)
    gate.on_change = told.append
    gate.enter()
    gate.enter()
    gate.leave()
    gate.leave()

    assert [True, False] == told
