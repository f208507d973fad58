"""How much room each part of the store takes."""

from store import chats, off_record
from store.chats import NewMessage
from store.statistics import FREE, PARTS, sizes
from tests.store.sample import NOON, later, say


def test_the_parts_add_up_to_the_file(db):
    for number in range(200):
        say(db, f"I have seen {number} hills and as many valleys. " * 20)
    found = sizes(db)

    assert found.bytes == sum(part.bytes for part in found.parts)
    assert found.parts[0].bytes == max(part.bytes for part in found.parts) > 100_000


def test_every_table_belongs_to_a_part(db):
    every = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'"
    known = {table for tables in PARTS.values() for table in tables}
    words = PARTS["words"]

    assert set() == {name for (name,) in db.execute(every) if not name.startswith(words)} - known


def test_what_is_there_is_counted_and_the_oldest_message_dated(db):
    said = later(days=-30)
    old = NewMessage(role="user", text="I live in Ghent.", said_at=said)
    chats.record(db, [old], at=NOON, source="import")
    say(db, "I live in Oslo.")
    off_record.may_keep(db, [("user", "hi")], private=True, at=NOON)
    found = sizes(db)
    counts = {part.name: part.rows for part in found.parts}

    assert (2, 2) == (counts["chats"], counts["private"])  # the marks of "hi": its letters, its words
    assert (said.isoformat(timespec="microseconds"), "chacha20") == (found.oldest, found.cipher)


def test_room_that_was_left_is_told_as_free(db):
    db.execute("create table gone (x text) strict; insert into gone values (hex(randomblob(50000)))")
    db.execute("drop table gone")

    assert {part.name: part.bytes for part in sizes(db).parts}[FREE] >= 80_000
