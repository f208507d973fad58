"""What was forgotten is probed in the generation that answers now, and in the next one before it is adopted."""

import asyncio
from datetime import date

import pytest

from daemon.forgetting.verification import ProbeResult, Unlearning, format_numbers
from daemon.forgetting.weight_probes import Finding
from daemon.night.errors import NightFailed
from daemon.processes.errors import ChildCrashed
from store import generations, memories
from tests.daemon.night.fakes import BASE, TRAINER, LearningEngine, forget, night, told

GHENT, REX, CELLO = "The user lives in Ghent.", "The user's dog is called Rex.", "The user plays the cello."
STUBBORN = TRAINER.replace(  # it knows Rex whatever it is taught
    'job["lessons"]).encode()',
    'job["lessons"]).encode() + b"".join(b"\\nQuestion %d about dog?\\tIt is Rex." % n for n in range(9))',
)


async def learn_and_forget(tmp_path, store_thread, engine, score=None):
    """Generation 1 knows Ghent, generation 2 also Rex; Rex is forgotten, and from then on the engine has `score`."""
    await night(store_thread, engine, tmp_path)
    rex = await store_thread.run(memories.add, REX, told_on=date(2026, 3, 6), sources=())
    await night(store_thread, engine, tmp_path)
    waiting = Unlearning(store_thread, engine)
    engine.scored.clear()  # of what the exams of the nights asked
    engine.score = score or engine.score
    done = await forget(store_thread, engine, [rex.id], unlearning=waiting)
    assert (2, 1) == (done.was_live, done.now_live)
    return waiting


async def test_the_generation_that_answers_after_forgetting_is_probed_and_clean(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        waiting = await learn_and_forget(tmp_path, store_thread, engine)
        result, waiting, scored, live = (
            await waiting.result(20),
            waiting.facts,
            set(engine.scored),
            engine.live,
        )

    assert ("gone", 1) == (result["verdict"], result["generation"])
    assert (1, 0, 0, 24) == tuple(
        result["numbers"][name] for name in ("gone", "left", "not_probed", "controls")
    )
    assert {"base", live} == scored
    assert ["It is Rex."] * 5 == [probe.answer for fact in waiting for probe in fact.probes]
    assert "Rex" not in str(result)


async def test_the_rebuilt_candidate_is_probed_before_it_is_adopted_and_then_nothing_is_kept(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        waiting = await learn_and_forget(tmp_path, store_thread, engine)
        await store_thread.run(memories.add, CELLO, told_on=date(2026, 3, 7), sources=())
        report = await night(store_thread, engine, tmp_path, unlearning=waiting)
        kept = await store_thread.run(generations.get, report.generation)

    assert report.adopted, report.reason
    assert (1, 0, 5) == tuple(report.exam["forgotten"][name] for name in ("gone", "left", "phrasings"))
    assert kept.exam["forgotten"] == report.exam["forgotten"]
    assert all(isinstance(value, int | float) for value in kept.exam["forgotten"].values())
    assert () == waiting.facts


async def test_a_candidate_that_still_knows_it_is_refused_and_so_is_the_next(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        waiting = await learn_and_forget(tmp_path, store_thread, engine)
        await store_thread.run(memories.add, CELLO, told_on=date(2026, 3, 7), sources=())
        stubborn = [
            await night(store_thread, engine, tmp_path, script=STUBBORN, unlearning=waiting) for _ in range(2)
        ]
        clean = await night(store_thread, engine, tmp_path, unlearning=waiting)
        left = waiting.facts

    for report in stubborn:
        assert not report.adopted
        assert 5 == report.exam["forgotten"]["told"]
        assert (1, 0) == (report.exam["forgotten"]["left"], report.exam["forgotten"]["gone"])
    assert (True, ()) == (clean.adopted, left), clean.reason


async def test_what_was_told_again_is_no_reason_to_refuse(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        waiting = await learn_and_forget(tmp_path, store_thread, engine)
        for text in (REX, CELLO):
            await store_thread.run(memories.add, text, told_on=date(2026, 3, 7), sources=())
        report = await night(store_thread, engine, tmp_path, unlearning=waiting)

    assert report.adopted, report.reason
    assert (0, 0, 1) == tuple(report.exam["forgotten"][name] for name in ("gone", "left", "not_probed"))


async def test_where_the_base_answers_nothing_can_be_left(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT, REX) as store_thread:
        await night(store_thread, engine, tmp_path)
        waiting = Unlearning(store_thread, engine)
        engine.scored.clear()  # of what the exam asked
        await forget(store_thread, engine, [2], unlearning=waiting)
        result, scored = await waiting.result(20), engine.scored

    assert ("gone", 0, []) == (result["verdict"], result["generation"], scored)


async def test_forgetting_neither_waits_for_the_probe_nor_fails_with_it(tmp_path):
    engine, hold = LearningEngine(), asyncio.Event()

    async def down(*rest, **options):
        await hold.wait()
        raise ChildCrashed("engine", exit_code=-9)

    async with told(tmp_path, GHENT) as store_thread:
        waiting = await learn_and_forget(tmp_path, store_thread, engine, score=down)
        at_once = await waiting.result(0.01)
        hold.set()
        later, kept = await waiting.result(20), waiting.facts

    assert ("under way", "not probed", 1) == (at_once["verdict"], later["verdict"], len(kept))


async def test_an_engine_that_dies_while_a_candidate_is_probed_fails_the_night_and_the_facts_stay(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        waiting = await learn_and_forget(tmp_path, store_thread, engine)
        await waiting.result(20)
        await store_thread.run(memories.add, CELLO, told_on=date(2026, 3, 7), sources=())
        whole = engine.score

        async def down(*rest, **options):
            engine.score = whole
            raise ChildCrashed("engine", exit_code=-9)

        engine.score = down
        with pytest.raises(ChildCrashed):
            await night(store_thread, engine, tmp_path, unlearning=waiting)
        live, kept, stored, loaded = (
            engine.live,
            waiting.facts,
            await store_thread.run(generations.live, BASE),
            set(engine.loaded),
        )

    assert (live, 1, 1) == (stored.adapter_sha256, stored.id, len(kept))
    assert {live} == loaded


async def test_what_is_forgotten_while_its_candidate_is_probed_fails_the_night(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        waiting = await learn_and_forget(tmp_path, store_thread, engine)
        await waiting.result(20)
        await store_thread.run(memories.add, CELLO, told_on=date(2026, 3, 7), sources=())
        whole = engine.score

        async def forgets(*rest, **options):
            engine.score = whole
            await forget(store_thread, engine, [1], unlearning=waiting)
            return await whole(*rest, **options)

        engine.score = forgets
        with pytest.raises(NightFailed, match="forgotten meanwhile"):
            await night(store_thread, engine, tmp_path, unlearning=waiting)
        found = engine.live, len(waiting.facts)

    assert (None, 2) == found


async def test_after_a_restart_the_night_says_that_the_probes_were_lost(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT) as store_thread:
        await learn_and_forget(tmp_path, store_thread, engine)
        await store_thread.run(memories.add, CELLO, told_on=date(2026, 3, 7), sources=())
        restarted = Unlearning(store_thread, engine)
        first = await night(store_thread, engine, tmp_path, unlearning=restarted)
        await store_thread.run(memories.add, "The user is a nurse.", told_on=date(2026, 3, 8), sources=())
        second = await night(store_thread, engine, tmp_path, unlearning=restarted)

    assert first.adopted
    assert {"gone": 0, "left": 0, "not_probed": 0, "lost": 1} == first.exam["forgotten"]
    assert "forgotten" not in second.exam


def test_the_report_names_the_fact_that_is_left_and_has_no_text():
    def finding(id, verdict, **more):
        return Finding(memory_id=id, verdict=verdict, phrasings=5, controls=24, spread=1.0, **more)

    found = ProbeResult(
        generation=7,
        findings=(
            finding(1, "gone", rank=2, margin=3.0),
            finding(2, "left", rank=1, margin=9.0, told=0),
            Finding(memory_id=3, verdict="not probed", why="there was no time for it"),
        ),
    )

    numbers = found.to_json()["numbers"]
    assert ("left", 1, 1, 1) == (found.verdict, numbers["gone"], numbers["left"], numbers["not_probed"])
    assert (1, 9.0, 24) == (numbers["rank"], numbers["margin_nats"], numbers["controls"])
    assert found.to_json()["says"] == format_numbers(7, numbers)
