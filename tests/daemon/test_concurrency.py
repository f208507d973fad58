"""Several jobs at once: their order, how many are under way, and that none is left behind."""

import asyncio
from contextlib import aclosing

import pytest

from daemon.concurrency import in_order, together


class Jobs:
    """Jobs that end in an order of their own, and what is under way."""

    def __init__(self):
        self.begun, self.most, self.under_way, self.cancelled = [], 0, 0, []

    async def one(self, number, *, turns=0, fails=False):
        self.begun.append(number)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            for _ in range(turns):
                await asyncio.sleep(0)
            if fails:
                raise ValueError(number)
            return number
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        finally:
            self.under_way -= 1


async def test_results_come_in_order_whoever_ends_first():
    jobs = Jobs()
    every = [number async for number in in_order((jobs.one(n, turns=9 - n) for n in range(9)), at_once=3)]

    assert (list(range(9)), 3, 0) == (every, jobs.most, jobs.under_way)
    assert list(range(9)) == await together(jobs.one(n, turns=9 - n) for n in range(9))
    assert 9 == jobs.most


@pytest.mark.parametrize("at_once", [1, 2, 20])
async def test_nothing_to_do_gives_nothing(at_once):
    assert [] == [one async for one in in_order([], at_once=at_once)] == await together([])


async def test_a_failure_is_raised_in_its_turn_and_ends_the_others():
    jobs, seen = Jobs(), []
    every = (jobs.one(n, turns=0 if n < 3 else 1000, fails=n == 2) for n in range(9))
    with pytest.raises(ValueError, match="2"):
        async with aclosing(in_order(every, at_once=3)) as results:
            async for number in results:
                seen.append(number)

    assert ([0, 1], 0) == (seen, jobs.under_way)
    assert 4 > max(jobs.begun)
    with pytest.raises(ValueError, match="1"):
        await together(jobs.one(n, turns=1000 if n == 0 else 0, fails=n == 1) for n in range(2))
    assert (0, 0) == (jobs.cancelled[-1], jobs.under_way)


async def test_a_reader_that_stops_leaves_no_job_behind_and_begins_no_other():
    jobs = Jobs()
    async with aclosing(in_order((jobs.one(n, turns=n * 1000) for n in range(9)), at_once=3)) as results:
        async for _ in results:
            break

    assert ([0, 1, 2], [1, 2], 0) == (jobs.begun, jobs.cancelled, jobs.under_way)


async def test_who_is_cancelled_waits_until_all_jobs_have_ended():
    jobs = Jobs()
    task = asyncio.create_task(together(jobs.one(n, turns=1000) for n in range(3)))
    while jobs.under_way < 3:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ([0, 1, 2], 0) == (jobs.cancelled, jobs.under_way)
