"""What forgetting, kills and clocks make of a night."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from daemon.hardware.sensors import Machine
from daemon.jobs import Kind, Postponed, Runner
from daemon.night import ram_folders
from daemon.night.errors import NightFailed
from daemon.night.night_job import FORGOTTEN
from store import generations, jobs, memories, nights
from tests.daemon.night.fakes import TRAINER, learn
from tests.daemon.night.scripted import REPORT, THREE, scripted_nights

ONCE_SLOW = """
import os, time
if not os.path.exists({mark!r}):
    open({mark!r}, "w").close()
    time.sleep(60)
"""


async def test_forgetting_ends_the_trainer_and_the_night_begins_anew_without_it(tmp_path):
    """The checkpoint is gone when `forget` returns, and the attempt is not lost for it."""

    mark = tmp_path / "mark"
    script = ONCE_SLOW.format(mark=str(mark)) + TRAINER
    async with scripted_nights(tmp_path, script) as home:
        gone = await learn(home.store_thread, "The user's dog is called Rex.")
        work = asyncio.create_task(home.nights.work(await home.job()))
        trainer = await home.trains()
        while not mark.exists():
            await asyncio.sleep(0.01)
        (home.checkpoints / "half").write_text("Rex")
        await home.store_thread.run(memories.forget, [gone.id], messages=[])
        await home.nights.forget()
        there = (trainer.gone.is_set(), (home.checkpoints / "half").exists())
        await work
        (made,) = await home.store_thread.run(generations.all)
        taught = (await home.store_thread.run(generations.adapter, made.id)).decode()
        state = made.state

    assert ((True, False), "adopted") == (there, state)
    assert "Ghent" in taught
    assert "Rex" not in taught


async def test_forgetting_clears_what_the_report_quotes_and_an_interrupted_nights_checkpoint(tmp_path):
    async with scripted_nights(tmp_path) as home:
        await home.nights.forget()
        home.nights.last = REPORT
        ram_folders.prepare_checkpoints(home.checkpoints)
        await home.nights.forget()
        found = home.nights.last.exam, home.checkpoints.exists(), home.gate.ended

    assert ({"candidate": 0.5, "missed": []}, False, FORGOTTEN) == found


@pytest.mark.parametrize(("forgets", "quoted"), [(False, True), (True, False)])
async def test_a_report_quotes_nothing_when_something_was_forgotten_while_its_exam_was_held(
    tmp_path, forgets, quoted
):
    async with scripted_nights(tmp_path) as home:
        load, unload = home.engine.load, home.engine.unload

        async def load_one_that_misses(adapter):
            sha256 = await load(adapter)
            home.engine.loaded[sha256] = dict.fromkeys(home.engine.loaded[sha256], "It is nothing.")
            return sha256

        async def unload_while_something_is_forgotten(sha256):
            await home.nights.forget()
            await unload(sha256)

        home.engine.load = load_one_that_misses
        if forgets:
            home.engine.unload = unload_while_something_is_forgotten
        await home.nights.work(await home.job())
        found = bool(home.nights.last.exam["missed"])

    assert quoted == found


async def test_a_night_that_was_killed_after_its_adoption_makes_no_second_generation(tmp_path):
    async with scripted_nights(tmp_path) as home:
        job = await home.job({"recipe": {}, "seed": 0})
        await home.nights.work(job)
        await home.store_thread.run(jobs.recover)  # a kill before the job was finished
        again = await home.job()
        await home.nights.work(again)
        made = await home.store_thread.run(generations.all)
        await home.store_thread.run(jobs.finish, again)
        await home.nights.work(await home.job({"recipe": {}, "seed": 1}))
        found = again.attempts, [one.state for one in made], len(await home.store_thread.run(generations.all))

    assert (2, ["adopted"], 2) == found


async def test_an_interrupted_night_takes_the_name_of_the_day_on_which_it_goes_on(tmp_path):
    async with scripted_nights(tmp_path) as home:
        job = await home.job()
        home.now = THREE + timedelta(hours=9)
        home.gate.silent_s = 500.0  # quiet for less than a missed night wants at noon
        with pytest.raises(Postponed):
            await home.nights.work(job)
        home.now = THREE + timedelta(days=1)
        await home.nights.work(job)
        await home.store_thread.run(jobs.finish, job)
        found = await home.nights.due(), home.nights.last.adopted

    assert (None, True) == found


async def test_a_postponed_job_waits_without_an_attempt_and_who_asks_has_it_done_at_once(tmp_path):
    async with scripted_nights(tmp_path) as home:
        home.machine = Machine(on_battery=True)
        kinds = {"night": Kind(work=home.nights.work, due=home.nights.due)}
        runner = Runner(home.store_thread, kinds, every_s=60)
        await home.store_thread.run(jobs.enqueue, "night", {"night": "2026-03-05"}, unique="night")
        for _ in range(4):
            await runner.look()
            await home.store_thread.run(lambda db: db.execute("update jobs set run_at = null"))
        waits = await home.store_thread.run(jobs.latest, "night")
        await runner.look()
        ordered = await runner.order("night", {"recipe": {}, "seed": 0})
        await runner.look()
        done, last = await home.store_thread.run(jobs.latest, "night"), home.nights.last

    assert ("waiting", 0, None) == (waits.state, waits.attempts, waits.error)
    assert (waits.id, "done", True) == (ordered.id, done.state, last.adopted)


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(hours=-2), timedelta(days=400)])
async def test_a_clock_that_jumps_in_the_night_makes_no_second_one_of_a_day(tmp_path, jump):
    async with scripted_nights(tmp_path) as home:
        days = []
        for home.now in (THREE, THREE + jump, THREE + timedelta(minutes=5), THREE + timedelta(days=1)):
            if due := await home.nights.due():
                days.append(due["night"])
                job = await home.job(due)
                await home.nights.work(job)
                await home.store_thread.run(jobs.finish, job)

    assert len(days) == len(set(days))
    assert {"2026-03-05", "2026-03-06"} <= set(days)


async def test_a_night_that_fails_a_second_time_is_not_tried_with_that_checkpoint_again(tmp_path):
    async with scripted_nights(tmp_path, "raise SystemExit(2)") as home:
        kept = []
        for _ in range(2):
            job = await home.job()
            with pytest.raises(NightFailed):
                await home.nights.work(job)
            kept.append(home.checkpoints.exists())
            await home.store_thread.run(jobs.fail, job, "no", retry_at=datetime.now(UTC))

    assert [True, False] == kept


async def test_a_night_that_waits_is_dropped_when_nights_by_themselves_were_turned_off(tmp_path):
    """Its day counts as free, and the checkpoint is gone; a night that is asked for runs all the same."""

    async with scripted_nights(tmp_path, by_itself=False) as home:
        kinds = {"night": Kind(work=home.nights.work, due=home.nights.due)}
        runner = Runner(home.store_thread, kinds, every_s=60)
        await home.store_thread.run(jobs.enqueue, "night", {"night": "2026-03-05"}, unique="night")
        ram_folders.prepare_checkpoints(home.checkpoints)
        await runner.look()
        dropped = await home.store_thread.run(jobs.latest, "night")
        over = await home.store_thread.run(jobs.is_over, "night", "night", "2026-03-05")
        made = (home.nights.last, await home.store_thread.run(generations.all), home.checkpoints.exists())
        await runner.order("night", {"recipe": {}, "seed": 0})
        await runner.look()
        found = dropped.state, over, made, home.nights.last.adopted

    assert ("done", False, (None, [], False), True) == found


async def test_a_night_that_finds_itself_that_something_was_forgotten_begins_anew_at_once(tmp_path):
    """It may notice before `forget` comes to tell it; no attempt is lost."""

    async with scripted_nights(tmp_path) as home:
        gone = await learn(home.store_thread, "The user's dog is called Rex.")
        load = home.engine.load

        async def forget_then_load(adapter):
            if home.engine.load is forget_then_load:
                home.engine.load = load
                await home.store_thread.run(memories.forget, [gone.id], messages=[])
            return await load(adapter)

        home.engine.load = forget_then_load
        await home.nights.work(await home.job())
        found = (
            home.nights.last.adopted,
            [one.outcome for one in await home.store_thread.run(nights.newest, 9)],
        )

    assert (True, ["adopted", "interrupted"]) == found
