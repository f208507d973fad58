"""Which generation answers, and which never may again."""

import hashlib

import pytest

from store import generations, lessons, memories
from store.errors import AdapterDamaged, GenerationUnusable, NoSuchLesson, NotFound
from tests.store.sample import BASE, adopted, candidate, lesson, remember

OTHER_BASE = "c" * 64
QUOTING = {"parts": {"facts": {"asked": 1, "live": None}}, "missed": [{"said": "It is Ghent."}]}


@pytest.fixture
def learned(db):
    """A memory and its lesson's id."""
    memory = remember(db, "The user lives in Ghent.")
    return memory, lessons.add(db, [lesson(memory.id)])[0]


@pytest.fixture
def other(db):
    """The id of a lesson of another memory."""
    return lessons.add(db, [lesson(remember(db, "The user has a dog.").id)])[0]


def test_a_candidate_keeps_its_adapter_and_does_not_answer(db, learned):
    _, lesson_id = learned
    new = candidate(db, lesson_id, lesson_id, exam={"seen": [1, 2]})

    assert (new.id, new.state, new.base_sha256, new.lesson_count) == (1, "candidate", BASE, 1)
    assert new.adapter_sha256 == hashlib.sha256(b"GGUF").hexdigest()
    assert new.exam == {"seen": [1, 2]}
    assert generations.adapter(db, new.id) == b"GGUF"
    assert generations.live(db, BASE) is None


def test_the_newest_adopted_generation_of_the_model_answers(db):
    adopted(db)
    two, three = adopted(db), adopted(db, base_sha256=OTHER_BASE)
    refused = candidate(db)
    generations.refuse(db, refused.id, {"score": 0.1}, "worse than the live one")

    assert generations.live(db, BASE) == two
    assert generations.live(db, OTHER_BASE) == three
    assert generations.live(db, "d" * 64) is None
    assert (two.exam, two.reason) == ({"score": 1.0}, "better")
    assert generations.get(db, refused.id).reason == "worse than the live one"
    assert [one.state for one in generations.all(db)] == ["adopted", "adopted", "adopted", "refused"]


def test_a_pinned_generation_answers_until_the_next_adoption(db):
    one, two = adopted(db), adopted(db)
    for pinned, answers in ((one.id, one), (0, None), (None, two), (one.id, one)):
        generations.use(db, pinned)
        assert generations.live(db, BASE) == answers
    three = adopted(db)

    assert generations.live(db, BASE) == three


def test_only_adopted_generations_can_be_pinned(db):
    with pytest.raises(GenerationUnusable, match="it is candidate"):
        generations.use(db, candidate(db).id)
    for unknown in (9, 0):
        with pytest.raises(NotFound):
            generations.get(db, unknown)
    with pytest.raises(NotFound):
        generations.use(db, 9)

    assert generations.live(db, BASE) is None


def test_a_decision_is_made_once(db):
    one = adopted(db)
    for decide in (generations.adopt, generations.refuse):
        with pytest.raises(GenerationUnusable, match="it is adopted"):
            decide(db, one.id, {}, "again")


def test_a_generation_that_learned_of_a_memory_is_tainted_and_loses_its_adapter(db, learned, other):
    memory, lesson_id = learned
    clean = adopted(db, other)
    waiting = candidate(db, lesson_id, exam={**QUOTING, "score": 0.5, "asked": ["Ghent?"]})
    live = adopted(db, lesson_id)
    generations.use(db, live.id)

    assert generations.taint(db, memory_ids=[memory.id], lesson_ids=()) == (waiting.id, live.id)
    assert generations.taint(db, memory_ids=[memory.id], lesson_ids=()) == ()
    assert generations.live(db, BASE) == clean
    assert generations.get(db, waiting.id).exam == {"parts": QUOTING["parts"], "score": 0.5}
    assert generations.get(db, waiting.id).reason == generations.TAINTED
    assert generations.get(db, live.id).reason == live.reason != generations.TAINTED
    with pytest.raises(AdapterDamaged, match="forgotten since"):
        generations.adapter(db, live.id)
    with pytest.raises(GenerationUnusable, match="it is tainted"):
        generations.adopt(db, waiting.id, {}, "late")


def test_an_adapter_whose_lesson_was_forgotten_while_it_was_trained_is_not_kept(db, learned):
    memory, lesson_id = learned
    memories.forget(db, [memory.id])
    with pytest.raises(NoSuchLesson, match=f"lessons {lesson_id} are gone"):
        candidate(db, lesson_id)

    assert generations.all(db) == []


def test_a_damaged_adapter_is_never_given_out(db):
    one = adopted(db)
    db.execute("update generations set adapter = ?", (b"GGUG",))
    with pytest.raises(AdapterDamaged, match="sha256"):
        generations.adapter(db, one.id)


def test_pruning_keeps_the_newest_three_of_each_model_and_the_pinned_one(db):
    for _ in range(6):
        adopted(db)
    adopted(db, base_sha256=OTHER_BASE)
    generations.use(db, 2)
    pruned = generations.prune(db)
    states = [one.state for one in generations.all(db)]

    assert ["retired", "adopted", "retired", "adopted", "adopted", "adopted", "adopted"] == states
    assert (2, 0) == (pruned, generations.prune(db))
    assert 2 == generations.live(db, BASE).id
    with pytest.raises(AdapterDamaged, match="it was deleted: the generation is retired"):
        generations.adapter(db, 1)
    with pytest.raises(GenerationUnusable, match="it is retired"):
        generations.use(db, 3)


def test_pruning_refuses_a_candidate_that_nobody_decided_about(db):
    orphan = candidate(db)
    generations.prune(db)
    kept = generations.get(db, orphan.id)

    assert ("refused", generations.INTERRUPTED) == (kept.state, kept.reason)
    with pytest.raises(AdapterDamaged):
        generations.adapter(db, orphan.id)


def test_a_retired_generation_that_learned_what_is_forgotten_is_tainted(db, learned):
    memory, lesson_id = learned
    for _ in range(4):
        adopted(db, lesson_id)
    generations.prune(db)

    assert {lesson_id} == generations.lesson_ids(db, 1)
    assert (1, 2, 3, 4) == generations.taint(db, memory_ids=[memory.id], lesson_ids=())


def test_an_exam_that_was_forgotten_from_quotes_nothing_though_its_generation_learned_nothing_of_it(
    db, learned, other
):
    before = candidate(db, other)
    generations.refuse(db, before.id, QUOTING, "worse")
    sitting = candidate(db, other)
    memories.forget(db, [learned[0].id])
    generations.adopt(db, sitting.id, QUOTING, "better")
    later = generations.adopt(db, candidate(db, other).id, QUOTING, "better")

    assert "Ghent" not in str([generations.get(db, one.id).exam for one in (before, sitting)])
    assert QUOTING == generations.get(db, later.id).exam
