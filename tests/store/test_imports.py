"""Imports: each message once, and taken back without a trace."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from store import chats, generations, import_undo, imports, jobs, memories, nights, vectors
from store.chats import NewMessage
from store.database import open_store, rows, whole
from store.errors import NotFound, StoreError, StoreFull
from store.export import take_out
from store.lessons import add as add_lessons
from store.restore import put_in
from tests.store.sample import (
    DAY,
    GHENT,
    KEY,
    NOON,
    TOWN,
    adopted,
    assert_gone,
    by_words,
    candidate,
    embed,
    everything,
    history,
    ids,
    later,
    lesson,
    remember,
    say,
    texts,
    vector,
)

LIVES = f"The user lives in {TOWN}."
ROME = "The user lives in Rome."


def session(chat, *said):
    return [
        replace(one, external_id=f"{chat}:{place}", said_at=later(days=-place))
        for place, one in enumerate(history(*said))
    ]


ONE, TWO = session("D1", "hi", "hello", "I live in Ghent"), session("D2", "hi", "hello again")
LONG = session("a", f"I live in {TOWN}", f"{TOWN} is nice!", "I am a baker", "Noted.")


def brought(db, *sessions, digest="d1"):
    return imports.record_import(db, digest, f"{digest}.json", sessions or [LONG], NOON).id


def message(db, place=0):
    return chats.by_external_id(db, f"a:{place}")


def held(db):
    return texts(memories.holding(db))


def learned(db, memory):
    """The number of an adopted generation that has learned this memory."""
    return adopted(db, *add_lessons(db, [lesson(memory.id, answer=memory.text)])).id


def test_each_session_becomes_a_chat(db):
    report = imports.record_import(db, "d1", "export.json", [ONE, TWO], NOON)
    first, second = chats.by_external_id(db, "D1:2"), chats.by_external_id(db, "D2:1")

    assert (report.sessions, report.turns, report.skipped) == (2, 5, 0)
    assert texts(chats.path(db, first.id)) == ["hi", "hello", "I live in Ghent"]
    assert first.chat_id != second.chat_id
    assert (first.source, first.said_at) == ("import", later(days=-2))
    assert by_words(db, "message", "ghent") == [first.id]


def test_the_same_file_adds_nothing_the_second_time(db):
    first = imports.record_import(db, "d1", "export.json", [ONE, TWO], NOON)
    second = imports.record_import(db, "d1", "renamed.json", [ONE, TWO], later(days=1))

    assert imports.is_imported(db, "d1")
    assert not imports.is_imported(db, "d2")
    assert (second.id, second.sessions, second.turns, second.skipped) == (first.id, 0, 0, 5)
    assert chats.count(db) == 5


def test_a_longer_export_of_the_same_chats_adds_only_what_is_new(db):
    imports.record_import(db, "d1", "export.json", [ONE], NOON)
    grown = session("D1", "hi", "hello", "I live in Ghent", "Noted.")
    report = imports.record_import(db, "d2", "export.json", [grown, TWO], later(days=1))
    added = chats.by_external_id(db, "D1:3")

    assert (report.sessions, report.turns, report.skipped) == (2, 3, 3)
    assert texts(chats.path(db, added.id))[-2:] == ["I live in Ghent", "Noted."]


def test_an_import_that_fails_halfway_leaves_nothing(db):
    db.pragma("max_page_count", db.pragma("page_count") + 2)
    with pytest.raises(StoreFull):
        imports.record_import(db, "d1", "export.json", [ONE, session("D3", "x" * 200_000)], NOON)

    assert chats.count(db) == 0
    assert not imports.is_imported(db, "d1")


def exported(*, named):
    """A file of 60 messages: a long session, two equal ones, and one that is stored here already."""
    sessions = [
        [f"{n} in the long talk" for n in range(37)],
        ["hi", "hello"],
        ["hi", "hello"],
        ["known", "noted"],
        [f"{n} at the end" for n in range(17)],
    ]
    return [
        [
            replace(one, external_id=f"{number}:{place}" if named else None, said_at=NOON)
            for place, one in enumerate(history(*said))
        ]
        for number, said in enumerate(sessions)
    ]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("ended_after", range(5))
def test_an_import_that_ended_on_the_way_goes_on_there_and_nothing_is_lost_or_doubled(
    db, other, file, named, ended_after
):
    every = exported(named=named)
    for one in (db, other):
        imports.record_import(one, "d0", "first.json", [every[3]], NOON)
    imports.record_import(other, "d1", "export.json", every, NOON)
    slices = imports.take_in(db, "d1", "export.json", every, NOON)
    for _ in range(ended_after):
        next(slices, None)
    db.close()

    with closing(open_store(file, KEY)) as reopened:
        say(reopened, "what was said meanwhile")
        report = imports.record_import(reopened, "d1", "export.json", every, later(days=1))

        assert (4, 58, 2) == (report.sessions, report.turns, report.skipped)
        assert [said_in(other, one.id) for one in imports.listed(other)] == [
            said_in(reopened, one.id) for one in imports.listed(reopened)
        ]
        assert imports.is_imported(reopened, "d1")
        assert 61 == chats.count(reopened)


def said_in(db, import_id):
    """The messages of an import as chats: the texts of each from its beginning on."""
    found = rows(db, "select message_id from import_messages where import_id = ?", (import_id,))
    ends = {one.chat_id: one.id for (id,) in sorted(found) for one in [chats.get(db, id)]}
    return sorted(texts(chats.path(db, id)) for id in ends.values())


def test_between_two_slices_few_messages_are_stored_and_what_is_there_is_listed(db):
    counts = [chats.count(db)]
    for _ in imports.take_in(db, "d1", "export.json", exported(named=True), NOON):
        counts.append(chats.count(db))
        assert [(False, chats.count(db))] == [(one.is_whole, one.turns) for one in imports.listed(db)]

    assert max(after - before for before, after in pairwise(counts)) <= imports.SLICE
    assert [True] == [one.is_whole for one in imports.listed(db)]


def test_long_messages_make_slices_of_their_own(db):
    long = [NewMessage(role="user", text="word " * 1000, said_at=later(days=n)) for n in range(5)]

    assert 5 == len(list(imports.take_in(db, "d1", "long.json", [long], NOON)))


def test_an_import_that_is_undone_while_it_goes_in_ends_and_leaves_nothing(db):
    slices = imports.take_in(db, "d1", "export.json", exported(named=True), NOON)
    next(slices)
    import_undo.undo_import(db, imports.listed(db)[0].id)

    with pytest.raises(NotFound):
        next(slices)
    assert [] == imports.listed(db)
    assert [] == by_words(db, "message", "talk")


@pytest.mark.parametrize("named", [True, False])
def test_what_a_file_would_add_is_what_it_adds(db, named):
    every = exported(named=named)
    imports.record_import(db, "d0", "first.json", [every[3], every[0][:20]], NOON)
    told = whole(imports.count_new(db, every))
    before = chats.count(db)
    report = imports.record_import(db, "d1", "export.json", every, NOON)

    assert (report.sessions, report.turns) == told
    assert before + report.turns == chats.count(db)


def test_a_grown_log_without_names_adds_only_its_tail(db):
    log = [NewMessage(role="user", text=text, said_at=NOON) for text in ("hi", "hi", "I live in Ghent")]
    undated = [NewMessage(role="user", text=text) for text in ("hi", "hi", "I run")]
    imports.record_import(db, "d1", "log.jsonl", [log[:2], undated[:2]], NOON)
    report = imports.record_import(db, "d2", "log.jsonl", [log, undated], later(days=1))

    assert (report.sessions, report.turns, report.skipped) == (2, 2, 4)
    assert texts(chats.path(db, 5)) == ["hi", "hi", "I live in Ghent"]
    assert texts(chats.path(db, 6)) == ["hi", "hi", "I run"]


@pytest.mark.parametrize(
    ("first", "then", "turns"),
    [
        pytest.param([0], [0, 1], (1, 1, 1), id="the same words at another time are said again"),
        pytest.param([0, 0], [0, 0], (2, 0, 2), id="two equal ones are two and are known again"),
    ],
)
def test_equal_sessions_without_names_are_told_apart_by_time_and_number(db, first, then, turns):
    made = [
        [[NewMessage(role="user", text="hi", said_at=later(days=day))] for day in days]
        for days in (first, then)
    ]
    one, two = (imports.record_import(db, f"d{n}", "log.jsonl", each, NOON) for n, each in enumerate(made))

    assert turns == (one.turns, two.turns, two.skipped)


def test_no_word_of_an_import_that_was_undone_is_left_anywhere(db):
    number = brought(db)
    town = remember(db, LIVES, message(db))
    memories.ignore(db, None, f"{TOWN} is a town.", told_on=DAY, sources=[message(db, 1).id])
    embed(db, "memory", [town.id], vector(1, 2))
    embed(db, "message", [message(db).id], vector(1, 2, 3))
    taught = learned(db, town)
    jobs.enqueue(db, "observe", {"said": LIVES})
    assert TOWN in everything(db) and TOWN.lower() in everything(db)
    report = import_undo.undo_import(db, number)

    assert_gone(db)
    assert (report.messages, report.kept_messages, report.memories, report.restored) == (4, 0, 1, 0)
    assert (report.vectors, report.events, report.lessons, report.generations) == (2, 2, 1, (taught,))
    assert report.log_cleared
    assert (held(db), imports.listed(db), generations.get(db, taught).state) == ([], [], "tainted")
    assert chats.quiet(db, before=later(days=1), version="v") == []


def test_the_same_file_can_be_imported_again_under_new_numbers_so_that_work_under_way_notices(db):
    number = brought(db)
    seen = message(db)
    import_undo.undo_import(db, number)
    again = imports.record_import(db, "d1", "d1.json", [LONG], later(days=1))

    assert (again.turns, again.skipped) == (4, 0)
    assert texts(chats.path(db, message(db, 3).id)) == texts(LONG)
    assert message(db).id > seen.id
    with pytest.raises(StoreError):
        remember(db, "The user lives there.", seen)


def test_of_many_imports_that_knew_a_message_the_last_one_takes_it_away(db):
    first, second, third = (brought(db, LONG[:n], digest=f"d{n}") for n in (2, 4, 3))
    reports = [import_undo.undo_import(db, one) for one in (first, third)]

    assert [(0, 2), (0, 3)] == [(one.messages, one.kept_messages) for one in reports]
    assert [message(db, place).text for place in range(4)] == texts(LONG)
    assert 4 == import_undo.undo_import(db, second).messages
    assert not by_words(db, "message", TOWN)


def test_messages_without_names_that_another_import_knew_stay(db):
    log = [NewMessage(role="user", text=text, said_at=NOON) for text in ("hi", f"I live in {TOWN}")]
    first = brought(db, log)
    brought(db, [*log, NewMessage(role="user", text="I sing", said_at=NOON)], digest="d2")

    assert import_undo.undo_import(db, first).messages == 0
    assert by_words(db, "message", TOWN)


def test_what_was_there_before_an_import_stays_when_that_is_undone(db, other):
    """An export of our own brings its messages without an import; the file they first came from knows them."""
    brought(db, LONG)
    remember(db, LIVES, message(db))
    put_in(other, take_out(db))
    more = [*LONG, NewMessage(role="user", text="I sing", external_id="a:4", said_at=NOON)]
    report = import_undo.undo_import(other, brought(other, more))

    assert (report.messages, report.kept_messages, report.memories) == (1, 4, 0)
    assert texts(chats.path(other, message(other, 3).id)) == texts(LONG)
    assert held(other) == held(db)


def test_messages_that_a_later_chat_builds_on_stay(db):
    number = brought(db)
    chats.record(db, history(f"I live in {TOWN}", f"{TOWN} is nice!", "And what do I do?"), at=later(days=1))
    report = import_undo.undo_import(db, number)

    assert (report.messages, report.kept_messages) == (2, 2)
    assert [message(db, place) is None for place in range(4)] == [False, False, True, True]


def test_a_message_that_was_forgotten_before_stays_forgotten(db):
    number = brought(db)
    memories.forget(db, [remember(db, LIVES, message(db)).id])
    import_undo.undo_import(db, number)
    brought(db)

    assert_gone(db)


def test_a_memory_that_somebody_else_told_too_stays_with_that_source(db):
    number = brought(db)
    town = remember(db, LIVES, message(db))
    again = say(db, f"as I said, {TOWN} is my home")
    memories.ignore(db, town, f"The user is at home in {TOWN}.", told_on=DAY, sources=[again.id])
    both = remember(db, "The user bakes.", message(db, 2), again)
    report = import_undo.undo_import(db, number)

    assert (report.memories, held(db)) == (0, [town.text, both.text])
    assert [again.id] == memories.sources(db, town.id) == memories.sources(db, both.id)


@pytest.mark.parametrize("taken_back", [False, True])
def test_of_saying_again_what_is_held_no_word_is_left_and_the_memory_stays(db, taken_back):
    memory = remember(db, "The user lives by the river.", say(db, "I live by the river"))
    number = brought(db)
    again = f"The user lives by the river in {TOWN}."
    memories.ignore(db, memory, again, told_on=DAY, sources=[message(db).id])
    if taken_back:
        memories.undo_event(db, memories.events(db, memory.id)[-1].id, today=DAY)
    report = import_undo.undo_import(db, number)

    assert (report.memories, report.events, held(db)) == (0, 1 + taken_back, [memory.text])
    assert ["ADD"] == [event.op for event in memories.events(db, memory.id)]
    assert_gone(db)


def test_lessons_and_generations_go_by_their_memories_and_not_by_their_words(db):
    number = brought(db)
    gone = learned(db, remember(db, LIVES, message(db)))
    own = remember(db, f"{LIVES} And in Rome.", say(db, "I have two homes"))
    kept = learned(db, own)
    report = import_undo.undo_import(db, number)

    assert (1, 1, (gone,)) == (report.memories, report.lessons, report.generations)
    assert ([own.text], "adopted") == (held(db), generations.get(db, kept).state)


def test_what_an_undone_memory_had_replaced_holds_again_and_is_found(db):
    own = say(db, "I live in Ghent")
    old = remember(db, GHENT, own)
    embed(db, "memory", [old.id], vector(1, 2))
    number = brought(db)
    memories.reconcile(db, old, LIVES, told_on=later(days=1).date(), sources=[message(db).id])
    report = import_undo.undo_import(db, number)

    assert (report.memories, report.restored, held(db)) == (1, 1, [GHENT])
    assert memories.get(db, old.id).valid_to is None
    assert [old.id] == by_words(db, "memory", "ghent") == vectors.missing(db, "memory")


def test_a_chain_is_closed_where_an_undone_memory_stood_in_the_middle(db):
    own, third = say(db, "I live in Ghent"), say(db, "I live in Rome")
    old = remember(db, GHENT, own)
    number = brought(db)
    middle = memories.reconcile(db, old, LIVES, told_on=later(days=1).date(), sources=[message(db).id])
    new = memories.reconcile(db, middle, ROME, told_on=later(days=2).date(), sources=[third.id])
    taught = learned(db, new)
    report = import_undo.undo_import(db, number)
    first = memories.get(db, old.id)

    assert (report.memories, report.restored, held(db)) == (1, 0, [ROME])
    assert (first.superseded_by, first.valid_to) == (new.id, later(days=2).date())
    assert (taught,) == report.generations  # it was taught "Before that: ..."


def test_what_refined_an_undone_memory_goes_and_the_chat_that_told_it_is_read_anew(db):
    number = brought(db)
    town = remember(db, LIVES, message(db))
    own = say(db, "by the river, since 2020")
    memories.update(db, town, f"The user lives in {TOWN} by the river.", told_on=DAY, sources=[own.id])
    chats.mark_observed(db, [own.id], "v")
    report = import_undo.undo_import(db, number)

    assert (report.memories, held(db)) == (2, [])
    assert [[own.id]] == [ids(chat) for chat in chats.quiet(db, before=later(days=1), version="v")]
    assert_gone(db)


def test_imports_are_listed_oldest_first_until_they_are_undone(db):
    first = brought(db, LONG[:2])
    brought(db, LONG, digest="d2")
    listed = [(one.name, one.sessions, one.turns) for one in imports.listed(db)]
    import_undo.undo_import(db, first)

    assert [("d1.json", 1, 2), ("d2.json", 1, 2)] == listed
    assert ["d2.json"] == [one.name for one in imports.listed(db)]
    with pytest.raises(NotFound, match=f"import {first}"):
        import_undo.undo_import(db, first)


def test_an_undone_import_is_quoted_by_no_exam_and_counted_among_what_was_forgotten(db):
    number = brought(db)
    taught = learned(db, remember(db, LIVES, message(db)))
    other = candidate(db)
    generations.refuse(db, other.id, {"missed": [{"said": f"In {TOWN}."}]}, "worse")
    concerned = import_undo.concerned(db, number)
    report = import_undo.undo_import(db, number)
    counted = nights.forgotten_between(db, None, datetime.now(UTC) + timedelta(days=1))

    assert ((taught,), {}) == (concerned.generations, generations.get(db, other.id).exam)
    assert nights.Forgotten(memories=1, messages=report.messages, lessons=1, generations=1) == counted
