"""What a morning report records and shows: pure first, then of whole nights, whatever becomes of them."""

import asyncio
import json
from datetime import UTC, date, datetime

import pytest

from daemon.exam.exam import Exam, Missed
from daemon.night.errors import NightFailed
from daemon.night.report import Before, Texts, by_reason, ids_in, record, report_on, to_json
from daemon.night.trainer_process import Trained
from daemon.processes.errors import ChildCrashed
from store import generations, memories, nights
from store.errors import AdapterDamaged, NotFound
from store.lessons import Lesson
from store.nights import Forgotten, Night
from tests.daemon.night.fakes import LearningEngine, forget, learn, night, told

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
TRAINED = Trained(
    adapter=b"",
    sha256="",
    steps=60,
    train_loss=0.1,
    exam_loss=0.2,
    seconds=30.0,
    backend="torch, cpu",
    peak_mb=900.5,
    tokens_per_s=800.0,
    pauses=2,
    paused_s=5.0,
)
LINES = {1: "2026-01-01: The user sings.", 3: "2026-03-04: The user lives in Oslo.", 4: "2026-03-05: Rex."}


def lesson(id, *memory_ids):
    return Lesson(
        id=id, question="Q?", answer="A.", grounding=None, kind="fact", split="train", memory_ids=memory_ids
    )


def missed(lesson_id, part="facts"):
    return Missed(part=part, lesson_id=lesson_id, question="Where?", wanted="Oslo.", said="Ghent.")


def recorded(**changes):
    """Tonight: 1 was known, 3 replaced 2, 4 is new, 5 was taken back; 6 waits."""
    given = {
        "exam": Exam(
            marks=(), missed=(missed(8), missed(8, "stale"), missed(None, "canary"), missed(7, "abstain"))
        ),
        "trained": TRAINED,
        "total_s": 60.0,
        "swap_ms": 0.1,
    }
    tonight = [lesson(7, 1), lesson(8, 3), lesson(9, 1, 4)]
    waiting = by_reason([(6, "volatile"), (7, "volatile"), (8, "contradicted")])
    return record(tonight, Before(learned={1, 2, 5}, lapsed={2: 3, 5: None}), **given | changes) | {
        "waiting": waiting
    }


def a_night(numbers, **changes):
    fields = {
        "id": 2,
        "job_id": 1,
        "began_at": NOON,
        "ended_at": NOON,
        "outcome": "adopted",
        "was_live": 1,
        "generation_id": 2,
        "backend": "torch, cpu",
        "numbers": numbers,
    }
    return Night(**fields | changes)


def test_learned_corrected_and_taken_back_are_told_apart():
    found = recorded()

    assert ([4], [[3, 2]], [5]) == (found["learned"], found["corrected"], found["taken_back"])
    assert (3, 3, [8], {"volatile": [6, 7], "contradicted": [8]}) == (
        found["lessons"],
        found["memories"],
        found["missed"],
        found["waiting"],
    )
    assert (30.0, 60.0, 800.0, 2) == tuple(
        found["cost"][one] for one in ("train_s", "total_s", "tokens_per_s", "pauses")
    )


def test_a_report_joins_the_words_that_are_still_held():
    texts = Texts(
        memories={**LINES, 2: "2026-01-01: The user lives in Ghent.", 6: "2026-03-05: It rains."},
        lessons={8: ("Where do I live?", "You live in Oslo.")},
        said={8: "In Ghent."},
        reason="it knows more",
        forgot=Forgotten(memories=1),
    )
    found = to_json(a_night(recorded()), texts)

    assert [{"id": 4, "line": LINES[4]}] == found["learned"]
    assert [{"id": 3, "line": LINES[3], "was": "2026-01-01: The user lives in Ghent."}] == found["corrected"]
    assert [{"question": "Where do I live?", "wanted": "You live in Oslo.", "said": "In Ghent."}] == found[
        "missed"
    ]
    assert [(6, "volatile")] == [(one["id"], one["reason"]) for one in found["waiting"]]
    assert (1, 2, "torch, cpu") == (
        found["forgot"]["memories"],
        found["forgotten_since"],
        found["cost"]["backend"],
    )
    assert found == json.loads(json.dumps(found))


def test_nothing_is_called_right_where_it_was_asked_for_what_holds_no_more():
    texts = Texts(lessons={8: ("Where do I live?", "You live in Ghent.")}, lapsed={8})

    assert [("", None)] == [
        (one["wanted"], one["said"]) for one in to_json(a_night(recorded()), texts)["missed"]
    ]


def test_a_report_wants_the_words_of_all_its_ids():
    assert ({2, 3, 4, 5, 6, 7, 8}, {8}) == ids_in(a_night(recorded()))


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
