from dataclasses import replace

import pytest

from store import generations, lessons, memories, memory_queries
from store.errors import NoSuchMemory
from store.lessons import NewLesson
from store.memory_events import besides
from tests.store.sample import DAY, say


def lesson(*memory_ids, kind="fact", split="train", question="Where do I live?"):
    return NewLesson(
        question=question,
        answer="You live in Ghent.",
        grounding="2026-03-05: The user lives in Ghent.",
        kind=kind,
        split=split,
        memory_ids=memory_ids,
    )


def remember(db, text="The user lives in Ghent.", trust="user"):
    return memories.add(db, text, told_on=DAY, sources=[], trust=trust)


def test_a_lesson_comes_back_with_its_lineage(db):
    one, two = remember(db), remember(db, "The user has a dog.")
    ids = lessons.add(db, [lesson(two.id, one.id, split="exam"), lesson(kind="general")])
    first, second = lessons.holding(db)

    assert [first.id, second.id] == ids
    assert (first.question, first.answer, first.kind, first.split) == (
        "Where do I live?",
        "You live in Ghent.",
        "fact",
        "exam",
    )
    assert (first.memory_ids, second.memory_ids) == ((one.id, two.id), ())
    assert first.grounding == "2026-03-05: The user lives in Ghent."


def test_a_lesson_is_taught_only_while_all_its_memories_hold(db):
    one, two = remember(db), remember(db, "The user has a dog.")
    both, first, general = lessons.add(db, [lesson(one.id, two.id), lesson(one.id), lesson(kind="general")])
    memories.reconcile(db, two, "The user has a cat.", told_on=DAY, sources=[])

    assert [kept.id for kept in lessons.holding(db)] == [first, general]
    assert both not in {kept.id for kept in lessons.holding(db)}
    assert (2, 2) == (lessons.count_holding(db), memory_queries.count_holding(db))


def test_what_holds_and_has_no_lesson_is_unstudied(db):
    one, two = remember(db), remember(db, "The user has a dog.")
    lessons.add(db, [lesson(one.id)])

    assert lessons.unstudied(db) == [two]
    cat = memories.reconcile(db, two, "The user has a cat.", told_on=DAY, sources=[])
    assert lessons.unstudied(db) == [cat]


def test_lessons_of_a_memory_that_was_forgotten_meanwhile_are_refused_together(db):
    one = remember(db)
    with pytest.raises(NoSuchMemory):
        lessons.add(db, [lesson(one.id), lesson(99)])

    assert lessons.holding(db) == []


def test_what_the_assistant_or_a_stranger_said_is_never_studied(db):
    for trust in ("assistant", "untrusted", "import", "user"):
        remember(db, f"The {trust} said so.", trust=trust)

    assert ["import", "user"] == [memory.trust for memory in lessons.unstudied(db)]


def test_a_memory_that_only_shares_a_lesson_with_others_is_unstudied(db):
    one, two = remember(db), remember(db, "The user has a dog.")
    lessons.add(db, [lesson(one.id), lesson(one.id, two.id, kind="two"), lesson(two.id, kind="reading")])

    assert [two] == lessons.unstudied(db)
    lessons.add(db, [lesson(two.id, kind="before")])
    assert [] == lessons.unstudied(db)


def test_what_may_contradict_another_is_found_while_both_hold(db):
    old = remember(db)
    new = memories.add(db, "The user lives in Bonn.", told_on=DAY, sources=[], beside=old)

    assert [(new.id, old.id)] == besides(db)
    memories.reconcile(db, old, "The user lives in Oslo.", told_on=DAY, sources=[])
    assert [] == besides(db)


def test_what_was_added_beside_another_and_taken_back_contradicts_nothing(db):
    new = memories.add(db, "The user lives in Bonn.", told_on=DAY, sources=[], beside=remember(db))
    memories.undo(db, new.id, today=DAY)

    assert [] == besides(db)


def test_forgetting_a_message_reaches_what_learned_its_words_and_forgetting_its_memory_all_that_did(db):
    """The words of turns get into a night through memories alone, so their lineage is that of the memories."""
    told = say(db, "The user lives in Ghent.")
    memory = memories.add(db, "The user lives in Ghent.", told_on=DAY, sources=[told.id])
    other = remember(db, "The user has a dog.")
    quoting, beside = lessons.add(
        db, [lesson(memory.id), replace(lesson(other.id), answer="Yes.", grounding="-")]
    )
    for ids in ([quoting], [beside]):
        generations.propose(db, b"weights", base_sha256="b" * 64, lesson_ids=ids)
    report = memories.forget(db, messages=[told.id])

    assert ((1,), (memory.id,)) == (report.generations, report.kept_memories)
    assert [memory.id, other.id] == [one.id for one in memories.holding(db)]
    assert [memory] == lessons.unstudied(db)  # it is learned anew, in words that are left
