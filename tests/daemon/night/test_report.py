"""What a morning report records and tells."""

import json
from datetime import UTC, datetime

from daemon.exam.exam import Exam, Missed
from daemon.night.report import Before, Texts, by_reason, ids_in, record, to_json
from daemon.night.trainer_process import Trained
from store.lessons import Lesson
from store.nights import Forgotten, Night

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


def test_the_first_night_has_learned_all():
    assert [1, 3, 4] == record(
        [lesson(7, 1), lesson(8, 3, 4)],
        Before(),
        exam=None,
        trained=TRAINED,
        total_s=1.0,
        swap_ms=None,
    )["learned"]


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


def test_what_was_forgotten_since_is_counted_and_not_told():
    found = to_json(a_night(recorded()), Texts())

    assert ([], [], [], [], 5) == (
        found["learned"],
        found["corrected"],
        found["missed"],
        found["waiting"],
        found["forgotten_since"],
    )


def test_a_report_wants_the_words_of_all_its_ids():
    assert ({2, 3, 4, 5, 6, 7, 8}, {8}) == ids_in(a_night(recorded()))


def test_a_night_that_failed_has_a_report_too():
    found = to_json(a_night({}, outcome="failed", generation_id=None, ended_at=None), Texts(reason="no room"))

    assert ("failed", "no room", [], {"backend": "torch, cpu"}) == (
        found["outcome"],
        found["reason"],
        found["learned"],
        found["cost"],
    )
