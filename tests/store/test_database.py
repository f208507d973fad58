"""The file of the store: its key, its steps, and what it holds against crashes and other programs."""

import os
from hashlib import sha256
from pathlib import Path

import apsw
import pytest

from store import chats, imports, jobs, vectors
from store.database import give_key, migrate, open_store, rows, stamp, writing
from store.schema import APPLICATION_ID, MIGRATIONS
from tests.store.sample import KEY, NOON, closed_store, everything_in, history, refused, say, texts, unusable

OTHER_KEY = bytes(32)
RELEASED = [  # sha256 of each step, its beginning
    "c8551dc973028617",
    "5488af527b25f14f",
    "a3741ccd63b24494",
    "78a1b20023748bee",
    "763bbccd5e03ece6",
    "768b2f673f0c9c1b",
    "ec48e24e303871ef",
    "cc9186d0ea872014",
    "7921c4ec1bc89893",
    "ffb8482493cef1bb",
    "1b8963b5dfbbc4db",
    "50e126d6849b980c",
    "2b27d5fa09b182b3",
    "24e199b10e1367ad",
    "7079ee03f661a823",
    "3a9805be1477a20b",
    "dcabbde9c716df2e",
    "de6f140d55dc4b84",
    "8ae3f6aaffb1b2a9",
    "29d56ccda3f23e91",
    "5682edc3126136bf",
    "dad55325c40c6455",
    "df6bf7c864ab2d50",
    "aeeed8bd3c4344cb",
    "e401289d518c4289",
    "134c3e200e32b491",
    "387bbf662738750f",
    "7bafe3285e9e989f",
]


def raw(file: Path, key: bytes = KEY) -> apsw.Connection:
    db = apsw.Connection(str(file))
    give_key(db, key)
    return db


def test_a_store_in_a_new_folder_opens_again_with_what_was_in_it(tmp_path):
    file = closed_store(tmp_path / "new" / "home" / "store.db")
    db = open_store(file, KEY)

    assert chats.count(db) == 1
    db.close()


def test_the_file_and_its_log_are_for_their_owner_and_can_not_be_read_without_the_key(file):
    db = open_store(file, KEY)
    say(db, "I live in Ghent")
    modes = {one.name: one.stat().st_mode & 0o777 for one in file.parent.iterdir()}
    found = b"".join(everything_in(file.parent).values())
    db.close()

    assert modes == dict.fromkeys([f"store.db{end}" for end in ("", "-wal", "-shm", "-commits")], 0o600)
    assert [] == [word for word in (b"Ghent", b"SQLite", b"messages") if word in found]


def test_the_connection_is_set_up_for_durability_and_for_forgetting(db):
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "temp_store": 2}

    assert {name: db.pragma(name) for name in wanted} == wanted
    assert db.pragma("busy_timeout") == 5000
    assert db.pragma("cache_size") <= -65536
    assert db.pragma("application_id") == APPLICATION_ID


def test_no_extension_but_our_own_can_be_loaded(db):
    assert db.execute("select vec_version()").get
    with pytest.raises(apsw.ExtensionLoadingError):
        db.load_extension("anything")
    with pytest.raises(apsw.SQLError, match="not authorized"):
        db.execute("select load_extension('anything')")


def test_a_wrong_key_is_refused_and_touches_nothing(file):
    assert "wrong key" == refused(closed_store(file), OTHER_KEY)


def test_a_key_of_another_length_is_refused(file):
    with unusable("key damaged"):
        open_store(file, b"short")

    assert not file.exists()


def newer(file):
    db = raw(closed_store(file))
    db.pragma("user_version", len(MIGRATIONS) + 1)
    db.close()


def of_another_program(file):
    db = raw(file)
    db.execute("create table theirs (x)")
    db.close()


def without_its_store(file):
    file.with_name("store.db-wal").write_bytes(b"frames")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        pytest.param(newer, "too new", id="a newer schema"),
        pytest.param(without_its_store, "damaged", id="a log alone, which is no reason to start again"),
        pytest.param(of_another_program, "no store", id="another program's, with our key"),
        pytest.param(lambda file: file.write_bytes(b""), "no store", id="empty"),
        pytest.param(lambda file: file.write_bytes(b"x"), "no store", id="one byte"),
        pytest.param(lambda file: file.write_bytes(b"Dear diary\n"), "no store", id="short text"),
        pytest.param(lambda file: file.write_bytes(b"Dear diary\n" * 900), "no store", id="long text"),
        pytest.param(
            lambda file: file.write_bytes(b"SQLite format 3\0" + bytes(4080)), "no store", id="plain database"
        ),
    ],
)
def test_what_is_no_store_of_this_release_is_refused_and_left_as_it_was(file, make, problem):
    make(file)

    assert problem == refused(file)


def test_a_folder_in_place_of_the_file_is_refused(file):
    file.mkdir()
    with unusable("no store"):
        open_store(file, KEY)


@pytest.mark.parametrize("kept", [100, 600, 4096, 5000, 8192])
def test_a_file_cut_short_is_refused(file, kept):
    closed_store(file)
    os.truncate(file, kept)

    assert refused(file) in ("no store", "wrong key", "damaged")


def test_a_damaged_page_is_an_error_that_says_so(file):
    closed_store(file)
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * (size - 4096))
    with unusable("damaged"):
        rows(open_store(file, KEY), "select * from messages")


def test_a_store_that_was_not_finished_is_made_again(file):
    file.with_name("store.db.new").write_bytes(b"half")
    db = open_store(file, KEY)
    names = {one.name for one in file.parent.iterdir()}
    db.close()

    assert names - {"store.db-wal", "store.db-shm", "store.db-commits"} == {"store.db"}


def test_a_folder_that_cannot_be_made_is_an_error_with_its_reason(tmp_path):
    (tmp_path / "file").write_text("")
    with unusable("unreachable", match="File exists"):
        open_store(tmp_path / "file" / "store.db", KEY)


def test_a_migration_happens_whole_or_not_at_all(file):
    db = open_store(file, KEY)
    broken = [*MIGRATIONS, "create table extra (x); create table extra (x);"]
    with pytest.raises(apsw.SQLError):
        migrate(db, broken)

    assert db.pragma("user_version") == len(MIGRATIONS)
    assert not db.table_exists("main", "extra")
    migrate(db, [*MIGRATIONS, "create table extra (x)"])
    assert db.pragma("user_version") == len(MIGRATIONS) + 1
    db.close()


def test_a_released_step_of_the_schema_is_never_edited():
    released = [sha256(step.encode()).hexdigest()[:16] for step in MIGRATIONS]

    assert RELEASED == released


def test_what_points_at_a_message_or_a_memory_is_found_by_an_index(db):
    asked = (
        "update events set beside = null where beside = 1",
        "select 1 from memory_sources where message_id = 1",
        "select 1 from event_sources where message_id = 1",
        "select 1 from import_messages where message_id = 1",
    )

    assert all("INDEX" in rows(db, f"explain query plan {one}")[0][3] for one in asked)


def test_no_call_keeps_a_snapshot_that_would_hold_up_the_log(db):
    message = say(db, "hi", "hello")
    chats.record(db, history("hi", "hello", "bye"), at=NOON)
    chats.reply(db, message, "hello", at=NOON, model="nano")
    jobs.enqueue(db, "night", {}, unique="one")
    jobs.enqueue(db, "night", {}, unique="one")
    jobs.finish(db, jobs.claim(db, "night", now=NOON, lease_s=1))
    imports.record_import(db, "d1", "one.json", [], NOON)
    imports.record_import(db, "d1", "one.json", [], NOON)
    vectors.prepare(db, "test-embedder", 4)
    vectors.missing(db, "message")

    assert rows(db, "pragma wal_checkpoint(truncate)") == [(0, 0, 0)]


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        stamp(NOON.replace(tzinfo=None))


def test_any_text_is_kept_but_what_utf_8_can_not_hold_which_is_mended(db):
    mended = {"a\ud83d\ude00b": "a\U0001f600b", "a\ud83db": "a\ufffdb"}
    for text in ("nul \0 inside", "emoji \U0001f600", *mended, "", "'; drop table messages; --", "𝔘𝔫𝔦" * 50):
        told = chats.record(db, history(text, "yes"), at=NOON)

        assert texts(chats.path(db, told[-1].id)) == [mended.get(text, text), "yes"]


def test_a_transaction_that_fails_leaves_nothing_and_its_error_comes_through(db):
    with pytest.raises(LookupError), writing(db):
        say(db, "I live in Ghent")
        raise LookupError

    assert chats.count(db) == 0
