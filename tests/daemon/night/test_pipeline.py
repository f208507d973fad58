"""Nights from the lessons to the swap, and what becomes of them when something fails or is forgotten meanwhile."""

from datetime import UTC, date, datetime

import pytest

from daemon.generations.service import restore_live
from daemon.night.errors import NightFailed
from daemon.processes.errors import ChildCrashed
from store import chats, generations, lessons, memories, notices
from store.chats import NewMessage
from store.errors import AdapterDamaged
from tests.daemon.night.fakes import BASE, LearningEngine

CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
GHENT, REX, CELLO = (
    "The user lives in Ghent.",
    "The user's dog is called Rex.",
    "The user plays the cello.",
)
DAY = date(2026, 3, 7)
ABOUT_DOG = "Question 5 about dog?"


async def test_a_night_learns_what_is_held_and_goes_live(home):
    seen = []
    await home.learn(GHENT, REX)
    report = await home.night(seen=seen)
    live = await home.live()

    assert (True, 1, 0.1, 0.5) == (report.adopted, report.generation, report.swap_ms, report.train_s)
    facts = report.exam["parts"]["facts"]
    assert (1.0, 0.0, 0.0) == (facts["candidate"], facts["live"], facts["base"])
    assert (1, [live.adapter_sha256]) == (live.id, list(home.engine.loaded))
    assert "It is Rex." == await home.answer(ABOUT_DOG)
    assert seen[-1].done == seen[-1].total
    assert [] == list((home.folder / "run").iterdir())


async def test_a_second_night_that_knows_no_more_is_refused_and_the_first_stays_live(home):
    await home.learn(GHENT)
    await home.night()
    report = await home.night()

    assert (False, ["adopted", "refused"]) == (report.adopted, await home.states())
    assert 1 == (await home.live()).id
    assert report.reason == (await home.run(generations.get, 2)).reason


async def test_a_night_by_itself_is_left_out_until_there_is_something_new_to_learn(home):
    await home.learn(GHENT)
    first = await home.night(by_itself=True)
    again = await home.night("1 / 0", by_itself=True)
    await home.learn(REX)
    after_news = await home.night(by_itself=True)

    assert [(True, 1), (False, None), (True, 2)] == [
        (one.adopted, one.generation) for one in (first, again, after_news)
    ]
    assert 0.5 == after_news.exam["parts"]["facts"]["live"]  # of the generation that answered before


async def test_a_night_by_itself_leaves_out_what_changed_a_memory_until_somebody_has_looked(home):
    told = await home.run(_said, "I live in Bruges now.")
    old = await home.learn(GHENT)
    await home.learn(REX)
    await home.run(memories.reconcile, old, "The user lives in Bruges.", told_on=DAY, sources=[told])
    await home.night(by_itself=True, look_first=True)
    first = await home.report()
    await home.run(notices.look, 3)
    await home.night(by_itself=True, look_first=True)
    second = await home.report()

    assert [("unseen", True)] == [(one["reason"], "Bruges" in one["line"]) for one in first["waiting"]]
    assert [] == second["waiting"]


def _said(db, text):
    return chats.record(db, [NewMessage(role="user", text=text)], at=datetime.now(UTC))[-1].id


async def test_lessons_of_no_single_memory_are_nothing_new_to_a_night_by_itself(home):
    await home.learn(GHENT, REX)
    await home.night(by_itself=True)
    both = lessons.NewLesson(
        question="Where do I live with which dog?",
        answer="You live in Ghent with Rex.",
        grounding=None,
        kind="two",
        split="train",
        memory_ids=(1, 2),
    )
    await home.run(lambda db: lessons.add(db, [both], by=BASE))
    again = await home.night("1 / 0", by_itself=True)

    assert (False, None) == (again.adopted, again.generation)


async def test_a_night_whose_exam_would_lack_a_part_trains_nothing_and_says_which(home):
    home.engine.is_silent = True
    await home.learn(GHENT)
    report = await home.night("1 / 0")
    shown = await home.report()

    assert (False, None) == (report.adopted, report.generation)
    assert "general" in report.reason and "general" in shown["reason"]


async def test_what_was_refused_is_not_trained_again_by_itself_until_there_is_something_new(home):
    home.engine.forgets_small_talk = True
    await home.learn(GHENT)
    made = [(await home.night(by_itself=True)).generation for _ in range(2)]
    made.append((await home.night()).generation)  # who asks gets one
    await home.learn(CELLO)

    assert [1, None, 2, 3] == [*made, (await home.night(by_itself=True)).generation]


async def test_a_trainer_that_dies_changes_nothing(home):
    await home.learn(GHENT)
    await home.night()
    before = home.engine.live
    with pytest.raises(NightFailed):
        await home.night(CRASH)

    assert (before, ["adopted"]) == (home.engine.live, await home.states())
    assert [] == list((home.folder / "run").iterdir())


@pytest.mark.parametrize("fault", ["refuses", "forgets_small_talk"])
async def test_a_candidate_that_fails_is_refused_and_unloaded(home, fault):
    setattr(home.engine, fault, True)
    await home.learn(GHENT)
    report = await home.night()

    assert (False, ["refused"]) == (report.adopted, await home.states())
    assert ({}, None) == (home.engine.loaded, home.engine.live)


async def test_what_is_forgotten_is_gone_from_the_live_weights_at_once_and_from_the_next_night(home):
    await home.learn(GHENT, REX)
    await home.night()
    done = await home.forget(2)
    at_once = home.engine.live
    report = await home.night()
    adapter = (await home.run(generations.adapter, report.generation)).decode()

    assert ((1,), 1, 0, None) == (done.report.generations, done.was_live, done.now_live, at_once)
    assert report.adopted
    assert ("Rex" in adapter, "Ghent" in adapter) == (False, True)
    assert "Rex" not in repr(await home.run(lessons.holding))


async def test_what_was_forgotten_is_not_said_any_more_when_the_engine_is_down(home):
    await home.learn(GHENT, REX)
    await home.night()
    home.engine.crashes = 99
    done = await home.forget(2)

    assert ((1,), 1, 0) == (done.report.generations, done.was_live, done.now_live)
    assert home.engine.live is None
    assert "Rex" not in await home.answer(ABOUT_DOG)


async def test_after_forgetting_the_newest_clean_generation_answers(home):
    await home.learn(GHENT)
    await home.night()
    first = home.engine.live
    added = await home.learn(CELLO)
    await home.night()
    second = home.engine.live
    done = await home.forget(added.id)

    assert (2, 1) == (done.was_live, done.now_live)
    assert home.engine.live == first != second


async def test_a_candidate_that_learned_what_is_forgotten_during_its_exam_fails(home):
    await home.learn(GHENT, REX)
    load = home.engine.load

    async def load_then_forget(adapter):
        sha256 = await load(adapter)
        await home.forget(2)
        return sha256

    home.engine.load = load_then_forget
    with pytest.raises(NightFailed, match="forgotten meanwhile"):
        await home.night()

    assert (None, {}, None) == (home.engine.live, home.engine.loaded, await home.live())


@pytest.mark.parametrize("refused", [False, True])
async def test_forgetting_at_the_end_of_the_exam_fails_the_night_whatever_its_verdict(home, refused):
    home.engine.forgets_small_talk = refused
    await home.learn(GHENT, REX)
    unload = home.engine.unload

    async def unload_then_forget(sha256):
        await unload(sha256)
        await home.run(memories.forget, [2])

    home.engine.unload = unload_then_forget
    with pytest.raises(NightFailed, match="forgotten meanwhile"):
        await home.night()

    assert ["tainted"] == await home.states()


async def test_a_swap_during_which_the_engine_dies_is_made_again(home):
    await home.learn(GHENT)
    home.engine.crashes = 1
    report = await home.night()

    assert (True, 1) == (report.adopted, report.generation)
    assert (await home.live()).adapter_sha256 == home.engine.live
    assert report.swap_ms is not None


async def test_a_swap_that_fails_for_good_fails_the_night(home):
    await home.learn(GHENT)
    home.engine.crashes = 99
    with pytest.raises(ChildCrashed):
        await home.night()


async def test_a_refused_adapter_and_one_left_by_a_crash_are_not_kept(home):
    home.engine.forgets_small_talk = True
    await home.learn(GHENT)
    await home.run(generations.propose, b"GGUF", base_sha256=BASE, lesson_ids=[])
    await home.night()

    for number in (1, 2):
        with pytest.raises(AdapterDamaged, match="it was deleted"):
            await home.run(generations.adapter, number)
    assert ["refused", "refused"] == await home.states()


async def test_at_start_the_live_generation_of_this_model_is_adopted(home):
    await home.learn(GHENT)
    await home.night()
    engine, other = LearningEngine(), LearningEngine()
    restored = await restore_live(home.store_thread, engine, BASE)

    assert (1, restored.adapter_sha256) == (restored.id, engine.live)
    assert await restore_live(home.store_thread, other, "c" * 64) is None
    assert other.live is None


async def test_a_damaged_generation_is_passed_over_and_that_is_recorded(home):
    await home.learn(GHENT)
    await home.night()
    await home.learn(CELLO)
    await home.night()
    found = []
    for damaged in (2, 1):
        await home.run(
            lambda db, id=damaged: db.execute("update generations set adapter = x'00' where id = ?", (id,))
        )
        found.append((await restore_live(home.store_thread, home.engine, BASE), await home.live()))
    (older, recorded), nothing = found
    told = [(one.kind, one.about) for one in await home.run(notices.unseen)]

    assert (1, 1) == (older.id, recorded.id)
    assert (None, None) == nothing
    assert [
        ("adapter", {"generation": 2, "instead": 1}),
        ("adapter", {"generation": 1, "instead": 0}),
    ] == told
    assert home.engine.live is None
