"""What was forgotten is probed in the generation that answers now, and in the next one before it is adopted."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from daemon.forgetting.verification import ProbeResult, Unlearning
from daemon.forgetting.weight_probes import Finding
from daemon.night.errors import NightFailed
from daemon.processes.errors import ChildCrashed
from daemon.store_thread import StoreThread
from store import generations
from tests.daemon.night.fakes import BASE, TRAINER, LearningEngine, forget, learn, night, told

GHENT, REX, CELLO = "The user lives in Ghent.", "The user's dog is called Rex.", "The user plays the cello."
STUBBORN = TRAINER.replace(  # it knows Rex whatever it is taught
    'job["lessons"]).encode()',
    'job["lessons"]).encode() + b"".join(b"\\nQuestion %d about dog?\\tIt is Rex." % n for n in range(9))',
)


@dataclass(frozen=True)
class Scene:
    """Generation 1 knows Ghent, generation 2 also Rex; then Rex was forgotten, which `waiting` waits to probe."""

    store_thread: StoreThread
    engine: LearningEngine
    waiting: Unlearning
    folder: Path

    async def night(self, *texts, **options):
        """A night in which these were told."""
        await learn(self.store_thread, *texts, on=date(2026, 3, 7))
        options = {"unlearning": self.waiting, **options}
        return await night(self.store_thread, self.engine, self.folder, **options)

    def score_once(self, instead):
        """Do something else the next time the engine scores."""
        whole = self.engine.score

        async def score(*rest, **options):
            self.engine.score = whole
            await instead()
            return await whole(*rest, **options)

        self.engine.score = score


@asynccontextmanager
async def forgotten(folder, score=None):
    """The scene; from the forgetting on the engine has `score`."""
    engine = LearningEngine()
    async with told(folder, GHENT) as store_thread:
        await night(store_thread, engine, folder)
        rex = await learn(store_thread, REX)
        await night(store_thread, engine, folder)
        waiting = Unlearning(store_thread, engine)
        engine.scored.clear()  # of what the exams of the nights asked
        engine.score = score or engine.score
        done = await forget(store_thread, engine, [rex.id], unlearning=waiting)
        assert (2, 1) == (done.was_live, done.now_live)
        yield Scene(store_thread, engine, waiting, folder)


@pytest.fixture
async def scene(tmp_path):
    async with forgotten(tmp_path) as made:
        yield made


async def crash(*rest, **options):
    raise ChildCrashed("engine", exit_code=-9)


def found(report, *names):
    return tuple(report.exam["forgotten"][name] for name in names)


async def test_the_generation_that_answers_after_forgetting_is_probed_and_clean(scene):
    result = await scene.waiting.result(20)
    numbers = [result["numbers"][name] for name in ("gone", "left", "not_probed", "controls")]

    assert ("gone", 1, [1, 0, 0, 24]) == (result["verdict"], result["generation"], numbers)
    assert {"base", scene.engine.live} == set(scene.engine.scored)
    assert ["It is Rex."] * 5 == [probe.answer for fact in scene.waiting.facts for probe in fact.probes]
    assert "Rex" not in str(result)


async def test_the_rebuilt_candidate_is_probed_before_it_is_adopted_and_then_nothing_is_kept(scene):
    report = await scene.night(CELLO)
    kept = await scene.store_thread.run(generations.get, report.generation)

    assert report.adopted, report.reason
    assert (1, 0, 5) == found(report, "gone", "left", "phrasings")
    assert kept.exam["forgotten"] == report.exam["forgotten"]
    assert all(isinstance(value, int | float) for value in kept.exam["forgotten"].values())
    assert () == scene.waiting.facts


async def test_a_candidate_that_still_knows_it_is_refused_and_so_is_the_next(scene):
    stubborn = [await scene.night(CELLO, script=STUBBORN), await scene.night(script=STUBBORN)]
    clean = await scene.night()

    for report in stubborn:
        assert not report.adopted
        assert (5, 1, 0) == found(report, "told", "left", "gone")
    assert (True, ()) == (clean.adopted, scene.waiting.facts), clean.reason


async def test_what_was_told_again_is_no_reason_to_refuse(scene):
    report = await scene.night(REX, CELLO)

    assert report.adopted, report.reason
    assert (0, 0, 1) == found(report, "gone", "left", "not_probed")


async def test_where_the_base_answers_nothing_can_be_left(tmp_path):
    engine = LearningEngine()
    async with told(tmp_path, GHENT, REX) as store_thread:
        await night(store_thread, engine, tmp_path)
        waiting = Unlearning(store_thread, engine)
        engine.scored.clear()  # of what the exam asked
        await forget(store_thread, engine, [2], unlearning=waiting)
        result = await waiting.result(20)

    assert ("gone", 0, []) == (result["verdict"], result["generation"], engine.scored)


async def test_forgetting_neither_waits_for_the_probe_nor_fails_with_it(tmp_path):
    hold = asyncio.Event()

    async def down(*rest, **options):
        await hold.wait()
        await crash()

    async with forgotten(tmp_path, score=down) as scene:
        at_once = await scene.waiting.result(0.01)
        hold.set()
        later = await scene.waiting.result(20)

    assert ("under way", "not probed") == (at_once["verdict"], later["verdict"])
    assert 1 == len(scene.waiting.facts)


async def test_an_engine_that_dies_while_a_candidate_is_probed_fails_the_night_and_the_facts_stay(scene):
    await scene.waiting.result(20)
    scene.score_once(crash)
    with pytest.raises(ChildCrashed):
        await scene.night(CELLO)
    live, stored = scene.engine.live, await scene.store_thread.run(generations.live, BASE)

    assert (live, 1, 1) == (stored.adapter_sha256, stored.id, len(scene.waiting.facts))
    assert {live} == set(scene.engine.loaded)


async def test_what_is_forgotten_while_its_candidate_is_probed_fails_the_night(scene):
    await scene.waiting.result(20)
    scene.score_once(lambda: forget(scene.store_thread, scene.engine, [1], unlearning=scene.waiting))
    with pytest.raises(NightFailed, match="forgotten meanwhile"):
        await scene.night(CELLO)

    assert (None, 2) == (scene.engine.live, len(scene.waiting.facts))


async def test_after_a_restart_the_night_says_that_the_probes_were_lost(scene):
    restarted = Unlearning(scene.store_thread, scene.engine)
    first = await scene.night(CELLO, unlearning=restarted)
    second = await scene.night("The user is a nurse.", unlearning=restarted)

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
