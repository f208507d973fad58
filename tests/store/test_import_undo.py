"""Undoing an import in slices: what ends on the way goes on, and is as good as in one go."""

from contextlib import closing
from itertools import islice, pairwise

import pytest

from store import chats, forgetting, import_undo, imports, memories
from store.chats import NewMessage
from store.database import open_store, rows, whole
from store.errors import NotFound
from store.export import take_out
from store.full_text import search
from store.restore import count_in_slices, put_in
from tests.store.sample import KEY, NOON, TOWN, everything, later, remember, say

COUNT = 100  # messages
HERONS = [
    NewMessage(
        role="assistant" if n % 2 else "user", text=f"{n} herons in {TOWN}", external_id=f"h{n}", said_at=NOON
    )
    for n in range(COUNT)
]


@pytest.fixture
def number(db):
    """An import from which memories were drawn: of one message, of two that are far apart, and one refined by it."""
    own = remember(db, "The user counts birds.", say(db, "I count birds."))
    made = imports.record_import(db, "d1", "herons.json", [HERONS[:60], HERONS[60:]], NOON).id
    said = [chats.by_external_id(db, f"h{n}") for n in range(COUNT)]
    for place in (2, 30, 98):
        remember(db, f"The user saw {place} herons.", said[place])
    remember(db, "The user likes herons.", said[0], said[90])
    memories.update(db, own, "The user counts herons.", told_on=NOON.date(), sources=[said[10].id])
    return made


@pytest.mark.parametrize("slices", [1, 3, 6])
def test_what_ends_after_any_slice_goes_on_and_is_as_if_it_had_never_ended(db, number, other, file, slices):
    ended = import_undo.undo_in_slices(db, number)
    for _ in islice(ended, slices):
        pass
    del ended
    assert [] == imports.listed(db)
    assert number == imports.get(db, number).id  # so who wants it undone may say so again
    with closing(open_store(file, KEY)) as again:
        assert 1 == whole(import_undo.go_on(again))
        assert 0 == whole(import_undo.go_on(again))

    assert ["The user counts birds."] == [one.text for one in memories.holding(db)]
    assert (0, []) == (
        rows(db, "select count(*) from messages where not redacted")[0][0] - 1,
        imports.listed(db),
    )
    assert TOWN not in everything(db)


def test_in_slices_the_report_and_what_is_left_are_those_of_one_go(db, number):
    told = import_undo.concerned(db, number)
    report = import_undo.undo_import(db, number)

    assert (COUNT, 0, 1) == (report.messages, report.kept_messages, report.restored)
    assert (len(told.messages), len(told.memories)) == (report.messages, report.memories)
    assert ["The user counts birds."] == [one.text for one in memories.holding(db)]


def test_between_two_slices_a_message_is_there_or_gone_and_few_go_at_once(db, number):
    def left():
        return {text for (text,) in rows(db, "select text from messages where not redacted")}

    counts = [len(left())]
    for _ in import_undo.undo_in_slices(db, number):
        counts.append(len(left()))
        drawn = rows(db, "select id from memories where id not in (select memory_id from memory_sources)")
        found = {id for id, _ in search(db, "message", "herons", 2 * COUNT)}
        assert found == {id for (id,) in rows(db, "select id from messages where text like '%herons%'")}
        assert [] == drawn
    assert max(before - after for before, after in pairwise(counts)) <= import_undo.SLICE
    assert COUNT == counts[0] - counts[-1]


def test_a_chat_that_goes_on_while_it_is_undone_keeps_its_beginning(db, number):
    slices = import_undo.undo_in_slices(db, number)
    next(slices)
    turns = [NewMessage(role=one.role, text=one.text) for one in HERONS[:4]]
    chats.record(db, [*turns, NewMessage(role="user", text="And today?")], at=later(days=1))
    report = whole(slices)

    assert 4 == report.kept_messages
    assert [one.text for one in HERONS[:4]] == [
        text for (text,) in rows(db, "select text from messages where text like '%herons%'")
    ]


def test_the_same_import_is_undone_once(db, number):
    first, second = (import_undo.undo_in_slices(db, number) for _ in range(2))
    next(first)
    next(second)
    whole(first)

    with pytest.raises(NotFound):
        whole(second)


def test_a_file_whose_import_is_being_undone_goes_in_again_when_that_has_ended(db, number):
    slices = import_undo.undo_in_slices(db, number)
    next(slices)
    with pytest.raises(NotFound):
        imports.record_import(db, "d1", "herons.json", [HERONS], NOON)
    whole(slices)

    assert COUNT == imports.record_import(db, "d1", "herons.json", [HERONS], NOON).turns


def test_forgetting_looks_through_the_store_in_slices_and_sees_what_came_meanwhile(db, number):
    told = remember(
        db, f"The user lives in {TOWN}, by the river.", say(db, f"I live in {TOWN}, by the river.")
    )
    looking = forgetting.scan(db, [told.id])
    for _ in islice(looking, 2):
        pass
    late = say(db, f"You said: the user lives in {TOWN}, by the river.")
    scanned = whole(looking)
    later_still = say(db, f"Once more: I live in {TOWN}, by the river.")
    found = forgetting.concerned(db, [told.id], scanned=scanned)
    report = forgetting.forget(db, [told.id], scanned=scanned)

    assert {late.id, later_still.id} < set(found.messages)
    assert report.messages == len(found.messages) == 3


def test_a_word_of_what_is_forgotten_stands_in_no_page_of_an_index(db, number):
    told = remember(db, "The user is called Zymphorquax.", say(db, "My name is Zymphorquax, by the way."))
    forgetting.forget(db, [told.id])
    pages = [
        block
        for name in ("message", "memory")
        for (block,) in rows(db, f"select block from {name}_words_data")
    ]
    terms = [
        str(term)
        for name in ("message", "memory")
        for (term,) in rows(db, f"select term from {name}_words_idx")
    ]

    assert not [one for one in pages if b"phorqu" in bytes(one)]
    assert not [one for one in terms if "phorqu" in one]


def test_what_an_archive_would_bring_is_counted_without_a_change(db, number, other):
    gone = say(db, "My name is Zymphorquax, by the way.")
    archives = [take_out(db)]
    say(db, "one more")
    archives.append(take_out(db))
    put_in(other, archives[0])
    forgetting.forget(
        other,
        messages=[row[0] for row in rows(other, "select id from messages where text = ?", (gone.text,))],
    )
    for archive in (*archives, archives[0]):
        before = other.total_changes()
        told = whole(count_in_slices(other, archive))

        assert before == other.total_changes()
        assert told == put_in(other, archive)
