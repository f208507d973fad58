from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import chats, imports, memories, recall_log
from store.chats import NewMessage
from store.database import open_store, whole
from store.export import Archive, take_out, take_out_in_slices
from store.restore import put_in
from tests.store.sample import (
    DAY,
    GHENT,
    KEY,
    NOON,
    OSLO,
    by_words,
    history,
    later,
    remember,
    say,
    texts,
    undone,
)

WEEK = timedelta(weeks=1)
BAKER = "The user is a baker."


@pytest.fixture
def lived(db):
    """A store with a fork, an import, and every operation; some of it taken back."""
    told = say(db, "I moved from Ghent to Oslo", "Noted.")
    chats.record(db, history(told.text, "Noted.", "and I have a dog"), at=later(days=1))
    chats.record(db, history(told.text, "Noted.", "and I have a cat"), at=later(days=2))
    chats.mark_observed(db, [told.id], "observe-1")
    spoken = NewMessage(role="user", text="hi\u2028 there", speaker="Anna", external_id="x:1", said_at=NOON)
    imports.record_import(db, "d" * 64, "x.json", [[spoken]], later(days=3))
    ghent = remember(db, GHENT, told)
    memories.ignore(db, ghent, "Ghent again", told_on=DAY, sources=[told.id])
    oslo = memories.reconcile(db, ghent, OSLO, told_on=DAY + WEEK, sources=[told.id], kind="standing")
    wrong = memories.update(db, oslo, "The user lives in Oslo, Ohio.", told_on=DAY, sources=[], trust="user")
    memories.undo(db, wrong.id, today=DAY)
    memories.ignore(db, None, "hi", told_on=DAY, sources=[told.id])
    recall_log.count_recall(db, [oslo.id], at=NOON)
    return db


def test_an_empty_store_takes_in_all_and_gives_an_equal_archive(lived, other):
    archive = take_out(lived)
    done = put_in(other, archive)

    assert (len(archive.messages), 0, 3, None) == (done.messages, done.known, done.memories, done.refused)
    assert archive == take_out(other)
    assert memories.holding(lived) == memories.holding(other)
    assert by_words(other, "memory", "Oslo") == [2]
    for db in (other, lived):  # once more adds nothing
        done = put_in(db, archive)

        assert (0, len(archive.messages), 0, None) == (done.messages, done.known, done.memories, done.refused)
        assert archive == take_out(db)
    assert memories.undo(other, 2, today=DAY).restored.text == GHENT


def test_only_messages_go_into_a_store_that_has_memories(lived, other):
    remember(other, BAKER, say(other, "I am a baker"))
    archive = take_out(lived)
    done = put_in(other, archive)

    assert (len(archive.messages), 0) == (done.messages, done.memories)
    assert "memories of its own" in done.refused
    assert [BAKER] == texts(memories.holding(other))
    assert {None} == {message.observed_by for message in take_out(other).messages}  # to be observed here


def test_a_later_archive_adds_what_is_new(lived, other):
    put_in(other, take_out(lived))
    chats.record(lived, history("I moved from Ghent to Oslo", "Noted.", "and I have a dog", "Rex?"), at=NOON)
    done = put_in(other, take_out(lived))

    assert (1, 1, None) == (done.messages, done.chats, done.refused)
    assert take_out(lived) == take_out(other)


def test_nothing_forgotten_is_in_an_archive(lived, other):
    memories.forget(lived, [2])
    archive = take_out(lived)

    assert "Ghent" not in repr(archive)
    assert "forgotten" not in repr(archive)
    assert [None, None, None] == [message.parent for message in archive.messages]
    assert len(archive.messages) == put_in(other, archive).messages
    assert archive == take_out(other)
    assert 0 == put_in(lived, archive).messages


MEANWHILE = {
    "said": lambda db: say(db, "And now I have a parrot", "Noted."),
    "forgotten": lambda db: memories.forget(db, [2]),
    "noted": lambda db: remember(db, BAKER, say(db, "I am a baker")),
    "undone": lambda db: memories.undo(db, 2, today=DAY),
}


@pytest.mark.parametrize("slices", range(1, 7))
@pytest.mark.parametrize("act", MEANWHILE.values(), ids=MEANWHILE)
def test_whatever_happens_between_two_slices_an_archive_is_as_of_one_moment(lived, act, slices):
    before, taking = take_out(lived), take_out_in_slices(lived)
    for _ in range(slices):
        next(taking)
    act(lived)
    archive = whole(taking)

    assert archive in (take_out(lived), before)
    assert archive != before or act is MEANWHILE["said"]


def test_where_the_store_has_no_rest_it_is_taken_out_in_one_go(lived):
    taking = take_out_in_slices(lived)
    with pytest.raises(StopIteration) as end:
        for _ in range(1000):
            next(taking)
            remember(lived, BAKER, say(lived, "I am a baker"))

    assert take_out(lived) == end.value.value


def test_no_slice_is_longer_than_some_hundred_rows(db):
    imports.record_import(
        db, "d" * 64, "x.json", [[NewMessage(role="user", text=f"herons {n}") for n in range(1000)]], NOON
    )

    assert 5 + 1 == sum(1 for _ in take_out_in_slices(db))
    assert 1000 == len(whole(take_out_in_slices(db)).messages)


def test_what_was_forgotten_here_does_not_come_back_from_an_archive(lived):
    archive = take_out(lived)
    memories.forget(lived, [2])
    after = take_out(lived)
    done = put_in(lived, archive)

    assert (0, 0) == (done.messages, done.memories)
    assert "forgotten here" in done.refused
    assert after == take_out(lived)


def test_two_equal_chats_of_one_moment_stay_two(db, other):
    for _ in range(2):
        chats.record(db, history("hi"), at=NOON, source="import")
        chats.record(db, history("hi", "hello"), at=NOON, source="import")
    put_in(other, take_out(db))

    assert take_out(db) == take_out(other)
    assert 0 == put_in(other, take_out(db)).messages


def test_memories_of_an_archive_are_one_line_each_and_known_again_where_they_are_not(lived, other):
    lived.execute("update memories set text = replace(text, ' ', char(10))")
    lived.execute("update events set text = replace(text, ' ', char(10))")
    found = take_out(lived)

    assert any("\n" in one.text for one in found.memories)
    assert (put_in(lived, found).memories, put_in(lived, found).refused) == (0, None)
    assert len(found.memories) == put_in(other, found).memories
    assert not any("\n" in one.text for one in (*take_out(other).memories, *take_out(other).events))


def test_an_empty_archive_is_one_too(db):
    assert Archive() == take_out(db)
    assert put_in(db, Archive()).refused is None


TEXTS = st.text(st.characters(), min_size=1, max_size=12)  # any code point, halves of surrogate pairs too
TURNS = st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), TEXTS), min_size=1, max_size=4)
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["add", "update", "reconcile", "ignore", "undo", "forget"]), TEXTS),
    max_size=8,
)


@settings(max_examples=30, deadline=None)
@given(talks=st.lists(TURNS, max_size=4), operations=OPERATIONS)
def test_any_content_comes_back_equal(shared_db, empty_copy, talks, operations):
    with undone(shared_db), undone(empty_copy):
        live(shared_db, talks, operations)
        archive = take_out(shared_db)
        put_in(empty_copy, archive)

        assert archive == take_out(empty_copy)
        assert 0 == put_in(empty_copy, archive).messages


def live(db, talks, operations):
    """Say and remember all this."""
    for number, talk in enumerate(talks):
        turns = [NewMessage(role=role, text=text) for role, text in talk]
        chats.record(db, turns, at=later(days=number // 2))  # some at the same moment
    sources = [id for (id,) in db.execute("select id from messages where not redacted")][:2]
    for op, text in operations:
        held = memories.holding(db)
        if op == "add" or not held:
            memories.add(db, text, told_on=DAY, sources=sources)
        elif op == "ignore":
            memories.ignore(db, held[0], text, told_on=DAY, sources=[])
        elif op == "undo":
            memories.undo(db, held[-1].id, today=DAY)
        elif op == "forget":
            memories.forget(db, [held[-1].id])
            sources = []
        else:
            change = memories.update if op == "update" else memories.reconcile
            change(db, held[-1], text, told_on=DAY + WEEK, sources=[])


@pytest.fixture(scope="module")
def empty_copy(tmp_path_factory):
    opened = open_store(tmp_path_factory.mktemp("copy") / "store.db", KEY)
    yield opened
    opened.close()
