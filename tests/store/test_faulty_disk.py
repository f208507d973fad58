"""
A disk that fails in the midst of work: what was acknowledged is there once, what failed said so, the next one works.

`make soak` fails every call of each kind, once and for a while; `make test` some of them.
"""

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from store import backup, forgetting, import_undo, imports, jobs, memories
from store.chats import NewMessage
from store.database import Connection, open_store, rows, whole
from store.errors import StoreError
from tests.store.faulty_disk import KINDS, Disk, faulty_disk
from tests.store.sample import KEY, NOON, remember, say

SOME, LASTS = 6, (1, 50)
FILE = [[NewMessage(role="user", text=f"{n} egrets", external_id=f"e{n}") for n in range(40)]]


def work(file: Path) -> dict[str, Callable[[Connection], object]]:
    """What a daemon does in a day; each is acknowledged when it returns."""
    return {
        "turn one": lambda db: say(db, "turn one", "answer one"),
        "turn two": lambda db: say(db, "turn two"),
        "memory": lambda db: remember(db, "The user sails.", say(db, "I sail.")),
        "import": lambda db: imports.record_import(db, "d", "egrets.json", FILE, NOON),
        "job": lambda db: jobs.enqueue(db, "index", {}),
        "forget": lambda db: forgetting.forget(db, [memories.holding(db)[0].id]),
        "undo": lambda db: import_undo.undo_import(db, imports.listed(db)[0].id),
        "backup": lambda db: backup.back_up(file, KEY, file.with_name("one.backup")),
        "turn three": lambda db: say(db, "turn three"),
    }


def done(db: Connection, name: str) -> int:
    """How often this piece of work is in the store."""
    counted = {
        "turn one": "select count(*) from messages where text = 'answer one'",
        "turn two": "select count(*) from messages where text = 'turn two'",
        "turn three": "select count(*) from messages where text = 'turn three'",
        "import": "select count(*) from imports where unfinished is null",
        "job": "select count(*) from jobs",
    }
    return int(rows(db, counted[name])[0][0])


def a_day(file: Path, disk: Disk) -> tuple[list[str], list[str]]:
    """Do all of it on a disk that may fail; what was acknowledged, and what raised."""
    acknowledged, refused = [], []
    db: Connection | None = None
    for name, piece in work(file).items():
        try:
            db = db or open_store(file, KEY)
            piece(db)
            acknowledged.append(name)
        except StoreError:
            refused.append(name)
        except IndexError:  # nothing is there to be forgotten or undone
            pass
    disk.mend()
    if db is not None:
        db.close()
    return acknowledged, refused


def check(file: Path, acknowledged: list[str], refused: list[str]) -> None:
    """Nothing is lost or doubled, all is whole, and the next request works."""
    with closing(open_store(file, KEY)) as db:
        assert ["ok"] == [said for (said,) in rows(db, "pragma integrity_check")]
        whole(import_undo.go_on(db))  # as the daemon does when it starts
        check_import(db, acknowledged, refused)
        for name in acknowledged:
            if name not in ("memory", "import", "forget", "undo", "backup"):
                assert 1 == done(db, name), name
        assert {1} >= {
            n for (n,) in rows(db, "select count(*) from messages where text like 'turn%' group by text")
        }
        say(db, "afterwards")
        if "backup" in acknowledged:
            assert backup.check(file.with_name("one.backup"), KEY)


def check_import(db: Connection, acknowledged: list[str], refused: list[str]) -> None:
    """It is there with all its messages or gone with all; an undoing that failed may have begun, and then ends."""
    egrets = int(rows(db, "select count(*) from messages where text like '% egrets'")[0][0])
    assert len(FILE[0]) * done(db, "import") == egrets
    if "undo" in acknowledged:
        assert 0 == egrets
    elif "import" in acknowledged and "undo" not in refused:
        assert len(FILE[0]) == egrets


def try_once(empty_store: Path, folder: Path, kind: str, at: int, lasts: int) -> int:
    """One day with one fault; how many calls failed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    file = Path(shutil.copy(empty_store, folder))
    with faulty_disk() as disk:
        if kind == "full":
            disk.room = at
        else:
            disk.kind, disk.at, disk.lasts = kind, at, lasts
        acknowledged, refused = a_day(file, disk)
        failed = disk.failed
    check(file, acknowledged, refused)
    assert acknowledged or refused
    return failed


@pytest.fixture(scope="module")
def calls(empty_store, tmp_path_factory):
    """How many calls of each kind a day makes on a disk that is well; of "full", how many bytes it writes."""
    file = Path(shutil.copy(empty_store, tmp_path_factory.mktemp("well")))
    with faulty_disk() as disk:
        acknowledged, refused = a_day(file, disk)
    assert ([], 9) == (refused, len(acknowledged))
    return {**disk.calls, "torn write": disk.calls["write"], "full": disk.written}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lasts", LASTS)
def test_a_disk_that_fails_loses_and_doubles_nothing_that_was_acknowledged(
    empty_store, tmp_path, calls, kind, lasts
):
    chance = random.Random(f"{kind} {lasts}")
    tried = [chance.randint(1, calls[kind]) for _ in range(SOME)]

    assert any(try_once(empty_store, tmp_path / "day", kind, at, lasts) for at in tried)


def test_a_disk_that_fails_while_the_store_is_opened_says_so(empty_store, tmp_path):
    for at in range(1, 12):
        try_once(empty_store, tmp_path / "day", "read", at, 1)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lasts", LASTS)
def test_every_call_that_fails_loses_and_doubles_nothing(empty_store, tmp_path, calls, kind, lasts):
    every = range(1, calls[kind] + 1, calls[kind] // 200 if kind == "full" else 1)

    assert any([try_once(empty_store, tmp_path / "day", kind, at, lasts) for at in every])
