"""Backups: whole, readable with their key alone, put back as they were, and without what was forgotten since."""

from contextlib import closing
from datetime import UTC, datetime

import apsw
import pytest

from store import backup, chats, forgetting, imports, memories
from store.chats import NewMessage
from store.database import open_store, rows
from store.errors import StoreUnusable
from store.lessons import add as add_lessons
from store.schema import MIGRATIONS
from store.statistics import counts
from tests.store.sample import KEY, NOON, TOWN, adopted, by_words, everything, lesson, remember, say
from tests.store.test_old_stores import VERSIONS, old_store

OTHER_KEY = b"o" * 32
WORDS = "correct horse battery staple"


@pytest.fixture
def lived(db):
    """A store with chats, memories, a lesson, a generation, and an import; it stays open, as a daemon holds it."""
    memory = remember(db, f"The user lives in {TOWN}.", say(db, f"I live in {TOWN}."))
    remember(db, "The user is a baker.", say(db, "I am a baker."))
    adopted(db, *add_lessons(db, [lesson(memory.id, answer=memory.text)]))
    session = [NewMessage(role="user", text=f"{n} herons", external_id=f"h{n}") for n in range(30)]
    imports.record_import(db, "d1", "herons.json", [session], NOON)
    return db


@pytest.fixture
def target(tmp_path):
    return tmp_path / "backups" / "one.backup"


def dump(db):
    """Every row of every table but the counter and what FTS5 keeps for itself."""
    names = [
        n
        for (n,) in rows(
            db, "select name from sqlite_schema where type = 'table' and name not like '%words%'"
        )
    ]
    return {
        name: sorted(map(repr, rows(db, f"select * from {name}")))
        for name in names
        if name != "sqlite_sequence"
    }


@pytest.mark.parametrize(("passphrase", "key"), [(None, KEY), (WORDS, OTHER_KEY)])
def test_what_is_restored_is_what_was_there_beside_an_open_store(
    lived, file, target, tmp_path, passphrase, key
):
    before = dump(lived)
    told = backup.back_up(file, KEY, target, passphrase=passphrase)
    say(lived, "what was said after it")

    restored = backup.restore(target, passphrase or KEY, tmp_path / "new.db", key)

    with closing(open_store(tmp_path / "new.db", key)) as db:
        assert before == dump(db)
        assert told == restored == counts(db)
        assert by_words(db, "message", "herons")
    assert {target.name} == {one.name for one in target.parent.iterdir()}
    assert 0o600 == target.stat().st_mode & 0o777


def test_a_backup_holds_no_readable_word_and_opens_with_its_own_secret_alone(lived, file, target):
    backup.back_up(file, KEY, target, passphrase=WORDS)

    assert TOWN.encode() not in target.read_bytes()
    assert backup.check(target, WORDS)
    for wrong in (KEY, "another passphrase"):
        with pytest.raises(StoreUnusable) as refused:
            backup.check(target, wrong)
        assert "backup key" == refused.value.problem


def test_a_backup_that_fails_leaves_the_one_before(lived, file, target):
    backup.back_up(file, KEY, target)
    before = target.read_bytes()
    lived.execute("pragma foreign_keys = off; insert into memory_sources values (99, 99)")

    with pytest.raises(StoreUnusable):
        backup.back_up(file, KEY, target)
    assert before == target.read_bytes()
    assert [target] == list(target.parent.iterdir())


@pytest.mark.parametrize("place", ["beginning", "schema", "middle", "end", "cut"])
def test_a_damaged_backup_is_refused_and_named_and_nothing_is_written(lived, file, target, tmp_path, place):
    backup.back_up(file, KEY, target)
    data = bytearray(target.read_bytes())
    where = {"beginning": 3, "schema": 2000, "middle": len(data) // 2, "end": len(data) - 40}
    if place == "cut":
        del data[len(data) // 2 :]
    else:
        data[where[place]] ^= 1
    target.write_bytes(data)

    with pytest.raises(StoreUnusable) as refused:
        backup.restore(target, KEY, tmp_path / "new.db", KEY)
    assert target.name in str(refused.value)
    assert refused.value.problem.startswith("backup")
    assert not (tmp_path / "new.db").exists()
    assert bytes(data) == target.read_bytes()


def test_nothing_is_restored_over_a_store(lived, file, target):
    backup.back_up(file, KEY, target)
    with pytest.raises(StoreUnusable, match="already"):
        backup.restore(target, KEY, file, KEY)


def test_what_is_forgotten_leaves_the_backups_and_what_was_not_stays(lived, file, target, tmp_path):
    backup.back_up(file, KEY, target)
    (gone,) = [one for one in memories.holding(lived) if TOWN in one.text]
    said = len(rows(lived, "select 1 from messages where not redacted"))
    forgetting.forget(lived, [gone.id])
    kept = rows(lived, "select text from messages where not redacted")

    assert backup.rewrite(target, KEY, file)
    assert not backup.rewrite(target, KEY, file)
    backup.restore(target, KEY, tmp_path / "new.db", KEY)
    with closing(open_store(tmp_path / "new.db", KEY)) as db:
        assert TOWN not in everything(db)
        assert len(kept) == said - 1
        assert kept == rows(db, "select text from messages where not redacted")
        assert ["The user is a baker."] == [one.text for one in memories.holding(db)]
        assert ["tainted"] == [state for (state,) in rows(db, "select state from generations")]
        assert chats.record(db, [NewMessage(role="user", text="hi")], at=datetime.now(UTC))


def test_an_import_that_is_undone_leaves_the_backups(lived, file, target, tmp_path):
    backup.back_up(file, KEY, target)
    imports.undo_import(lived, 1)
    backup.rewrite(target, KEY, file)

    backup.restore(target, KEY, tmp_path / "new.db", KEY)
    with closing(open_store(tmp_path / "new.db", KEY)) as db:
        assert [] == by_words(db, "message", "herons")
        assert [] == imports.listed(db)
        assert 2 == len(memories.holding(db))


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[5], VERSIONS[-1]])
def test_an_older_store_is_backed_up_before_it_is_brought_up_to_date(tmp_path, version):
    file = tmp_path / "old.db"
    old_store(file, version).close()
    before = file.read_bytes()

    made = backup.before_migration(file, KEY, tmp_path / "backups")
    open_store(file, KEY).close()

    assert made is not None
    assert before != file.read_bytes()
    assert backup.before_migration(file, KEY, tmp_path / "backups") is None
    with closing(apsw.Connection(str(made))) as db:
        backup.give_key(db, KEY)
        assert version == db.pragma("user_version") < len(MIGRATIONS)
    backup.restore(made, KEY, tmp_path / "new.db", KEY)
    assert not backup.rewrite(made, KEY, tmp_path / "new.db") or version < 8
