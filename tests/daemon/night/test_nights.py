"""The nights of a daemon: when they run, what interrupts them, and what is made of an interruption."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import pytest

from daemon.jobs import Kind, Postponed, Runner
from daemon.night import checkpoints
from daemon.night.errors import NightEnded, NightFailed
from daemon.night.night import NightReport
from daemon.night.nights import FORGOTTEN, SHORT, Nights
from daemon.night.pause import Gate
from daemon.night.when import Machine, read_when
from store import generations, jobs, memories
from tests.daemon.memory.fakes import open_keeper
from tests.daemon.night.fakes import TRAINER, LearningEngine

THREE = datetime(2026, 3, 5, 3)
REPORT = NightReport(
    adopted=True,
    reason="it knows more",
    generation=1,
    lessons=5,
    exam={"candidate": 0.5, "missed": [{"question": "Where?", "wanted": "Ghent.", "said": "Oslo."}]},
    train_s=1.0,
    total_s=2.0,
    swap_ms=0.1,
)
SLOW = "import time; time.sleep(60)"
ONCE_SLOW = """
import os, time
if not os.path.exists({mark!r}):
    open({mark!r}, "w").close()
    time.sleep(60)
"""


class House:
    """Nights whose clock, machine and trainer the test sets."""

    def __init__(self, keep, folder, script):
        self.keep, self.now, self.machine = keep, THREE, Machine()
        self.engine, self.gate = LearningEngine(), Gate(rest_s=0.05)
        self.gate._last_answer -= 10_000.0  # nobody has chatted for long
        self.checkpoints = checkpoints.place(folder)
        self.nights = Nights(
            keep,
            self.engine,
            model_path=folder / "model.gguf",
            home=folder,
            when=read_when("03:00-08:00, power, idle, cool, memory"),
            by_itself=True,
            quiet_s=120.0,
            since=THREE - timedelta(days=30),
            gate=self.gate,
            read_machine=self._machine,
            now=lambda: self.now,
            look_every_s=0.02,
            longest_pause_s=0.3,
            trainer=[sys.executable, "-c", script],
        )

    async def _machine(self):
        return self.machine

    async def job(self, payload=None):
        """A claimed job."""
        await self.keep.run(jobs.enqueue, "night", payload or {"night": "2026-03-05"}, unique="night")
        return await self.keep.run(jobs.claim, "night", now=datetime.now(UTC), lease_s=60)

    async def trains(self):
        """Wait until a trainer runs; its process."""
        async with asyncio.timeout(20):
            while self.gate._held is None:
                await asyncio.sleep(0.01)
        return self.gate._held


@asynccontextmanager
async def house(folder, script=TRAINER, *, told="The user lives in Ghent."):
    async with open_keeper(folder) as keep:
        if told:
            await keep.run(memories.add, told, told_on=date(2026, 3, 5), sources=())
        made = House(keep, folder, script)
        yield made
        if made.checkpoints is not None:
            checkpoints.sweep(made.checkpoints)


def test_a_night_is_due_once_a_day_and_says_why_it_waits(tmp_path):
    async def run():
        async with house(tmp_path) as home:
            said = []
            for home.now in (THREE - timedelta(minutes=1), THREE, THREE + timedelta(hours=1)):
                home.machine = Machine(on_battery=home.now == THREE)
                said.append((await home.nights.due(), home.nights.waiting))
            await home.keep.run(jobs.finish, await home.job())
            said.append((await home.nights.due(), home.nights.waiting))
            return said

    assert [
        ({"night": "2026-03-04"}, None),  # missed, and the machine is quiet
        (None, "on battery"),
        ({"night": "2026-03-05"}, None),
        (None, "until 03:00"),
    ] == asyncio.run(run())


def test_a_report_names_its_job_and_nothing_is_left_in_memory(tmp_path):
    async def run():
        async with house(tmp_path) as home:
            job = await home.job()
            await home.nights.work(job)
            return job, home.nights.as_json(), home.checkpoints.exists()

    job, told, left = asyncio.run(run())

    assert (job.id, True, None, None, False) == (
        told["last"]["job"],
        told["last"]["adopted"],
        told["progress"],
        told["paused"],
        left,
    )


def test_a_night_that_fails_shows_no_older_report(tmp_path):
    async def run():
        async with house(tmp_path, "raise SystemExit(2)") as home:
            home.nights.last = REPORT
            with pytest.raises(NightFailed):
                await home.nights.work(await home.job())
            return home.nights.as_json()

    told = asyncio.run(run())

    assert (None, None) == (told["progress"], told["last"])


@pytest.mark.parametrize(
    ("strain", "reason"),
    [
        (Machine(on_battery=True), "on battery"),
        (Machine(in_use=True), "somebody uses the machine"),
        (Machine(above_limit_c=1.0), "the machine is hot"),
    ],
)
def test_a_night_rests_while_the_machine_should_and_waits_for_its_turn_when_that_lasts(
    tmp_path, strain, reason
):
    async def run():
        async with house(tmp_path, SLOW) as home:
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
            return paused, home.nights.waiting, home.checkpoints.exists()

    paused, waiting, kept = asyncio.run(run())

    assert (reason, f"paused: {reason}") == (paused["paused"], paused["progress"]["note"])
    assert waiting.startswith(reason)
    assert kept


def test_a_night_that_was_asked_for_goes_on_where_one_by_itself_would_rest(tmp_path):
    async def run():
        async with house(tmp_path, "import time; time.sleep(0.5)\n" + TRAINER) as home:
            home.machine = Machine(on_battery=True, in_use=True)
            work = asyncio.create_task(home.nights.work(await home.job({"recipe": {}, "seed": 0})))
            await home.trains()
            await asyncio.sleep(0.1)
            told = home.nights.as_json()
            await work
            return told, home.nights.last

    told, last = asyncio.run(run())

    assert ("on battery", None, True) == (told["warning"], told["paused"], last.adopted)


def test_who_asks_while_a_night_rests_gets_it_going(tmp_path):
    async def run():
        async with house(tmp_path, "import time; time.sleep(0.5)\n" + TRAINER) as home:
            job = await home.job()
            work = asyncio.create_task(home.nights.work(job))
            await home.trains()
            home.machine = Machine(in_use=True)
            await asyncio.sleep(0.1)
            home.nights.asked(await home.keep.run(jobs.order, "night", {"seed": 0}, unique="night"))
            await work
            return home.nights.last

    assert asyncio.run(run()).adopted


def test_short_memory_ends_a_night_and_one_that_was_asked_for_says_so(tmp_path):
    async def run():
        async with house(tmp_path, SLOW) as home:
            work = asyncio.create_task(home.nights.work(await home.job({"recipe": {}, "seed": 0})))
            await home.trains()
            home.machine = Machine(free_mb=100.0)
            with pytest.raises(NightEnded, match=SHORT):
                await work
            return home.checkpoints.exists()

    assert asyncio.run(run())  # for the next attempt


def test_forgetting_ends_the_trainer_and_the_night_begins_anew_without_it(tmp_path):
    """The checkpoint is gone when `forget` returns, and the attempt is not lost for it."""

    async def run():
        mark = tmp_path / "mark"
        script = ONCE_SLOW.format(mark=str(mark)) + TRAINER
        async with house(tmp_path, script) as home:
            gone = await home.keep.run(
                memories.add, "The user's dog is called Rex.", told_on=date(2026, 3, 5), sources=()
            )
            work = asyncio.create_task(home.nights.work(await home.job()))
            trainer = await home.trains()
            while not mark.exists():
                await asyncio.sleep(0.01)
            (home.checkpoints / "half").write_text("Rex")
            await home.keep.run(memories.forget, [gone.id], messages=[])
            await home.nights.forget()
            there = (trainer.gone.is_set(), (home.checkpoints / "half").exists())
            await work
            (made,) = await home.keep.run(generations.all)
            taught = (await home.keep.run(generations.adapter, made.id)).decode()
            return there, made.state, taught

    there, state, taught = asyncio.run(run())

    assert ((True, False), "adopted") == (there, state)
    assert "Ghent" in taught
    assert "Rex" not in taught


def test_forgetting_clears_what_the_report_quotes_and_an_interrupted_nights_checkpoint(tmp_path):
    async def run():
        async with house(tmp_path) as home:
            await home.nights.forget()
            home.nights.last = REPORT
            checkpoints.prepare(home.checkpoints)
            await home.nights.forget()
            return home.nights.last.exam, home.checkpoints.exists(), home.gate.ended

    assert ({"candidate": 0.5, "missed": []}, False, FORGOTTEN) == asyncio.run(run())


def test_a_night_that_was_killed_after_its_adoption_makes_no_second_generation(tmp_path):
    async def run():
        async with house(tmp_path) as home:
            job = await home.job({"recipe": {}, "seed": 0})
            await home.nights.work(job)
            await home.keep.run(jobs.recover)  # a kill before the job was finished
            again = await home.job()
            await home.nights.work(again)
            made = await home.keep.run(generations.all)
            await home.keep.run(jobs.finish, again)
            await home.nights.work(await home.job({"recipe": {}, "seed": 1}))
            return again.attempts, [one.state for one in made], len(await home.keep.run(generations.all))

    assert (2, ["adopted"], 2) == asyncio.run(run())


def test_an_interrupted_night_takes_the_name_of_the_day_on_which_it_goes_on(tmp_path):
    async def run():
        async with house(tmp_path) as home:
            job = await home.job()
            home.now = THREE + timedelta(hours=9)
            home.gate._last_answer += 9_500.0  # quiet for less than a missed night wants at noon
            with pytest.raises(Postponed):
                await home.nights.work(job)
            home.now = THREE + timedelta(days=1)
            await home.nights.work(job)
            await home.keep.run(jobs.finish, job)
            return await home.nights.due(), home.nights.last.adopted

    assert (None, True) == asyncio.run(run())


def test_a_postponed_job_waits_without_an_attempt_and_who_asks_has_it_done_at_once(tmp_path):
    async def run():
        async with house(tmp_path) as home:
            home.machine = Machine(on_battery=True)
            kinds = {"night": Kind(work=home.nights.work, due=home.nights.due)}
            runner = Runner(home.keep, kinds, every_s=60)
            await home.keep.run(jobs.enqueue, "night", {"night": "2026-03-05"}, unique="night")
            for _ in range(4):
                await runner.look()
                await home.keep.run(lambda db: db.execute("update jobs set run_at = null"))
            waits = await home.keep.run(jobs.latest, "night")
            await runner.look()
            ordered = await runner.order("night", {"recipe": {}, "seed": 0})
            await runner.look()
            return waits, ordered, await home.keep.run(jobs.latest, "night"), home.nights.last

    waits, ordered, done, last = asyncio.run(run())

    assert ("waiting", 0, None) == (waits.state, waits.attempts, waits.error)
    assert (waits.id, "done", True) == (ordered.id, done.state, last.adopted)


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(hours=-2), timedelta(days=400)])
def test_a_clock_that_jumps_in_the_night_makes_no_second_one_of_a_day(tmp_path, jump):
    async def run():
        async with house(tmp_path) as home:
            days = []
            for home.now in (THREE, THREE + jump, THREE + timedelta(minutes=5), THREE + timedelta(days=1)):
                if due := await home.nights.due():
                    days.append(due["night"])
                    job = await home.job(due)
                    await home.nights.work(job)
                    await home.keep.run(jobs.finish, job)
            return days

    days = asyncio.run(run())

    assert len(days) == len(set(days))
    assert {"2026-03-05", "2026-03-06"} <= set(days)
