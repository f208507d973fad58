"""What a morning report records and shows: pure first, then of whole nights, whatever becomes of them."""

import asyncio
import json
from datetime import UTC, date, datetime

import pytest

from daemon.exam.exam import Exam, Mark, Missed
from daemon.night.errors import NightFailed
from daemon.night.report import Before, Texts, by_reason, ids_in, record, to_json
from daemon.night.trainer_process import Trained
from daemon.processes.errors import ChildCrashed
from store import generations, memories, nights
from store.errors import AdapterDamaged, NotFound
from store.lessons import Lesson
from store.nights import Forgotten, Night
from tests.daemon.night.fakes import LearningEngine

GHENT, REX = "The user lives in Ghent.", "The user's dog is called Rex."
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
TRAINED = Trained(adapter=b"", sha256="", steps=60, train_loss=0.1, exam_loss=0.2, seconds=30.0, pauses=2)
LINES = {1: "2026-01-01: The user sings.", 3: "2026-03-04: The user lives in Oslo.", 4: "2026-03-05: Rex."}


def lesson(id, *memory_ids):
    return Lesson(
        id=id, question="Q?", answer="A.", grounding=None, kind="fact", split="train", memory_ids=memory_ids
    )


def recorded():
    """Tonight: 1 was known, 3 replaced 2, 4 is new, 5 was taken back; 6 waits."""
    parts = ((8, "facts"), (8, "stale"), (None, "canary"), (7, "abstain"))
    missed = tuple(
        Missed(part=part, lesson_id=id, question="Where?", wanted="Oslo.", said="Ghent.")
        for id, part in parts
    )
    found = record(
        [lesson(7, 1), lesson(8, 3), lesson(9, 1, 4)],
        Before(learned={1, 2, 5}, lapsed={2: 3, 5: None}),
        exam=Exam(marks=(), missed=missed),
        trained=TRAINED,
        total_s=60.0,
        swap_ms=0.1,
    )
    return found | {"waiting": by_reason([(6, "volatile"), (7, "volatile"), (8, "contradicted")])}


def a_night():
    return Night(
        id=2, job_id=1, began_at=NOON, ended_at=NOON, outcome="adopted", was_live=1, generation_id=2,
        backend="torch, cpu", numbers=recorded(),
    )  # fmt: skip


def ids(lines):
    return [one["id"] for one in lines]


def test_learned_corrected_and_taken_back_are_told_apart():
    found = recorded()
    cost = found["cost"]

    assert ([], [4], [[3, 2]]) == (found["learned"], found["not_asked"], found["corrected"])
    assert [5] == found["taken_back"]
    assert (3, 3, [8]) == (found["lessons"], found["memories"], found["missed"])
    assert {"volatile": [6, 7], "contradicted": [8]} == found["waiting"]
    assert (30.0, 60.0, 2) == (cost["train_s"], cost["total_s"], cost["pauses"])


def test_what_the_exam_missed_is_not_told_as_learned_nor_what_only_says_more_as_put_right():
    def mark(lesson_id, right):
        return Mark(part="facts", lesson_id=lesson_id, is_news=True, candidate=right, live=0.0, base=0.0)

    found = record(
        [lesson(1, 11), lesson(2, 12), lesson(3, 13), lesson(4, 14), lesson(5, 15), lesson(6, 11, 12)],
        Before(learned={21, 22, 23}, lapsed={21: 13, 22: 14, 23: 15}, refined={23}),
        exam=Exam(marks=(mark(1, 1.0), mark(2, 0.0), mark(3, 1.0), mark(4, 0.0), mark(5, 1.0), mark(6, 0.0))),
        trained=TRAINED,
        total_s=60.0,
        swap_ms=0.1,
    )

    assert ([11, 15], [[13, 21]], [12, 14]) == (found["learned"], found["corrected"], found["not_yet"])
    assert [] == found["not_asked"]


def test_a_report_joins_the_words_that_are_still_held():
    was = "2026-01-01: The user lives in Ghent."
    texts = Texts(
        memories={**LINES, 2: was, 6: "2026-03-05: It rains."},
        lessons={8: ("Where do I live?", "You live in Oslo.")},
        said={8: "In Ghent."},
        forgot=Forgotten(memories=1),
    )
    found = to_json(a_night(), texts)

    assert [{"id": 4, "line": LINES[4]}] == found["not_asked"]
    assert [{"id": 3, "line": LINES[3], "was": was}] == found["corrected"]
    missed = {"question": "Where do I live?", "wanted": "You live in Oslo.", "said": "In Ghent."}
    assert [missed] == found["missed"]
    assert [(6, "volatile")] == [(one["id"], one["reason"]) for one in found["waiting"]]
    assert (1, 2) == (found["forgot"]["memories"], found["forgotten_since"])
    assert found == json.loads(json.dumps(found))


def test_nothing_is_called_right_where_it_was_asked_for_what_holds_no_more():
    texts = Texts(lessons={8: ("Where do I live?", "You live in Ghent.")}, lapsed={8})
    (missed,) = to_json(a_night(), texts)["missed"]

    assert ("", None) == (missed["wanted"], missed["said"])


def test_a_report_wants_the_words_of_all_its_ids():
    assert ({2, 3, 4, 5, 6, 7, 8}, {8}) == ids_in(a_night())


async def test_a_night_tells_what_it_learned_and_corrected(home):
    await home.learn(GHENT, REX)
    await home.night()
    first, april = await home.report(), date(2026, 4, 1)
    old = await home.run(memories.get, 1)
    await home.run(memories.reconcile, old, "The user lives in Oslo.", told_on=april, sources=())
    await home.learn("The user plays the cello.")
    report = await home.night()
    second = await home.report()

    assert [1, 2] == ids(first["learned"])
    assert (report.adopted, report.reason) == (second["outcome"] == "adopted", second["reason"])
    assert ["2026-03-05: The user plays the cello."] == [one["line"] for one in second["learned"]]
    (corrected,) = second["corrected"]
    assert (3, "2026-03-05: The user lives in Ghent.") == (corrected["id"], corrected["was"])
    assert (1, 2, 0.5) == (second["was_live"], second["generation"], second["cost"]["train_s"])


async def test_a_memory_without_lessons_waits_and_is_tried_again_the_next_night(home, caplog):
    asked = home.engine.scripts["ask"]
    home.engine.scripts["ask"] = lambda line: [] if "Rex" in line else asked(line)
    await home.learn(GHENT, REX)
    await home.night()
    first = await home.report()
    home.engine.scripts["ask"] = asked
    await home.night()
    second = await home.report()

    assert [1] == ids(first["learned"])
    assert [(2, "unasked")] == [(one["id"], one["reason"]) for one in first["waiting"]]
    assert ([2], []) == (ids(second["learned"]), second["waiting"])
    assert "of 1 memory" in caplog.text
    assert "Rex" not in caplog.text


async def test_a_night_that_is_cut_off_after_its_adoption_says_so(home):
    """A kill leaves what the store holds when the swap begins; a shutdown then does not change it."""
    reports = []
    await home.learn(GHENT)

    async def cut_off(adapter):
        reports.append(await home.report())
        raise asyncio.CancelledError

    home.engine.adopt = cut_off
    with pytest.raises(asyncio.CancelledError):
        await home.night()
    await home.run(nights.recover)
    reports.append(await home.report())

    assert [("adopted", 1)] * 2 == [(one["outcome"], one["generation"]) for one in reports]


async def test_what_is_forgotten_is_in_no_report_and_the_next_one_counts_it(home):
    await home.learn(GHENT, REX)
    await home.night()
    reason = (await home.report(1))["reason"]
    await home.forget(2)
    first = await home.report(1)
    await home.night()
    kept = await home.run(lambda db: list(db.execute("select numbers, backend from nights")))
    second = await home.report(2)

    assert ([1], 1) == (ids(first["learned"]), first["forgotten_since"])
    assert ("adopted", 0, reason) == (first["outcome"], first["gave_way_to"], first["reason"])
    assert second["gave_way_to"] is None
    assert (1, 1) == (second["forgot"]["memories"], second["forgot"]["generations"])
    assert "Rex" not in repr((first, second, kept))
    assert "Ghent" not in repr(kept)


@pytest.mark.parametrize(("texts", "outcome"), [((), "nothing"), ((GHENT,), "failed")])
async def test_a_night_without_a_generation_is_recorded_with_its_reason(home, texts, outcome):
    await home.learn(*texts)
    try:
        await home.night("raise SystemExit(2)")
    except NightFailed:
        pass
    found = await home.report()

    assert (outcome, None) == (found["outcome"], found["generation"])
    assert found["reason"]


async def test_a_night_that_is_cancelled_was_interrupted(home):
    await home.learn(GHENT)
    task = asyncio.create_task(home.night("import time; time.sleep(60)"))
    while not list(home.folder.glob("run/*")):
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (found,) = await home.run(nights.newest, 1)

    assert "interrupted" == found.outcome


async def test_a_generation_that_tells_what_was_taken_back_gives_way(home):
    """Nothing new was told, but one memory was undone: the live generation still tells it, the new one doesn't."""
    await home.learn(GHENT, REX)
    await home.night()
    await home.run(memories.undo, 2, today=date(2026, 4, 1))
    report = await home.night(by_itself=True)

    assert report.adopted, report.reason
    assert [2] == ids((await home.report())["taken_back"])


class DiesInTheExam(LearningEngine):
    async def complete(self, messages, *, adapter="live", **rest):
        if adapter in self.loaded:  # the candidate answers
            raise ChildCrashed("engine", exit_code=-9)
        return await super().complete(messages, adapter=adapter, **rest)


async def test_an_exam_that_could_not_be_held_to_its_end_has_failed_and_its_adapter_is_deleted(home):
    home.engine = DiesInTheExam()
    await home.learn(GHENT)
    with pytest.raises(ChildCrashed):
        await home.night()
    with pytest.raises(AdapterDamaged, match="it was deleted"):
        await home.run(generations.adapter, 1)
    made, (found,) = await home.run(generations.get, 1), await home.run(nights.newest, 1)

    assert ("refused", generations.INTERRUPTED, None) == (made.state, made.reason, home.engine.live)
    assert ("failed", 1) == (found.outcome, found.generation_id)


async def test_before_the_first_night_there_is_no_report(home):
    with pytest.raises(NotFound):
        await home.report()
