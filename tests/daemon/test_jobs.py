"""The background runner: failures are recorded and tried again, interrupted work is taken back."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from daemon.engine.errors import DecodeFailed
from daemon.jobs import ATTEMPTS, LEASE_S, Kind, Postponed, Runner
from daemon.lessons.errors import NothingAsked
from store import jobs
from tests.daemon.memory.fakes import open_store_thread


async def never():
    return None


class Work:
    """Does jobs as told; remembers the payloads."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.done = []

    async def work(self, job):
        self.done.append(job.payload)
        if self.failures:
            raise self.failures.pop(0)


def runner_of(store_thread, work, *, due=never, attempts=ATTEMPTS, **rest):
    kinds = {"sweep": Kind(work=work, due=due, attempts=attempts)}
    return Runner(store_thread, kinds, every_s=60, **rest)


async def look(store_thread, work, *, rounds=1, order=None, **kind):
    """The runner and the latest job after some rounds."""
    runner = runner_of(store_thread, work.work, **kind)
    if order is not None:
        await runner.order("sweep", order)
    for _ in range(rounds):
        await runner.look()
    return runner, await store_thread.run(jobs.latest, "sweep")


async def test_an_order_is_done_once(store_thread):
    work = Work()

    runner, job = await look(store_thread, work, order={"room": 1}, rounds=3)

    assert ([{"room": 1}], "done", None) == (work.done, job.state, runner.failure)


async def test_a_failure_is_recorded_and_waits_for_its_next_attempt(store_thread, caplog):
    work = Work(DecodeFailed(reason="it is late"))

    runner, job = await look(store_thread, work, order={}, rounds=2)

    assert ("waiting", "The model could not compute the next token: it is late.") == (job.state, job.error)
    assert 1 == len(work.done)
    assert job.error in caplog.text


@pytest.mark.parametrize("error", [ValueError("I am called Lena"), NothingAsked(1, "I am called Lena")])
async def test_the_log_tells_where_a_job_failed_and_quotes_no_user(store_thread, caplog, error):
    _, job = await look(store_thread, Work(error), order={})

    assert "Lena" in job.error
    assert "Lena" not in caplog.text
    assert type(error).__name__ in caplog.text
    assert "in work" in caplog.text


async def test_trouble_in_looking_for_work_shows_and_does_not_end_the_runner(store_thread):
    async def due():
        raise ZeroDivisionError("insides")

    runner, job = await look(store_thread, Work(), due=due, rounds=2)

    assert ("sweep: ZeroDivisionError: insides", None) == (runner.failure, job)


async def test_an_interrupted_job_runs_again_at_the_next_start(tmp_path):
    began, done = asyncio.Event(), asyncio.Event()

    async def forever(job):
        began.set()
        await asyncio.Event().wait()

    async def at_once(job):
        done.set()

    for work, until in ((forever, began), (at_once, done)):
        async with open_store_thread(tmp_path) as store_thread, asyncio.timeout(5):
            runner = runner_of(store_thread, work)
            await runner.start()
            if work is forever:
                await runner.order("sweep", {})
            await until.wait()
            await runner.stop()


async def test_every_job_is_given_up_after_three_attempts(store_thread):
    work = Work(*[OverflowError("date value out of range")] * 9)
    runner = runner_of(store_thread, work.work)
    await runner.order("sweep", {"quiet_s": 1e12})
    for _ in range(5):
        await runner.look()
        await store_thread.run(lambda db: db.execute("update jobs set run_at = null"))
    job = await store_thread.run(jobs.latest, "sweep")

    assert ("failed", 3, 3) == (job.state, job.attempts, len(work.done))
    assert "OverflowError: date value out of range" == job.error


async def test_what_was_given_up_is_not_begun_again_at_once_unless_somebody_orders_it(store_thread):
    async def due():
        return {"by": "itself"}

    work = Work(*[ZeroDivisionError("insides")] * 9)
    runner = runner_of(store_thread, work.work, due=due, attempts=1)
    for _ in range(3):
        await runner.look()
    await runner.order("sweep", {"by": "somebody"})
    await runner.look()

    assert [{"by": "itself"}, {"by": "somebody"}] == work.done


async def test_work_that_postpones_itself_waits_and_nothing_failed(store_thread, caplog):
    work = Work(*[Postponed(60.0)] * 9)

    runner, job = await look(store_thread, work, order={}, rounds=3)

    assert (1, "waiting", 0) == (len(work.done), job.state, job.attempts)
    assert (None, None, "") == (job.error, runner.failure, caplog.text)


async def leased(store_thread, meanwhile):
    """A job that works for 0.5 s and is renewed all the time, while `meanwhile(db)` is done to the store."""
    ended = []

    async def work(job):
        try:
            await asyncio.sleep(0.5)
            ended.append("in peace")
        except asyncio.CancelledError:
            ended.append("stopped")
            raise

    runner = runner_of(store_thread, work, renew_every_s=0.02)
    await runner.order("sweep", {})
    looking = asyncio.create_task(runner.look())
    await asyncio.sleep(0.1)
    await store_thread.run(meanwhile)
    await looking
    return ended, await store_thread.run(jobs.latest, "sweep"), runner.failure


async def test_a_lease_is_renewed_while_the_work_goes_on(store_thread):
    seen = []

    def ran_out(db):
        seen.append(jobs.latest(db, "sweep").lease_until)
        db.execute("update jobs set lease_until = '2020-01-01T00:00:00.000000+00:00'")

    ended, job, failure = await leased(store_thread, ran_out)

    assert (["in peace"], "done", None) == (ended, job.state, failure)
    assert timedelta(seconds=LEASE_S - 60) < seen[0] - datetime.now(UTC) <= timedelta(seconds=LEASE_S)


async def test_work_whose_lease_is_lost_stops(store_thread):
    def claimed_by_another(db):
        db.execute("update jobs set attempts = attempts + 1")

    ended, job, failure = await leased(store_thread, claimed_by_another)

    assert (["stopped"], "running", 2) == (ended, job.state, job.attempts)
    assert "its lease ran out" in failure
