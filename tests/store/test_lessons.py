import pytest

from store import lessons, memories, memory_queries
from store.errors import NoSuchMemory
from store.memory_events import besides
from tests.store.sample import DAY, GHENT, OSLO, lesson, remember


@pytest.fixture
def two(db):
    """Two memories."""
    return remember(db, GHENT), remember(db, "The user has a dog.")


def test_a_lesson_comes_back_with_its_lineage(db, two):
    fields = {
        "question": "Where?",
        "answer": "In Ghent.",
        "grounding": GHENT,
        "kind": "fact",
        "split": "exam",
    }
    ids = lessons.add(db, [lesson(two[1].id, two[0].id, **fields), lesson(kind="general")])
    first, second = lessons.holding(db)

    assert [first.id, second.id] == ids
    assert fields == {name: getattr(first, name) for name in fields}
    assert (first.memory_ids, second.memory_ids) == ((two[0].id, two[1].id), ())


def test_a_lesson_is_taught_only_while_all_its_memories_hold(db, two):
    one, dog = two
    _, first, general = lessons.add(db, [lesson(one.id, dog.id), lesson(one.id), lesson(kind="general")])
    memories.reconcile(db, dog, "The user has a cat.", told_on=DAY, sources=[])

    assert [kept.id for kept in lessons.holding(db)] == [first, general]
    assert (2, 2) == (lessons.count_holding(db), memory_queries.count_holding(db))


def test_what_holds_and_has_no_lesson_of_its_own_is_unstudied(db, two):
    one, dog = two
    lessons.add(db, [lesson(one.id), lesson(one.id, dog.id, kind="two"), lesson(dog.id, kind="reading")])
    assert [dog] == lessons.unstudied(db)
    lessons.add(db, [lesson(dog.id, kind="before")])
    assert [] == lessons.unstudied(db)
    cat = memories.reconcile(db, dog, "The user has a cat.", told_on=DAY, sources=[])

    assert [cat] == lessons.unstudied(db)


def test_what_another_model_worded_is_neither_taught_nor_counts_as_studied(db, two):
    one, dog = two
    (own,), _ = lessons.add(db, [lesson(one.id)], by="own"), lessons.add(db, [lesson(dog.id)], by="other")

    assert [own] == [kept.id for kept in lessons.holding(db, by=["own"])]
    assert ([dog], []) == (lessons.unstudied(db, by=["own"]), lessons.unstudied(db))


def test_lessons_of_a_memory_that_was_forgotten_meanwhile_are_refused_together(db, two):
    with pytest.raises(NoSuchMemory):
        lessons.add(db, [lesson(two[0].id), lesson(99)])

    assert lessons.holding(db) == []


def test_what_the_assistant_or_a_stranger_said_is_never_studied(db):
    for trust in ("assistant", "untrusted", "import", "user"):
        remember(db, f"The {trust} said so.", trust=trust)

    assert ["import", "user"] == [memory.trust for memory in lessons.unstudied(db)]


@pytest.mark.parametrize("ends", ["replaced", "taken back"])
def test_what_may_contradict_another_is_found_while_both_hold(db, ends):
    old = remember(db, GHENT)
    new = remember(db, "The user lives in Bonn.", beside=old)
    assert [(new.id, old.id)] == besides(db)
    if ends == "replaced":
        memories.reconcile(db, old, OSLO, told_on=DAY, sources=[])
    else:
        memories.undo(db, new.id, today=DAY)

    assert [] == besides(db)
