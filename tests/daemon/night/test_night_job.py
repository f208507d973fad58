"""The nights of a daemon: when they run and rest, and what forgetting, kills and clocks make of them."""

import asyncio
import logging
import os
from datetime import UTC, datetime, timedelta

import pytest

from daemon.exam.exam import AT_ONCE
from daemon.hardware.sensors import Machine
from daemon.jobs import Postponed
from daemon.night import ram_folders
from daemon.night.errors import NightError, NightFailed
from daemon.night.night_job import FORGOTTEN, STOPPED
from daemon.night.pace import Paces
from daemon.night.resource_monitor import SHORT
from daemon.processes.errors import NightEnded
from store import generations, jobs, memories, nights
from tests.daemon.night.fakes import BASE, MEASURING, PACE, TRAINER, learn
from tests.daemon.night.scripted import REPORT, THREE

SLOW, HALF_A_SECOND = "import time; time.sleep(60)", "import time; time.sleep(0.5)\n"
ONCE_SLOW = """
import os, time
if not os.path.exists({mark!r}):
    open({mark!r}, "w").close()
    time.sleep(60)
"""
ASKED = {"recipe": {}, "seed": 0}
REX = "The user's dog is called Rex."


async def until(happened):
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.01)


async def test_a_night_is_due_once_a_day_and_says_why_it_waits(scripted):
    home, said = await scripted(), []
    for home.now in (THREE - timedelta(minutes=1), THREE, THREE + timedelta(hours=1)):
        home.machine = Machine(on_battery=home.now == THREE)
        said.append((await home.nights.due(), home.nights.waiting))
    await home.run(jobs.finish, await home.job())
    said.append((await home.nights.due(), home.nights.waiting))

    assert [
        ({"night": "2026-03-04"}, None),  # missed, and the machine is quiet
        (None, "on battery"),
        ({"night": "2026-03-05"}, None),
        (None, "until 03:00"),
    ] == said


async def test_with_a_model_that_can_not_learn_no_night_runs_and_that_is_said_once(scripted, caplog):
    caplog.set_level(logging.INFO)
    home = await scripted("raise SystemExit(2)", cannot_learn="the architecture gpt-oss")
    await home.nights.start()
    due = [await home.nights.due() for _ in range(3)]
    by_itself = await home.job()
    await home.nights.work(by_itself)
    await home.run(jobs.finish, by_itself)
    dropped = home.nights.last
    await home.work(ASKED)

    assert (None, [None] * 3) == (dropped, due)
    assert "the model answers, but can't learn: the architecture gpt-oss" == home.nights.waiting
    assert (False, 0) == (home.nights.last.adopted, home.nights.last.lessons)
    assert "the architecture gpt-oss" in home.nights.last.reason
    assert [] == await home.run(nights.newest, 5)
    assert 1 == sum("No nights" in record.message for record in caplog.records)


async def test_a_report_names_its_job_and_nothing_is_left_in_memory(scripted):
    home = await scripted()
    job = await home.job()
    await home.nights.work(job)
    told = home.nights.as_json()

    assert (job.id, True) == (told["last"]["job"], told["last"]["adopted"])
    assert (None, None) == (told["progress"], told["paused"])
    assert not home.checkpoints.exists()


@pytest.mark.parametrize("measure", [False, True])
async def test_the_next_night_is_foretold_after_something_was_forgotten(scripted, tmp_path, measure):
    paces = Paces(tmp_path)
    home = await scripted(MEASURING + TRAINER, paces=paces)
    await home.work()
    if not measure:
        paces.keep(BASE, PACE)
    await home.nights.forget()
    found, _ = await home.nights.foresee(measure=measure)

    assert (1, "calibration" if measure else "night") == (found.memories, found.cost.by)


async def test_who_looks_at_the_estimate_starts_no_engine_and_has_no_lesson_cut_twice(scripted, tmp_path):
    paces, cut = Paces(tmp_path), []
    home = await scripted(paces=paces)
    await home.work()
    paces.keep(BASE, PACE)
    tokenise = home.engine.tokenise

    async def counted(chats):
        cut.append(len(chats))
        return await tokenise(chats)

    home.engine.tokenise = counted
    home.engine.rests = True
    unknown, _ = await home.nights.foresee(measure=False)
    home.engine.rests = False
    found, _ = await home.nights.foresee(measure=False)
    once = list(cut)
    home.engine.rests = True
    resting, _ = await home.nights.foresee(measure=False)
    home.engine.rests = False
    again, _ = await home.nights.foresee(measure=False)

    assert ("", "night") == (unknown.cost.by, found.cost.by)
    assert found == resting == again
    assert once == cut != []


async def test_a_night_that_fails_shows_no_older_report(scripted):
    home = await scripted("raise SystemExit(2)")
    home.nights.last = REPORT
    with pytest.raises(NightFailed):
        await home.work()
    told = home.nights.as_json()

    assert (None, None) == (told["progress"], told["last"])


async def test_a_night_rests_while_the_machine_should_and_waits_for_its_turn_when_that_lasts(scripted):
    """Which strains there are: `test_schedule.py`."""
    home = await scripted(SLOW)
    job = await home.job()
    work = asyncio.create_task(home.nights.work(job))
    trainer = await home.trains()
    home.machine = Machine(above_limit_c=1.0)
    await until(lambda: home.nights.as_json()["paused"])
    paused = home.nights.as_json()
    for again in (work, home.nights.work(job)):  # and not before the strain is over
        with pytest.raises(Postponed):
            await again
    reason = paused["paused"]

    assert reason == "the machine is hot"
    assert reason in paused["progress"]["note"]
    assert home.nights.waiting.startswith(reason)
    assert home.checkpoints.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(trainer.pid, 0)


async def test_a_night_that_was_asked_for_goes_on_where_one_by_itself_would_rest(scripted):
    home = await scripted(HALF_A_SECOND + TRAINER)
    home.machine = Machine(on_battery=True, in_use=True)
    work, _ = await home.start(ASKED)
    await asyncio.sleep(0.1)
    told = home.nights.as_json()
    await work

    assert ("on battery", None, True) == (told["warning"], told["paused"], home.nights.last.adopted)


async def test_who_asks_while_a_night_rests_gets_it_going(scripted):
    home = await scripted(HALF_A_SECOND + TRAINER)
    work, _ = await home.start()
    home.machine = Machine(in_use=True)
    await asyncio.sleep(0.1)
    home.nights.asked(await home.run(jobs.order, "night", {"seed": 0}, unique="night"))
    await work

    assert home.nights.last.adopted


async def test_short_memory_ends_a_night_and_one_that_was_asked_for_says_so(scripted):
    home = await scripted(SLOW)
    work, _ = await home.start(ASKED)
    home.machine = Machine(free_mb=100.0)
    with pytest.raises(NightEnded, match=SHORT):
        await work

    assert home.checkpoints.exists()  # for the next attempt


async def test_an_exam_rests_too_and_is_ended_when_that_lasts(scripted):
    home = await scripted()
    complete, asked = home.engine.complete, []

    async def pull_the_plug(messages, **rest):
        if (at := home.nights.progress.latest) and at.note == "exam":
            asked.append(messages)
            home.machine = Machine(on_battery=True)
            await asyncio.sleep(0.05)
        return await complete(messages, **rest)

    home.engine.complete = pull_the_plug
    with pytest.raises(Postponed):
        await home.work()

    assert len(asked) <= AT_ONCE


async def test_forgetting_ends_the_trainer_and_the_night_begins_anew_without_it(scripted, tmp_path):
    """The checkpoint is gone when `forget` returns, and the attempt is not lost for it."""
    mark = tmp_path / "mark"
    home = await scripted(ONCE_SLOW.format(mark=str(mark)) + TRAINER)
    gone = await learn(home.store_thread, REX)
    work, trainer = await home.start()
    await until(mark.exists)
    (home.checkpoints / "half").write_text("Rex")
    await home.run(memories.forget, [gone.id], messages=[])
    await home.nights.forget()

    assert trainer.gone.is_set()
    assert not (home.checkpoints / "half").exists()
    await work
    (made,) = await home.generations()
    taught = (await home.run(generations.adapter, made.id)).decode()
    assert ("adopted", True, False) == (made.state, "Ghent" in taught, "Rex" in taught)


async def test_forgetting_clears_what_the_report_quotes_and_an_interrupted_nights_checkpoint(scripted):
    home = await scripted()
    await home.nights.forget()
    home.nights.last = REPORT
    ram_folders.prepare_checkpoints(home.checkpoints)
    await home.nights.forget()

    assert {"candidate": 0.5, "missed": []} == home.nights.last.exam
    assert not home.checkpoints.exists()
    assert FORGOTTEN == home.gate.ended


@pytest.mark.parametrize("forgets", [False, True])
async def test_a_report_quotes_nothing_when_something_was_forgotten_while_its_exam_was_held(
    scripted, forgets
):
    home = await scripted()
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
    await home.work()

    assert forgets != bool(home.nights.last.exam["missed"])


async def test_a_night_that_finds_itself_that_something_was_forgotten_begins_anew_at_once(scripted):
    """It may notice before `forget` comes to tell it; no attempt is lost."""
    home = await scripted()
    gone = await learn(home.store_thread, REX)
    load = home.engine.load

    async def forget_then_load(adapter):
        if home.engine.load is forget_then_load:
            home.engine.load = load
            await home.run(memories.forget, [gone.id], messages=[])
        return await load(adapter)

    home.engine.load = forget_then_load
    await home.work()

    assert home.nights.last.adopted
    assert ["adopted", "interrupted"] == [one.outcome for one in await home.run(nights.newest, 9)]


async def test_a_night_that_was_killed_after_its_adoption_makes_no_second_generation(scripted):
    home = await scripted()
    await home.work(ASKED)
    await home.run(jobs.recover)  # a kill before the job was finished
    again = await home.job()
    await home.nights.work(again)
    made = await home.generations()
    await home.run(jobs.finish, again)
    await home.work({"recipe": {}, "seed": 1})

    assert (2, ["adopted"]) == (again.attempts, [one.state for one in made])
    assert 2 == len(await home.generations())


async def test_an_interrupted_night_takes_the_name_of_the_day_on_which_it_goes_on(scripted):
    home = await scripted()
    job = await home.job()
    home.now = THREE + timedelta(hours=9)
    home.gate.silent_s = 500.0  # quiet for less than a missed night wants at noon
    with pytest.raises(Postponed):
        await home.nights.work(job)
    home.now = THREE + timedelta(days=1)
    await home.nights.work(job)
    await home.run(jobs.finish, job)

    assert (None, True) == (await home.nights.due(), home.nights.last.adopted)


async def test_a_postponed_job_waits_without_an_attempt_and_who_asks_has_it_done_at_once(scripted):
    home = await scripted()
    home.machine, runner = Machine(on_battery=True), home.runner()
    await home.run(jobs.enqueue, "night", {"night": "2026-03-05"}, unique="night")
    for _ in range(4):
        await runner.look()
        await home.run(lambda db: db.execute("update jobs set run_at = null"))
    waits = await home.run(jobs.latest, "night")
    await runner.look()
    ordered = await runner.order("night", ASKED)
    await runner.look()
    done = await home.run(jobs.latest, "night")

    assert ("waiting", 0, None) == (waits.state, waits.attempts, waits.error)
    assert (waits.id, "done", True) == (ordered.id, done.state, home.nights.last.adopted)


async def test_a_night_that_waits_is_dropped_when_nights_by_themselves_were_turned_off(scripted):
    """Its day counts as free, and the checkpoint is gone; a night that is asked for runs all the same."""
    home = await scripted(by_itself=False)
    runner = home.runner()
    await home.run(jobs.enqueue, "night", {"night": "2026-03-05"}, unique="night")
    ram_folders.prepare_checkpoints(home.checkpoints)
    await runner.look()

    assert "done" == (await home.run(jobs.latest, "night")).state
    assert not await home.run(jobs.is_over, "night", "night", "2026-03-05")
    assert (None, [], False) == (home.nights.last, await home.generations(), home.checkpoints.exists())
    await runner.order("night", ASKED)
    await runner.look()
    assert home.nights.last.adopted


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(hours=-2), timedelta(days=400)])
async def test_a_clock_that_jumps_in_the_night_makes_no_second_one_of_a_day(scripted, jump):
    home, days = await scripted(), []
    for home.now in (THREE, THREE + jump, THREE + timedelta(minutes=5), THREE + timedelta(days=1)):
        if due := await home.nights.due():
            days.append(due["night"])
            job = await home.job(due)
            await home.nights.work(job)
            await home.run(jobs.finish, job)

    assert len(days) == len(set(days))
    assert {"2026-03-05", "2026-03-06"} <= set(days)


async def test_a_night_that_fails_a_second_time_is_not_tried_with_that_checkpoint_again(scripted):
    home, kept = await scripted("raise SystemExit(2)"), []
    for _ in range(2):
        job = await home.job()
        with pytest.raises(NightFailed):
            await home.nights.work(job)
        kept.append(home.checkpoints.exists())
        await home.run(jobs.fail, job, "no", retry_at=datetime.now(UTC))

    assert [True, False] == kept


async def failed(home, day, error):
    """A night of that day that was given up."""
    await home.run(jobs.enqueue, "night", {"night": day}, unique="night")
    job = await home.run(jobs.claim, "night", now=datetime.now(UTC), lease_s=60)
    await home.run(jobs.fail, job, error, retry_at=None)


@pytest.mark.parametrize(
    ("errors", "rests"),
    [
        (["the loss is nan at step 7"], False),
        (["the loss is nan at step 7", "the loss is nan at step 9"], True),
        (["the disk is full", "the loss is nan at step 9"], False),
    ],
)
async def test_a_night_that_failed_twice_alike_is_not_tried_by_itself_for_a_week(scripted, errors, rests):
    home = await scripted()
    for place, error in enumerate(errors):
        await failed(home, f"2026-03-0{2 + place}", error)
    due = await home.nights.due()
    said = home.nights.waiting
    home.now = THREE + timedelta(days=8)
    later = await home.nights.due()

    assert (rests, rests) == (due is None, "failed alike" in (said or ""))
    assert later is not None


async def test_a_night_that_diverged_is_not_tried_again_in_the_same_night(scripted):
    home = await scripted(
        'print(\'{"type": "error", "code": "diverged", "message": "Training diverged: the loss is nan."}\')'
    )
    await learn(home.store_thread, REX)
    await home.run(jobs.enqueue, "night", ASKED, unique="night")
    await home.runner().look()
    job = await home.run(jobs.latest, "night")

    assert ("failed", 1) == (job.state, job.attempts)
    assert "not tried again" in job.error


async def test_a_night_that_was_stopped_changes_nothing_and_is_not_tried_again(scripted):
    home = await scripted(SLOW)
    with pytest.raises(NightError, match="No night is under way"):
        await home.nights.stop()
    work, trainer = await home.start()
    running = home.nights.as_json()
    await home.nights.stop()
    await work

    assert trainer.gone.is_set()
    assert (False, STOPPED) == (home.nights.last.adopted, home.nights.last.reason)
    assert (True, None) == (0 <= running["whole"] <= 1, home.nights.as_json()["whole"])
    assert [] == await home.generations()
