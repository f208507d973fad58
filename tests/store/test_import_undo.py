"""Imports, taken back."""

from datetime import UTC, datetime, timedelta

import pytest

from store import (
    chats,
    full_text,
    generations,
    imports,
    jobs,
    lessons,
    memories,
    nights,
    vectors,
)
from store.chats import NewMessage
from store.database import FILE_NAME, open_store
from store.errors import NotFound, StoreError
from store.export import take_out
from store.lessons import NewLesson
from store.restore import put_in
from tests.store.sample import DAY, KEY, NOON, embed, everything, history, later, say, vector

TOWN, STEM = "Quizzenbrook", "quizzenbrook"  # found nowhere by chance
BASE = "b" * 64


def session(chat, *texts):
    return [
        NewMessage(
            role=("user", "assistant")[place % 2], text=text, external_id=f"{chat}:{place}", said_at=NOON
        )
        for place, text in enumerate(texts)
    ]


LONG = session("a", f"I live in {TOWN}", f"{TOWN} is nice!", "I am a baker", "Noted.")


def brought(db, *sessions, digest="d1"):
    return imports.record_import(db, digest, f"{digest}.json", sessions or [LONG], NOON).id


def message(db, name):
    return chats.by_external_id(db, name)


def told(db, text, *sources):
    return memories.add(db, text, told_on=DAY, sources=[source.id for source in sources])


def held(db):
    return [memory.text for memory in memories.holding(db)]


def learned(db, *of):
    """An adopted generation that has learned these memories, one lesson each."""
    made = [
        NewLesson(
            question="Well?",
            answer=one.text,
            grounding=None,
            kind="fact",
            split="train",
            memory_ids=(one.id,),
        )
        for one in of
    ]
    candidate = generations.propose(db, b"weights", base_sha256=BASE, lesson_ids=lessons.add(db, made))
    return generations.adopt(db, candidate.id, {}, "it knows more").id


def test_no_word_of_an_import_that_was_undone_is_left_anywhere(db):
    number = brought(db)
    town = told(db, f"The user lives in {TOWN}.", message(db, "a:0"))
    memories.ignore(db, None, f"{TOWN} is a town.", told_on=DAY, sources=[message(db, "a:1").id])
    embed(db, "memory", [town.id], vector(1, 2))
    embed(db, "message", [message(db, "a:0").id], vector(1, 2, 3))
    taught = learned(db, town)
    jobs.enqueue(db, "observe", {"said": f"The user lives in {TOWN}."})
    assert TOWN in everything(db) and STEM in everything(db)
    report = imports.undo_import(db, number)

    assert TOWN not in everything(db)
    assert STEM not in everything(db)
    assert (report.messages, report.kept_messages, report.memories, report.restored) == (4, 0, 1, 0)
    assert (report.vectors, report.events, report.lessons, report.generations) == (2, 2, 1, (taught,))
    assert report.log_cleared
    assert (held(db), imports.listed(db), generations.get(db, taught).state) == ([], [], "tainted")
    assert chats.quiet(db, before=later(days=1), version="v") == []


def test_the_same_file_can_be_imported_again(db):
    imports.undo_import(db, brought(db))
    again = imports.record_import(db, "d1", "d1.json", [LONG], later(days=1))

    assert (again.turns, again.skipped) == (4, 0)
    assert [one.text for one in chats.path(db, message(db, "a:3").id)] == [one.text for one in LONG]


def test_a_message_id_is_never_used_twice_so_that_work_under_way_notices(db):
    number = brought(db)
    seen = message(db, "a:0").id
    imports.undo_import(db, number)
    new = say(db, "I live in Oslo")

    assert new.id > seen
    with pytest.raises(StoreError):
        memories.add(db, "The user lives there.", told_on=DAY, sources=[seen])


def test_messages_that_another_import_brought_or_knew_stay(db):
    first = brought(db, LONG[:2])
    second = brought(db, LONG, digest="d2")
    assert imports.undo_import(db, first).kept_messages == 2
    assert [message(db, f"a:{place}").text for place in range(4)] == [one.text for one in LONG]
    report = imports.undo_import(db, second)

    assert (report.messages, report.kept_messages) == (4, 0)
    assert not full_text.search(db, "message", TOWN, 3)


def test_messages_without_names_that_another_import_knew_stay(db):
    log = [NewMessage(role="user", text=text, said_at=NOON) for text in ("hi", f"I live in {TOWN}")]
    first = brought(db, log)
    brought(db, [*log, NewMessage(role="user", text="I sing", said_at=NOON)], digest="d2")

    assert imports.undo_import(db, first).messages == 0
    assert full_text.search(db, "message", TOWN, 3)


def test_what_was_there_before_an_import_stays_when_that_is_undone(db, tmp_path):
    """An export of our own brings its messages without an import; the file they first came from knows them."""
    brought(db, LONG)
    told(db, f"The user lives in {TOWN}.", message(db, "a:0"))
    other = open_store(tmp_path / "other" / FILE_NAME, KEY)
    put_in(other, take_out(db))
    more = [*LONG, NewMessage(role="user", text="I sing", external_id="a:4", said_at=NOON)]
    report = imports.undo_import(other, brought(other, more))

    assert (report.messages, report.kept_messages, report.memories) == (1, 4, 0)
    assert [one.text for one in chats.path(other, message(other, "a:3").id)] == [one.text for one in LONG]
    assert held(other) == held(db)
    other.close()


def test_of_many_imports_that_knew_a_message_the_last_one_takes_it_away(db):
    first, second, third = (brought(db, LONG, digest=digest) for digest in ("d1", "d2", "d3"))

    assert [imports.undo_import(db, one).messages for one in (second, first, third)] == [0, 0, 4]


def test_messages_that_a_later_chat_builds_on_stay(db):
    number = brought(db)
    chats.record(db, history(f"I live in {TOWN}", f"{TOWN} is nice!", "And what do I do?"), at=later(days=1))
    report = imports.undo_import(db, number)

    assert (report.messages, report.kept_messages) == (2, 2)
    assert [message(db, name) is None for name in ("a:0", "a:1", "a:2", "a:3")] == [False, False, True, True]


def test_a_message_that_was_forgotten_before_stays_forgotten(db):
    number = brought(db)
    memories.forget(db, [told(db, f"The user lives in {TOWN}.", message(db, "a:0")).id])
    imports.undo_import(db, number)
    brought(db)

    assert TOWN not in everything(db)


def test_a_memory_that_somebody_else_told_too_stays_with_that_source(db):
    number = brought(db)
    town = told(db, f"The user lives in {TOWN}.", message(db, "a:0"))
    again = say(db, f"as I said, {TOWN} is my home")
    memories.ignore(db, town, f"The user is at home in {TOWN}.", told_on=DAY, sources=[again.id])
    both = told(db, "The user bakes.", message(db, "a:2"), again)
    report = imports.undo_import(db, number)

    assert (report.memories, held(db)) == (0, [town.text, both.text])
    assert [again.id] == memories.sources(db, town.id) == memories.sources(db, both.id)


def test_saying_again_what_is_held_is_taken_back_and_the_memory_stays(db):
    own = say(db, f"I live in {TOWN}")
    town = told(db, f"The user lives in {TOWN}.", own)
    number = brought(db)
    memories.ignore(db, town, f"The user is at home in {TOWN}.", told_on=DAY, sources=[message(db, "a:0").id])
    report = imports.undo_import(db, number)

    assert (report.memories, report.events, held(db)) == (0, 1, [town.text])
    assert ["ADD"] == [event.op for event in memories.events(db, town.id)]


def test_of_saying_it_again_that_was_taken_back_no_word_is_left(db):
    memory = told(db, "The user lives by the river.", say(db, "I live by the river"))
    number = brought(db)
    memories.ignore(
        db, memory, f"The user lives by the river in {TOWN}.", told_on=DAY, sources=[message(db, "a:0").id]
    )
    memories.undo_event(db, memories.events(db, memory.id)[-1].id, today=DAY)
    report = imports.undo_import(db, number)

    assert (report.events, held(db)) == (2, [memory.text])
    assert ["ADD"] == [event.op for event in memories.events(db, memory.id)]
    assert TOWN not in everything(db)


def test_lessons_go_by_their_memories_and_not_by_their_words(db):
    number = brought(db)
    town = told(db, f"The user lives in {TOWN}.", message(db, "a:0"))
    learned(db, town)
    own = learned(db, told(db, f"The user lives in {TOWN}. And in Rome.", say(db, "I have two homes")))
    report = imports.undo_import(db, number)

    assert (1, "adopted") == (report.lessons, generations.get(db, own).state)


def test_what_an_undone_memory_had_replaced_holds_again_and_is_found(db):
    own = say(db, "I live in Ghent")
    old = told(db, "The user lives in Ghent.", own)
    embed(db, "memory", [old.id], vector(1, 2))
    number = brought(db)
    memories.reconcile(
        db, old, f"The user lives in {TOWN}.", told_on=later(days=1).date(), sources=[message(db, "a:0").id]
    )
    report = imports.undo_import(db, number)

    assert (report.memories, report.restored, held(db)) == (1, 1, ["The user lives in Ghent."])
    assert memories.get(db, old.id).valid_to is None
    assert (
        [old.id]
        == [id for id, _ in full_text.search(db, "memory", "ghent", 3)]
        == vectors.missing(db, "memory")
    )


def test_a_chain_is_closed_where_an_undone_memory_stood_in_the_middle(db):
    own, third = say(db, "I live in Ghent"), say(db, "I live in Rome")
    old = told(db, "The user lives in Ghent.", own)
    number = brought(db)
    middle = memories.reconcile(
        db, old, f"The user lives in {TOWN}.", told_on=later(days=1).date(), sources=[message(db, "a:0").id]
    )
    new = memories.reconcile(
        db, middle, "The user lives in Rome.", told_on=later(days=2).date(), sources=[third.id]
    )
    taught = learned(db, new)
    report = imports.undo_import(db, number)
    first = memories.get(db, old.id)

    assert (report.memories, report.restored, held(db)) == (1, 0, ["The user lives in Rome."])
    assert (first.superseded_by, first.valid_to) == (new.id, later(days=2).date())
    assert (taught,) == report.generations  # it was taught "Before that: ..."


def test_what_refined_an_undone_memory_goes_and_the_chat_that_told_it_is_read_anew(db):
    number = brought(db)
    town = told(db, f"The user lives in {TOWN}.", message(db, "a:0"))
    own = say(db, "by the river, since 2020")
    memories.update(db, town, f"The user lives in {TOWN} by the river.", told_on=DAY, sources=[own.id])
    chats.mark_observed(db, [own.id], "v")
    report = imports.undo_import(db, number)

    assert (report.memories, held(db)) == (2, [])
    assert [[own.id]] == [
        [one.id for one in chat] for chat in chats.quiet(db, before=later(days=1), version="v")
    ]
    assert TOWN not in everything(db)


def test_memories_and_generations_of_others_are_left_alone(db):
    number = brought(db)
    job = told(db, "The user is a baker.", say(db, "I am a baker"))
    taught = learned(db, job)
    report = imports.undo_import(db, number)

    assert (report.memories, report.lessons, report.generations) == (0, 0, ())
    assert ([job.text], "adopted") == (held(db), generations.get(db, taught).state)


def test_an_import_that_is_not_there_is_an_error(db):
    number = brought(db)
    imports.undo_import(db, number)

    with pytest.raises(NotFound, match=f"There is no import {number}. List them with: tsubasa import --list"):
        imports.undo_import(db, number)


def test_imports_are_listed_oldest_first(db):
    brought(db, LONG[:2])
    brought(db, LONG, digest="d2")

    assert [("d1.json", 1, 2), ("d2.json", 1, 2)] == [
        (one.name, one.sessions, one.turns) for one in imports.listed(db)
    ]


def test_an_undone_import_is_quoted_by_no_exam_and_counted_among_what_was_forgotten(db):
    number = brought(db)
    taught = learned(db, told(db, f"The user lives in {TOWN}.", message(db, "a:0")))
    other = generations.propose(db, b"weights", base_sha256=BASE, lesson_ids=[])
    generations.refuse(db, other.id, {"missed": [{"said": f"In {TOWN}."}]}, "worse")
    concerned = imports.concerned(db, number)
    report = imports.undo_import(db, number)
    counted = nights.forgotten_between(db, None, datetime.now(UTC) + timedelta(days=1))

    assert ((taught,), {}) == (concerned.generations, generations.get(db, other.id).exam)
    assert nights.Forgotten(memories=1, messages=report.messages, lessons=1, generations=1) == counted
