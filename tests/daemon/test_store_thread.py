"""The one thread of the store: order, exceptions, cancelling, closing."""

import asyncio
import threading

import pytest

from daemon.errors import Stopping
from daemon.store_thread import Keeper


class Ledger:
    """Stands for a connection."""

    def __init__(self):
        self.lines = []
        self.closed_in = None

    def close(self):
        self.closed_in = threading.current_thread().name


def write(ledger, line, *, after=None):
    if after is not None:
        after.wait(5)
    ledger.lines.append(line)
    return threading.current_thread().name


async def test_calls_run_in_order_in_one_other_thread():
    ledger = Ledger()

    keeper = Keeper(lambda: ledger)
    await keeper.open()
    names = await asyncio.gather(*(keeper.run(write, line) for line in range(5)))
    await keeper.close()
    found = {*names, ledger.closed_in}

    assert 1 == len(found)
    assert [0, 1, 2, 3, 4] == ledger.lines


async def test_an_exception_comes_through():
    keeper = Keeper(Ledger)
    await keeper.open()
    with pytest.raises(ZeroDivisionError):
        await keeper.run(lambda ledger: 1 / 0)
    await keeper.close()


async def test_what_has_begun_is_finished_when_its_caller_is_cancelled():
    ledger, go_on = Ledger(), threading.Event()

    keeper = Keeper(lambda: ledger)
    await keeper.open()
    call = asyncio.create_task(keeper.run(write, "half", after=go_on))
    await asyncio.sleep(0.05)
    call.cancel()
    go_on.set()
    await keeper.close()

    assert ["half"] == ledger.lines


async def test_after_closing_it_says_that_it_is_stopping():
    keeper = Keeper(Ledger)
    await keeper.open()
    await keeper.close()
    with pytest.raises(Stopping):
        await keeper.run(write, "late")
