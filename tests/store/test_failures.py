"""What happens to a store when the disk, another process or the power fails."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import apsw
import pytest

from store import chats
from store.database import give_key, guarded, open_store, stamp, writing
from store.errors import StoreFull
from tests.store.sample import KEY, NOON, closed_store, refused, say, unusable

OTHER_KEY = bytes(32)
ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from datetime import datetime
from pathlib import Path
from store import chats
from store.chats import NewMessage
from store.database import open_store

db = open_store(Path(sys.argv[1]), bytes(range(32)))
number = 0
while True:
    number += 1
    message = NewMessage(role="user", text=f"message {number}")
    chats.record(db, [message], at=datetime.fromisoformat(sys.argv[2]))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_a_full_file_is_an_error_and_earlier_rows_are_there(db, file):
    say(db, "the first")
    db.pragma("max_page_count", db.pragma("page_count") + 2)
    with pytest.raises(StoreFull, match=str(file)):
        say(db, "x" * 100_000)

    assert chats.count(db) == 1
    db.pragma("max_page_count", 1 << 30)
    say(db, "the second")
    assert chats.count(db) == 2


def in_a_process(body: str, file: Path) -> None:
    """Run `body` in a process of its own, on `file`; limits and rights that it gives up end with it."""
    code = f"""
import os, resource, sys
from datetime import UTC, datetime
from pathlib import Path
from store import chats
from store.database import open_store
from store.errors import StoreFull, StoreUnusable
file, key = Path(sys.argv[1]), bytes(range(32))
{textwrap.dedent(body)}
sys.exit("no error came")
"""
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, cwd=ROOT)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_disk_that_takes_no_more_is_an_error_and_earlier_rows_are_there(file):
    closed_store(file)
    in_a_process(
        """
        db = open_store(file, key)
        limit = file.stat().st_size + 40_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            for number in range(10_000):
                new = chats.NewMessage(role="user", text=f"{number} " + "x" * 500)
                chats.record(db, [new], at=datetime.now(UTC))
        except StoreFull:
            sys.exit(chats.count(db) != number + 1)
        """,
        file,
    )
    db = open_store(file, KEY)

    assert chats.count(db) > 1
    assert db.pragma("integrity_check") == "ok"
    db.close()


def test_a_disk_without_room_for_a_new_store_leaves_nothing_behind(file):
    in_a_process(
        """
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            open_store(file, key)
        except StoreFull:
            sys.exit(0)
        """,
        file,
    )

    assert list(file.parent.iterdir()) == []


def test_a_read_only_store_is_refused(file):
    before = closed_store(file).read_bytes()
    in_a_process(
        """
        os.chdir(file.parent)
        file.parent.chmod(0o555)
        file.chmod(0o444)
        if os.geteuid() == 0:  # root may write anything
            os.setuid(65534)
        try:
            open_store(Path(file.name), key)
        except StoreUnusable as error:
            sys.exit(error.problem != "read-only")
        """,
        file,
    )
    file.parent.chmod(0o755)

    assert file.read_bytes() == before


def test_writing_through_a_read_only_connection_is_an_error_that_says_so(file):
    closed_store(file)
    db = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    give_key(db, KEY)
    with unusable("read-only"):
        say(db, "hi")

    db.close()


def test_a_store_held_by_another_process_is_an_error_that_says_so(db, file):
    holder = open_store(file, KEY)
    db.set_busy_timeout(1)
    with writing(holder), unusable("busy"):
        say(db, "hi")

    holder.close()


def writer(file, code=WRITER):
    return [sys.executable, "-c", code, str(file), stamp(NOON)]


def test_acknowledged_messages_survive_kill_9(file):
    child = subprocess.Popen(writer(file), stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    acknowledged = [child.stdout.readline() for _ in range(6)]
    os.kill(child.pid, signal.SIGKILL)
    acknowledged += [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    child.stdout.close()
    child.wait()
    db = open_store(file, KEY)

    assert chats.count(db) in (len(acknowledged), len(acknowledged) + 1)  # the last may lack its receipt
    assert db.pragma("integrity_check") == "ok"
    db.close()


def test_faults_of_the_program_are_not_translated(db):
    with pytest.raises(apsw.SQLError), guarded(db):
        db.execute("select nothing from nowhere")


def test_a_wrong_key_leaves_a_log_that_still_waits_to_be_folded_in(file):
    reader = open_store(closed_store(file), KEY)  # keeps the log from being folded in
    reader.execute("select * from messages").fetchall()
    few = WRITER.replace("while True", "for number in range(3)")
    subprocess.run(writer(file, few), check=True, cwd=ROOT)
    wal = file.with_name("store.db-wal")
    size = wal.stat().st_size

    assert "wrong key" == refused(file, OTHER_KEY)
    assert wal.stat().st_size == size > 0
    assert chats.count(reader) == 4
    reader.close()
