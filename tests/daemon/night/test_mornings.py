"""Every night leaves a record, whatever becomes of it; reports are joined from it."""

import asyncio
from datetime import date

import pytest

from daemon.night.errors import NightFailed
from daemon.night.report import report_on
from daemon.processes.errors import ChildCrashed
from store import generations, memories, nights
from store.errors import AdapterDamaged, NotFound
from tests.daemon.night.fakes import LearningEngine, forget, learn, night, told

GHENT, REX = "The user lives in Ghent.", "The user's dog is called Rex."


async def test_a_night_tells_what_it_learned_and_corrected(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT, REX) as store_thread:
        await night(store_thread, engine, tmp_path)
        first = await store_thread.run(report_on, None)
        old = await store_thread.run(memories.get, 1)
        await store_thread.run(
            memories.reconcile, old, "The user lives in Oslo.", told_on=date(2026, 4, 1), sources=()
        )
        await learn(store_thread, "The user plays the cello.", on=date(2026, 4, 1))
        report = await night(store_thread, engine, tmp_path)
        second = await store_thread.run(report_on, None)

    assert [1, 2] == [one["id"] for one in first["learned"]]
    assert (report.adopted, report.reason) == (second["outcome"] == "adopted", second["reason"])
    assert ["2026-04-01: The user plays the cello."] == [one["line"] for one in second["learned"]]
    assert [(3, "2026-03-05: The user lives in Ghent.")] == [
        (one["id"], one["was"]) for one in second["corrected"]
    ]
    assert (1, 2, 0.5) == (second["was_live"], second["generation"], second["cost"]["train_s"])


async def test_a_memory_that_no_lesson_could_be_made_of_waits_and_is_tried_again_the_next_night(
    tmp_path, caplog
):
    engine = LearningEngine()
    asked, engine.scripts["ask"] = (
        engine.scripts["ask"],
        lambda line: [] if "Rex" in line else asked(line),
    )
    async with told(tmp_path, GHENT, REX) as store_thread:
        await night(store_thread, engine, tmp_path)
        first = await store_thread.run(report_on, None)
        engine.scripts["ask"] = asked
        await night(store_thread, engine, tmp_path)
        second = await store_thread.run(report_on, None)

    assert [1] == [one["id"] for one in first["learned"]]
    assert [(2, "unasked")] == [(one["id"], one["reason"]) for one in first["waiting"]]
    assert ([2], []) == ([one["id"] for one in second["learned"]], second["waiting"])
    assert "no lessons could be made of 1 memory" in caplog.text
    assert "Rex" not in caplog.text


async def test_a_night_that_is_cut_off_after_its_adoption_says_so(tmp_path):
    """A kill leaves what the store holds when the swap begins; a shutdown then does not change it."""
    engine, reports = LearningEngine(), []
    async with told(tmp_path, GHENT) as store_thread:

        async def cut_off(adapter):
            reports.append(await store_thread.run(report_on, None))
            raise asyncio.CancelledError

        engine.adopt = cut_off
        with pytest.raises(asyncio.CancelledError):
            await night(store_thread, engine, tmp_path)
        await store_thread.run(nights.recover)
        reports.append(await store_thread.run(report_on, None))

    assert [("adopted", 1)] * 2 == [(one["outcome"], one["generation"]) for one in reports]


async def test_what_is_forgotten_is_in_no_report_and_the_next_one_counts_it(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT, REX) as store_thread:
        await night(store_thread, engine, tmp_path)
        await forget(store_thread, engine, [2])
        first = await store_thread.run(report_on, 1)
        await night(store_thread, engine, tmp_path)
        kept = await store_thread.run(lambda db: list(db.execute("select numbers, backend from nights")))
        second = await store_thread.run(report_on, 2)

    assert ([1], 1) == ([one["id"] for one in first["learned"]], first["forgotten_since"])
    assert ("adopted", 0) == (first["outcome"], first["gave_way_to"])
    assert "held-out questions right" in first["reason"]
    assert second["gave_way_to"] is None
    assert (1, 1) == (second["forgot"]["memories"], second["forgot"]["generations"])
    assert "Rex" not in repr((first, second, kept))
    assert "Ghent" not in repr(kept)


@pytest.mark.parametrize(
    ("prepare", "script", "outcome", "words"),
    [
        ((), "", "nothing", "nothing to learn"),
        ((GHENT,), "import sys; sys.exit(2)", "failed", "live generation is untouched"),
    ],
)
async def test_a_night_without_a_generation_is_recorded_too(tmp_path, prepare, script, outcome, words):
    async with told(tmp_path, *prepare) as store_thread:
        try:
            await night(store_thread, LearningEngine(), tmp_path, script=script)
        except NightFailed:
            pass
        found = await store_thread.run(report_on, None)

    assert (outcome, None) == (found["outcome"], found["generation"])
    assert words in found["reason"]


async def test_a_night_that_is_cancelled_was_interrupted(tmp_path):
    async with told(tmp_path, GHENT) as store_thread:
        task = asyncio.create_task(
            night(store_thread, LearningEngine(), tmp_path, script="import time; time.sleep(60)")
        )
        while not list((tmp_path / "run").glob("*")) if (tmp_path / "run").exists() else True:
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        found = (await store_thread.run(nights.newest, 1))[0]

    assert "interrupted" == found.outcome


async def test_a_generation_that_tells_what_was_taken_back_gives_way(tmp_path):
    """Nothing new was told, but one memory was undone: the live generation still tells it, the new one doesn't."""

    engine = LearningEngine()
    async with told(tmp_path, GHENT, REX) as store_thread:
        await night(store_thread, engine, tmp_path)
        await store_thread.run(memories.undo, 2, today=date(2026, 4, 1))
        report, found = (
            await night(store_thread, engine, tmp_path, by_itself=True),
            await store_thread.run(report_on, None),
        )

    assert report.adopted, report.reason
    assert "no longer tells what holds no more" in report.reason
    assert [2] == [one["id"] for one in found["taken_back"]]


class DiesInTheExam(LearningEngine):
    async def complete(self, messages, *, adapter="live", **rest):
        if adapter in self.loaded:  # the candidate answers
            raise ChildCrashed("engine", exit_code=-9)
        return await super().complete(messages, adapter=adapter, **rest)


async def test_an_exam_that_could_not_be_held_to_its_end_has_failed_and_its_adapter_is_deleted(tmp_path):
    engine = DiesInTheExam()
    async with told(tmp_path, GHENT) as store_thread:
        with pytest.raises(ChildCrashed):
            await night(store_thread, engine, tmp_path)
        with pytest.raises(AdapterDamaged, match="it was deleted"):
            await store_thread.run(generations.adapter, 1)
        made, (found,), live = (
            await store_thread.run(generations.get, 1),
            await store_thread.run(nights.newest, 1),
            engine.live,
        )

    assert ("refused", generations.INTERRUPTED, None) == (made.state, made.reason, live)
    assert ("failed", 1) == (found.outcome, found.generation_id)


async def test_before_the_first_night_there_is_no_report(tmp_path):
    async with told(tmp_path) as store_thread:
        with pytest.raises(NotFound, match="tsubasa night"):
            await store_thread.run(report_on, None)
