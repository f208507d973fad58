"""
One bit turned in a page of every kind: what needs that page says which file and the way out, the rest is as it was.

Nothing of the damaged file is overwritten by looking at it, and a backup puts all of it back.
"""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from store import backup, chats, full_text, generations, lessons, memories, vectors
from store.chats import NewMessage
from store.database import open_store, rows
from store.errors import StoreUnusable
from store.export import take_out
from store.lessons import add as add_lessons
from tests.store.sample import KEY, NOON, adopted, embed, lesson, remember, say, texts, vector

PAGE = 4096
LOOKS = {  # what a daemon reads in a day
    "chats": lambda db: [texts(chats.path(db, id)) for (id,) in rows(db, "select max(id) from messages")],
    "search": lambda db: full_text.search(db, "message", "heron", 9),
    "memories": lambda db: texts(memories.holding(db)),
    "by words": lambda db: full_text.search(db, "memory", "sails", 9),
    "by meaning": lambda db: vectors.nearest(db, "memory", vector(1), 9),
    "lessons": lessons.holding,
    "generations": generations.all,
    "adapter": lambda db: generations.adapter(db, 1),
    "export": take_out,
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A closed store with something in every table, its backup, and the kind of each of its pages."""
    file = tmp_path_factory.mktemp("lived") / "store.db"
    with closing(open_store(file, KEY)) as db:
        for n in range(60):
            last = say(
                db, f"{n}: we saw the heron by the river, and talked at length about the year {n}", "Nice."
            )
        made = [remember(db, f"The user sails in the year {n}.", last) for n in range(20)]
        embed(db, "memory", [one.id for one in made], *(vector(1, n) for n in range(20)))
        adopted(db, *add_lessons(db, [lesson(one.id, answer=one.text) for one in made]))
        say(db, "A long letter: " + "word " * 4000)  # pages of its own
        db.execute("create table gone (x); insert into gone values (zeroblob(40000)); drop table gone")
        kinds = {name: [] for name in ("free",)}
        for page, name in rows(db, "select pageno, name || ' ' || pagetype from dbstat order by pageno"):
            kinds.setdefault(name, []).append(page)
        used = {page for pages in kinds.values() for page in pages}
        kinds["free"] = sorted(set(range(1, db.pragma("page_count") + 1)) - used)
    backup.back_up(file, KEY, file.with_name("one.backup"))
    return file, kinds


def look(file):
    """What each look finds, or the sentence that it is refused with; opening is the first."""
    try:
        db = open_store(file, KEY)
    except StoreUnusable as error:
        return {"open": str(error)}
    with closing(db):
        found = {}
        for name, read in LOOKS.items():
            try:
                found[name] = repr(read(db))
            except StoreUnusable as error:
                found[name] = error
        return found


def test_a_turned_bit_in_a_page_of_any_kind_is_told_with_the_way_out_and_never_shows_other_data(
    lived, tmp_path
):
    file, kinds = lived
    well = look(Path(shutil.copy(file, tmp_path / "well.db")))
    assert all(isinstance(one, str) for one in well.values())
    told = set()
    for kind, pages in kinds.items():
        damaged = Path(shutil.copy(file, tmp_path / "store.db"))
        data = bytearray(damaged.read_bytes())
        place = (pages[len(pages) // 2] - 1) * PAGE + PAGE // 2
        data[place] ^= 1
        damaged.write_bytes(data)

        for name, found in look(damaged).items():
            if isinstance(found, StoreUnusable) or name == "open":
                told.add(kind)
                assert "store.db" in str(found)
                assert "restore" in str(found)
            else:
                assert well[name] == found, (kind, name)
        assert data[place] == damaged.read_bytes()[place]
        for part in tmp_path.glob("store.db*"):
            part.unlink()

    assert len(kinds) > 40
    assert {"messages leaf", "vectors leaf", "message_words_data leaf", "sqlite_schema leaf"} <= told


def test_a_page_that_is_damaged_while_the_store_is_open_is_told_and_a_backup_puts_all_back(lived, tmp_path):
    file, kinds = lived
    damaged = Path(shutil.copy(file, tmp_path / "store.db"))
    data = bytearray(damaged.read_bytes())
    for page in kinds["messages leaf"]:
        data[page * PAGE - 100] ^= 255
    damaged.write_bytes(data)

    with closing(open_store(damaged, KEY)) as db, pytest.raises(StoreUnusable, match="restore"):
        chats.record(db, [NewMessage(role="user", text="hello")], at=NOON)
        take_out(db)
    damaged.rename(tmp_path / "aside.db")
    backup.restore(file.with_name("one.backup"), KEY, damaged, KEY)
    with closing(open_store(damaged, KEY)) as db, closing(open_store(file, KEY)) as before:
        assert texts(memories.holding(before)) == texts(memories.holding(db))
        assert chats.count(before) == chats.count(db)
