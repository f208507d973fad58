"""Backups: whole, readable with their key alone, put back as they were, and without what was forgotten since."""

import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from store import backup, chats, forgetting, generations, import_undo, imports, memories, switch
from store.chats import NewMessage
from store.database import open_store, rows
from store.errors import StoreUnusable
from store.lessons import add as add_lessons
from store.schema import MIGRATIONS
from store.statistics import counts
from tests.store.sample import KEY, NOON, TOWN, adopted, by_words, everything, lesson, remember, say
from tests.store.test_old_stores import VERSIONS, old_store

OTHER_KEY = b"o" * 32
LATE = "said after it, and still in the log alone"
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
    """Every row of every table but the adapters, the counter and what FTS5 keeps for itself."""
    names = [
        n
        for (n,) in rows(
            db, "select name from sqlite_schema where type = 'table' and name not like '%words%'"
        )
    ]
    return {
        name: sorted(map(repr, rows(db, f"select * from {name}")))
        for name in names
        if name not in ("sqlite_sequence", "generations")
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
        assert told == restored.counts == counts(db)
        assert by_words(db, "message", "herons")
    assert {target.name} == {one.name for one in target.parent.iterdir()}
    assert 0o600 == target.stat().st_mode & 0o777


def test_backups_hold_no_adapter_and_what_was_adopted_is_retired(lived, file, target, tmp_path):
    (made,) = generations.all(lived)
    backup.back_up(file, KEY, target)
    backup.restore(target, KEY, tmp_path / "new.db", KEY)

    assert generations.adapter(lived, made.id)
    with closing(open_store(tmp_path / "new.db", KEY)) as db:
        assert ["retired"] == [one.state for one in generations.all(db)]
        assert [(None,)] == rows(db, "select adapter from generations")
        assert generations.live(db, made.base_sha256) is None
        assert [0] == [free for (free,) in rows(db, "pragma freelist_count")]


def texts(file):
    with closing(open_store(file, KEY)) as db:
        return {text for (text,) in rows(db, "select text from messages")}


def test_a_restore_that_is_killed_anywhere_leaves_the_old_store_or_the_new_and_never_another(
    lived, file, target, tmp_path
):
    backup.back_up(file, KEY, target)
    old = texts(file)
    say(lived, LATE)
    words = [sys.executable, "-m", "tests.store.killed_restore", target, file, tmp_path / "homes"]
    subprocess.run(words, cwd=Path(__file__).parents[2], check=True)

    ended = Counter()
    for home in (tmp_path / "homes").iterdir():
        said = switch.settle(home / "store.db")
        found, aside = texts(home / "store.db"), [one for one in home.glob("store.db.before-*[0-9]")]
        ended[(bool(aside), said is not None)] += 1
        assert found == (old if aside else {*old, LATE})
        assert [{*old, LATE}] * len(aside) == [texts(one) for one in aside]
        assert not [one for one in home.iterdir() if one.name.startswith(".")]
    assert {(False, False), (False, True), (True, True), (True, False)} == set(ended)


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
    import_undo.undo_import(lived, 1)
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
