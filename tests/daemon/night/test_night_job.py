"""The nights of a daemon: when they run, and when they rest."""

import asyncio
import os
from datetime import timedelta

import pytest

from daemon.hardware.sensors import Machine
from daemon.jobs import Postponed
from daemon.night.errors import NightFailed
from daemon.night.resource_monitor import SHORT
from daemon.processes.errors import NightEnded
from store import jobs
from tests.daemon.night.fakes import TRAINER
from tests.daemon.night.scripted import REPORT, THREE, scripted_nights

SLOW = "import time; time.sleep(60)"


async def test_a_night_is_due_once_a_day_and_says_why_it_waits(tmp_path):
    async with scripted_nights(tmp_path) as home:
        said = []
        for home.now in (THREE - timedelta(minutes=1), THREE, THREE + timedelta(hours=1)):
            home.machine = Machine(on_battery=home.now == THREE)
            said.append((await home.nights.due(), home.nights.waiting))
        await home.store_thread.run(jobs.finish, await home.job())
        said.append((await home.nights.due(), home.nights.waiting))

    assert [
        ({"night": "2026-03-04"}, None),  # missed, and the machine is quiet
        (None, "on battery"),
        ({"night": "2026-03-05"}, None),
        (None, "until 03:00"),
    ] == said


async def test_a_report_names_its_job_and_nothing_is_left_in_memory(tmp_path):
    async with scripted_nights(tmp_path) as home:
        job = await home.job()
        await home.nights.work(job)
        told, left = home.nights.as_json(), home.checkpoints.exists()

    assert (job.id, True, None, None, False) == (
        told["last"]["job"],
        told["last"]["adopted"],
        told["progress"],
        told["paused"],
        left,
    )


async def test_a_night_that_fails_shows_no_older_report(tmp_path):
    async with scripted_nights(tmp_path, "raise SystemExit(2)") as home:
        home.nights.last = REPORT
        with pytest.raises(NightFailed):
            await home.nights.work(await home.job())
        told = home.nights.as_json()

    assert (None, None) == (told["progress"], told["last"])


@pytest.mark.parametrize(
    ("strain", "reason"),
    [
        (Machine(on_battery=True), "on battery"),
        (Machine(in_use=True), "somebody uses the machine"),
        (Machine(above_limit_c=1.0), "the machine is hot"),
    ],
)
async def test_a_night_rests_while_the_machine_should_and_waits_for_its_turn_when_that_lasts(
    tmp_path, strain, reason
):
    async with scripted_nights(tmp_path, SLOW) as home:
        job = await home.job()
        work = asyncio.create_task(home.nights.work(job))
        trainer = await home.trains()
        home.machine = strain
        async with asyncio.timeout(10):
            while not home.nights.as_json()["paused"]:
                await asyncio.sleep(0.01)
        paused = home.nights.as_json()
        with pytest.raises(Postponed):
            await work
        with pytest.raises(Postponed):  # and not before the strain is over
            await home.nights.work(job)
        with pytest.raises(ProcessLookupError):
            os.kill(trainer.pid, 0)
        waiting, kept = home.nights.waiting, home.checkpoints.exists()

    assert (reason, f"paused: {reason}") == (paused["paused"], paused["progress"]["note"])
    assert waiting.startswith(reason)
    assert kept


async def test_a_night_that_was_asked_for_goes_on_where_one_by_itself_would_rest(tmp_path):
    async with scripted_nights(tmp_path, "import time; time.sleep(0.5)\n" + TRAINER) as home:
        home.machine = Machine(on_battery=True, in_use=True)
        work = asyncio.create_task(home.nights.work(await home.job({"recipe": {}, "seed": 0})))
        await home.trains()
        await asyncio.sleep(0.1)
        told = home.nights.as_json()
        await work
        last = home.nights.last

    assert ("on battery", None, True) == (told["warning"], told["paused"], last.adopted)


async def test_who_asks_while_a_night_rests_gets_it_going(tmp_path):
    async with scripted_nights(tmp_path, "import time; time.sleep(0.5)\n" + TRAINER) as home:
        job = await home.job()
        work = asyncio.create_task(home.nights.work(job))
        await home.trains()
        home.machine = Machine(in_use=True)
        await asyncio.sleep(0.1)
        home.nights.asked(await home.store_thread.run(jobs.order, "night", {"seed": 0}, unique="night"))
        await work
        found = home.nights.last

    assert found.adopted


async def test_short_memory_ends_a_night_and_one_that_was_asked_for_says_so(tmp_path):
    async with scripted_nights(tmp_path, SLOW) as home:
        work = asyncio.create_task(home.nights.work(await home.job({"recipe": {}, "seed": 0})))
        await home.trains()
        home.machine = Machine(free_mb=100.0)
        with pytest.raises(NightEnded, match=SHORT):
            await work
        found = home.checkpoints.exists()

    assert found  # for the next attempt


async def test_an_exam_rests_too_and_is_ended_when_that_lasts(tmp_path):
    async with scripted_nights(tmp_path) as home:
        complete, asked = home.engine.complete, []

        async def pull_the_plug(messages, **rest):
            if (at := home.nights.progress.latest) and at.note == "exam":
                asked.append(messages)
                home.machine = Machine(on_battery=True)
                await asyncio.sleep(0.05)
            return await complete(messages, **rest)

        home.engine.complete = pull_the_plug
        with pytest.raises(Postponed):
            await home.nights.work(await home.job())
        found = len(asked)

    assert found < 6
