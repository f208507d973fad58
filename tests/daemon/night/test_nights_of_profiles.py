"""The nights of a home and its profiles: one at a time, whoever asks for it."""

import asyncio

import pytest

from daemon.home import Home, NightTurn
from daemon.jobs import Postponed
from daemon.night.errors import NightError
from daemon.night.night_job import ELSEWHERE, STOPPED
from daemon.profiles import registry
from store import jobs

ASKED = {"recipe": {}, "seed": 0}


@pytest.fixture
def other(tmp_path):
    """The night of a profile in the same home."""
    registry.add(Home(tmp_path), "anna", [])
    turn = NightTurn(Home(tmp_path).profile("anna"))
    assert turn.take()
    yield turn
    turn.release()


async def until(happened):
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.01)


async def test_a_night_by_itself_waits_for_that_of_another_profile_and_says_so(scripted, other):
    home = await scripted()
    due = await home.nights.due()
    waiting = home.nights.waiting
    with pytest.raises(Postponed):
        await home.work()
    other.release()
    after = await home.nights.due()

    assert (None, ELSEWHERE, {"night": "2026-03-05"}) == (due, waiting, after)


async def test_a_night_that_was_asked_for_begins_when_the_other_is_over(scripted, other):
    home = await scripted()
    asking = asyncio.create_task(home.work(ASKED))
    await until(lambda: ELSEWHERE in (home.nights.as_json()["progress"] or {}).get("note", ""))
    trained = home.gate.trainer
    other.release()
    await asking

    assert (None, True) == (trained, home.nights.last.adopted)
    assert other.take()  # it is given back


async def test_who_stops_a_night_that_waits_for_another_gets_it_stopped(scripted, other):
    home = await scripted()
    asking = asyncio.create_task(home.work(ASKED))
    await until(lambda: ELSEWHERE in (home.nights.as_json()["progress"] or {}).get("note", ""))
    await home.nights.stop()
    await asking

    assert (False, STOPPED) == (home.nights.last.adopted, home.nights.last.reason)


async def test_the_machine_is_not_measured_beside_another_night(scripted, other):
    home = await scripted()
    with pytest.raises(NightError, match="another profile"):
        await home.nights.foresee(measure=True)


async def test_while_a_night_runs_that_of_a_profile_has_no_turn(scripted, other):
    other.release()
    home = await scripted("import time; time.sleep(60)")
    task, _ = await home.start(ASKED)
    during = other.is_elsewhere
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert (True, False) == (during, other.is_elsewhere)


async def test_a_night_is_pending_while_it_is_due_though_the_machine_hinders_it(scripted, other):
    home = await scripted()
    hindered = (await home.nights.due(), await home.nights.is_pending())
    other.release()
    job = await home.job()
    await home.run(jobs.finish, job)

    assert (None, True) == hindered
    assert not await home.nights.is_pending()
