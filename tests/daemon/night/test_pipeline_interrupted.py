"""Nights that are interrupted by `forget`, by a dying engine, or have nothing to do."""

import logging
from datetime import date

import pytest

from daemon.night.errors import NightFailed
from daemon.processes.errors import ChildCrashed
from store import generations, memories
from store.errors import AdapterDamaged
from tests.daemon.night.fakes import BASE, LearningEngine, forget, night, told

GHENT, REX = "The user lives in Ghent.", "The user's dog is called Rex."
QUESTION = [{"role": "user", "content": "Question 5 about dog?"}]


async def test_what_was_forgotten_is_not_said_any_more_when_the_engine_is_down(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT, REX) as store_thread:
        await night(store_thread, engine, tmp_path)
        before = (await engine.complete(QUESTION)).text
        engine.crashes = 99
        done = await forget(store_thread, engine, [2])
        live, after = engine.live, (await engine.complete(QUESTION)).text

    assert ("It is Rex.", (1,), 1, 0) == (before, done.report.generations, done.was_live, done.now_live)
    assert live is None
    assert "Rex" not in after


async def test_a_candidate_that_learned_what_is_forgotten_during_its_exam_fails(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT, REX) as store_thread:
        load = engine.load

        async def load_then_forget(adapter):
            sha256 = await load(adapter)
            await forget(store_thread, engine, [2])
            return sha256

        engine.load = load_then_forget
        with pytest.raises(NightFailed, match="forgotten meanwhile"):
            await night(store_thread, engine, tmp_path)
        found = engine.live, engine.loaded, await store_thread.run(generations.live, BASE)

    assert (None, {}, None) == found


@pytest.mark.parametrize("engine", [LearningEngine(), LearningEngine(forgets_small_talk=True)])
async def test_forgetting_at_the_end_of_the_exam_fails_the_night_whatever_its_verdict(tmp_path, engine):
    async with told(tmp_path, GHENT, REX) as store_thread:
        unload = engine.unload

        async def unload_then_forget(sha256):
            await unload(sha256)
            await store_thread.run(memories.forget, [2])

        engine.unload = unload_then_forget
        with pytest.raises(NightFailed, match="forgotten meanwhile"):
            await night(store_thread, engine, tmp_path)
        found = [one.state for one in await store_thread.run(generations.all)]

    assert ["tainted"] == found


async def test_a_swap_during_which_the_engine_dies_is_made_again(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        engine.crashes = 1
        report = await night(store_thread, engine, tmp_path)
        answering, live = engine.live, await store_thread.run(generations.live, BASE)

    assert (True, 1, live.adapter_sha256) == (report.adopted, report.generation, answering)
    assert report.swap_ms is not None


async def test_a_swap_that_fails_for_good_fails_the_night(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        engine.crashes = 99
        with pytest.raises(ChildCrashed):
            await night(store_thread, engine, tmp_path)


async def test_a_night_by_itself_is_left_out_when_there_is_nothing_new_to_learn(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        first = await night(store_thread, engine, tmp_path, by_itself=True)
        again = await night(store_thread, engine, tmp_path, script="1 / 0", by_itself=True)
        await store_thread.run(memories.add, REX, told_on=date(2026, 3, 6), sources=())
        after_news = await night(store_thread, engine, tmp_path, by_itself=True)

    assert (True, None, False) == (first.adopted, again.generation, again.adopted)
    assert again.reason.startswith("nothing new to learn: generation 1")
    assert after_news.adopted


async def test_a_refused_adapter_and_one_left_by_a_crash_are_not_kept(tmp_path):
    engine = LearningEngine(forgets_small_talk=True)
    async with told(tmp_path, GHENT) as store_thread:
        await store_thread.run(generations.propose, b"GGUF", base_sha256=BASE, lesson_ids=[])
        await night(store_thread, engine, tmp_path)
        for number in (1, 2):
            with pytest.raises(AdapterDamaged, match="it was deleted: the generation is refused"):
                await store_thread.run(generations.adapter, number)
        found = [one.state for one in await store_thread.run(generations.all)]

    assert ["refused", "refused"] == found


async def test_the_log_tells_nothing_of_memories(tmp_path, caplog):
    async def run():
        engine = LearningEngine()
        engine.scripts["ask"] = lambda line: []
        async with told(tmp_path, REX) as store_thread:
            await night(store_thread, engine, tmp_path, script="")

    with caplog.at_level(logging.INFO):
        await run()

    assert "of 1 memory" in caplog.text
    assert "Rex" not in caplog.text
