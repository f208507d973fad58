"""Acknowledged commits that are missing when the store is opened are told, whatever SQLite makes of its log."""

import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from store import chats, notices
from store.chats import NewMessage
from store.database import FILE_NAME, open_store, writing

KEY = b"k" * 32
CHILD = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from store import chats
from store.database import open_store
db = open_store(Path(sys.argv[1]), b"k" * 32)
for number in range(5):
    chats.record(db, [chats.NewMessage(role="user", text=f"turn {number}")], at=datetime.now(UTC))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(tmp_path):
    """A store of which the log holds five turns: its process was killed."""
    file = tmp_path / FILE_NAME
    open_store(file, KEY).close()
    subprocess.run([sys.executable, "-c", CHILD, str(file)], cwd=Path(__file__).parents[2], check=False)
    return file


def opened(file):
    """How many turns are there, and how many commits are told to be missing."""
    db = open_store(file, KEY)
    try:
        told = [one.about["commits"] for one in notices.unseen(db) if one.kind == "missing"]
        return chats.count(db), told
    finally:
        db.close()


def record(db, text):
    chats.record(db, [NewMessage(role="user", text=text)], at=datetime.now(UTC))


def test_a_kill_alone_loses_nothing_and_tells_nothing(killed):
    assert (5, []) == opened(killed)


def test_a_log_that_is_gone_is_told_until_it_was_seen(killed):
    killed.with_name(f"{FILE_NAME}-wal").unlink()
    found, again = opened(killed), opened(killed)
    db = open_store(killed, KEY)
    notices.see(db)
    db.close()

    assert (0, [5]) == found == again
    assert (0, []) == opened(killed)


def test_a_log_that_is_damaged_is_told(killed):
    log = killed.with_name(f"{FILE_NAME}-wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    turns, missing = opened(killed)

    assert turns < 5
    assert [5 - turns] == missing


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"0" * 64])
def test_a_count_that_is_gone_or_torn_tells_nothing(killed, content):
    file = killed.with_name(f"{FILE_NAME}-commits")
    file.unlink() if content is None else file.write_bytes(content)

    assert (5, []) == opened(killed)


def test_the_count_of_another_store_tells_nothing(killed, tmp_path):
    other = tmp_path / "other" / FILE_NAME
    open_store(other, KEY).close()
    other.with_name(f"{FILE_NAME}-commits").write_bytes(killed.with_name(f"{FILE_NAME}-commits").read_bytes())

    assert (0, []) == opened(other)


def test_what_is_undone_or_changes_nothing_is_not_counted(tmp_path):
    db = open_store(tmp_path / FILE_NAME, KEY)
    record(db, "one")
    with suppress(ZeroDivisionError), writing(db):
        record(db, "two")
        _ = 1 / 0
    with writing(db), writing(db):
        pass
    count = db.execute("select n from commits").get
    db.close()

    assert 1 == count
