"""The one thread of the store: order, exceptions, cancelling, closing."""

import asyncio
import threading

import pytest

from daemon.errors import Stopping
from daemon.store_thread import StoreThread


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


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
async def store_thread(ledger):
    made = StoreThread(lambda: ledger)
    await made.open()
    yield made
    await made.close()


async def test_calls_run_in_order_in_one_other_thread(store_thread, ledger):
    names = await asyncio.gather(*(store_thread.run(write, line) for line in range(5)))
    await store_thread.close()

    assert {ledger.closed_in} == set(names)
    assert [0, 1, 2, 3, 4] == ledger.lines


async def test_an_exception_comes_through(store_thread):
    with pytest.raises(ZeroDivisionError):
        await store_thread.run(lambda ledger: 1 / 0)


async def test_what_has_begun_is_finished_when_its_caller_is_cancelled(store_thread, ledger):
    go_on = threading.Event()

    call = asyncio.create_task(store_thread.run(write, "half", after=go_on))
    await asyncio.sleep(0.05)
    call.cancel()
    go_on.set()
    await store_thread.close()

    assert ["half"] == ledger.lines


async def test_after_closing_it_says_that_it_is_stopping(store_thread):
    await store_thread.close()

    with pytest.raises(Stopping):
        await store_thread.run(write, "late")


def slices_of(ledger, name, count):
    for number in range(count):
        ledger.lines.append((name, number))
        yield
    return f"{name} is whole"


async def test_calls_that_come_during_work_in_slices_wait_for_one_slice_at_most(store_thread, ledger):
    work = asyncio.create_task(store_thread.run_in_slices(slices_of, "import", 10**6))
    waited = []
    for _ in range(10):
        before = len(ledger.lines)
        await store_thread.run(lambda ledger: waited.append(len(ledger.lines) - before))  # noqa: B023
        await asyncio.sleep(0.02)  # a person's next question, later than the calm after the last one
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert max(waited) <= 1
    assert len(ledger.lines) > 1


async def test_of_two_works_in_slices_one_comes_after_the_other(store_thread, ledger):
    names = await asyncio.gather(*(store_thread.run_in_slices(slices_of, name, 3) for name in "ab"))

    assert ["a is whole", "b is whole"] == names
    assert [(name, number) for name in "ab" for number in range(3)] == ledger.lines


async def test_work_in_slices_ends_after_a_slice_when_it_is_cancelled_and_others_go_on(store_thread, ledger):
    work = asyncio.create_task(store_thread.run_in_slices(slices_of, "import", 10**6))
    await store_thread.run(lambda ledger: None)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert len(ledger.lines) < 10**6
    assert "next is whole" == await store_thread.run_in_slices(slices_of, "next", 1)


async def test_closing_ends_work_in_slices(store_thread):
    work = asyncio.create_task(store_thread.run_in_slices(slices_of, "import", 10**6))
    await store_thread.run(lambda ledger: None)
    await store_thread.close()

    with pytest.raises(Stopping):
        await work
