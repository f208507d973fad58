import pytest

from daemon.generations.service import restore_live
from daemon.night.errors import NightFailed
from store import generations, lessons
from tests.daemon.night.fakes import BASE, LearningEngine, forget, learn, night, told

CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


async def test_a_night_learns_what_is_held_and_goes_live(tmp_path):
    engine, seen = LearningEngine(), []
    async with told(tmp_path, "The user lives in Ghent.", "The user's dog is called Rex.") as store_thread:
        report = await night(store_thread, engine, tmp_path, seen=seen)
        live = await store_thread.run(generations.live, BASE)
        answer = await engine.complete([{"role": "user", "content": "Question 5 about dog?"}])
        answer = answer.text

    assert (True, 1, 0.1, 0.5) == (report.adopted, report.generation, report.swap_ms, report.train_s)
    assert "2 of 2 held-out questions right" in report.reason
    assert (1.0, 0.0, 0.0) == tuple(
        report.exam["parts"]["facts"][who] for who in ("candidate", "live", "base")
    )
    assert (1, "It is Rex.", [live.adapter_sha256]) == (live.id, answer, list(engine.loaded))
    assert seen[-1].done == seen[-1].total
    assert [] == list((tmp_path / "run").iterdir())


async def test_without_memories_there_is_nothing_to_learn(tmp_path):
    async with told(tmp_path) as store_thread:
        report = await night(store_thread, LearningEngine(), tmp_path, script=CRASH)

    assert (False, None, None) == (report.adopted, report.generation, report.swap_ms)
    assert report.reason.startswith("nothing to learn")


async def test_a_second_night_that_knows_no_more_is_refused_and_the_first_stays_live(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, "The user lives in Ghent.") as store_thread:
        await night(store_thread, engine, tmp_path)
        report = await night(store_thread, engine, tmp_path)
        every, live = await store_thread.run(generations.all), await store_thread.run(generations.live, BASE)

    assert (False, ["adopted", "refused"], 1) == (report.adopted, [one.state for one in every], live.id)
    assert report.reason == every[1].reason
    assert "knows no more" in report.reason


async def test_what_was_refused_is_not_trained_again_by_itself_until_there_is_something_new(tmp_path):
    engine = LearningEngine(forgets_small_talk=True)
    async with told(tmp_path, "The user lives in Ghent.") as store_thread:
        made = [(await night(store_thread, engine, tmp_path, by_itself=True)).generation for _ in range(2)]
        made.append((await night(store_thread, engine, tmp_path)).generation)  # who asks gets one
        await learn(store_thread, "The user plays the cello.")
        found = [*made, (await night(store_thread, engine, tmp_path, by_itself=True)).generation]

    assert [1, None, 2, 3] == found


async def test_a_night_after_a_new_memory_is_compared_with_the_live_generation(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, "The user lives in Ghent.") as store_thread:
        await night(store_thread, engine, tmp_path)
        await learn(store_thread, "The user plays the cello.")
        report = await night(store_thread, engine, tmp_path)

    assert (True, 2, 0.5) == (report.adopted, report.generation, report.exam["parts"]["facts"]["live"])


@pytest.mark.parametrize("script", [CRASH, "print('what?')", "import sys; sys.exit(2)"])
async def test_a_trainer_that_dies_changes_nothing(tmp_path, script):
    engine = LearningEngine()
    async with told(tmp_path, "The user lives in Ghent.") as store_thread:
        await night(store_thread, engine, tmp_path)
        before = engine.live
        with pytest.raises(NightFailed, match="live generation is untouched"):
            await night(store_thread, engine, tmp_path, script=script)
        after, every = engine.live, await store_thread.run(generations.all)

    assert (before, 1) == (after, len(every))
    assert [] == list((tmp_path / "run").iterdir())


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (LearningEngine(refuses=True), "its shapes are wrong"),
        (LearningEngine(forgets_small_talk=True), "talks unlike"),
    ],
)
async def test_a_candidate_that_fails_is_refused_and_unloaded(tmp_path, engine, words):
    async with told(tmp_path, "The user lives in Ghent.") as store_thread:
        report = await night(store_thread, engine, tmp_path)
        kept = (await store_thread.run(generations.all))[0]

    assert (False, "refused", {}, None) == (report.adopted, kept.state, engine.loaded, engine.live)
    assert words in report.reason


async def test_what_is_forgotten_is_gone_from_the_live_weights_at_once_and_from_the_next_night(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, "The user lives in Ghent.", "The user's dog is called Rex.") as store_thread:
        await night(store_thread, engine, tmp_path)
        done = await forget(store_thread, engine, [2])
        at_once = engine.live
        report = await night(store_thread, engine, tmp_path)
        adapter = await store_thread.run(generations.adapter, report.generation)
        adapter, held = adapter.decode(), await store_thread.run(lessons.holding)

    assert ((1,), 1, 0, None) == (done.report.generations, done.was_live, done.now_live, at_once)
    assert report.adopted
    assert "Rex" not in adapter
    assert "Ghent" in adapter
    assert not any("Rex" in f"{one.question} {one.answer} {one.grounding}" for one in held)


async def test_after_forgetting_the_newest_clean_generation_answers(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, "The user lives in Ghent.") as store_thread:
        await night(store_thread, engine, tmp_path)
        first = engine.live
        added = await learn(store_thread, "The user plays the cello.")
        await night(store_thread, engine, tmp_path)
        second, done, now = (
            engine.live,
            await forget(store_thread, engine, [added.id]),
            engine.live,
        )

    assert (2, 1, first, True) == (done.was_live, done.now_live, now, first != second)


async def test_at_start_the_live_generation_of_this_model_is_adopted(tmp_path):
    async with told(tmp_path, "The user lives in Ghent.") as store_thread:
        await night(store_thread, LearningEngine(), tmp_path)
        engine, other = LearningEngine(), LearningEngine()
        restored = await restore_live(store_thread, engine, BASE)
        nothing = await restore_live(store_thread, other, "c" * 64)
        live, other = engine.live, other.live

    assert (1, restored.adapter_sha256, None, None) == (restored.id, live, nothing, other)


def _damage(db, generation_id):
    db.execute("update generations set adapter = x'00' where id = ?", (generation_id,))


async def test_a_damaged_generation_is_passed_over_and_that_is_recorded(tmp_path):
    async with told(tmp_path, "The user lives in Ghent.") as store_thread:
        engine = LearningEngine()
        await night(store_thread, engine, tmp_path)
        await learn(store_thread, "The user plays the cello.")
        await night(store_thread, engine, tmp_path)
        await store_thread.run(_damage, 2)
        older = await restore_live(store_thread, engine, BASE)
        recorded = await store_thread.run(generations.live, BASE)
        await store_thread.run(_damage, 1)
        none = await restore_live(store_thread, engine, BASE)
        live, last = engine.live, await store_thread.run(generations.live, BASE)

    assert (1, 1, None, None, None) == (older.id, recorded.id, none, live, last)
