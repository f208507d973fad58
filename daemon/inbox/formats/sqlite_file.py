"""
Look into a SQLite file of somebody else: in memory, read only, and nothing in it is ever run.

    bytes ──> a database in memory ──> columns of ordinary tables, one plain select each

The file itself is not opened by SQLite, so that no log next to it is touched. Views, triggers, virtual tables,
computed columns and extensions are passed over or refused, not run. A select that takes too long is stopped.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from daemon.inbox.formats.reader import Place

MAGIC = b"SQLite format 3\0"
MOST_STEPS = 100_000_000  # instructions of SQLite's machine in one file: some seconds
_STEPS_AT_ONCE = 10_000
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


def open_copy(place: Place, data: bytes) -> sqlite3.Connection:
    """A connection to a copy of `data` in memory; raises `sqlite3.Error` if it is damaged."""
    if not hasattr(sqlite3.Connection, "deserialize"):
        raise place.broken("the SQLite of this Python can't read a database in memory")
    db = sqlite3.connect(":memory:")
    try:
        db.deserialize(data[:18] + b"\1\1" + data[20:])  # no write-ahead log is looked for
        db.execute("pragma query_only = 1")
        db.execute("pragma trusted_schema = 0")
        db.execute("pragma cell_size_check = 1")
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(len(data), 2**16))
        db.set_authorizer(_reading_only)
        left = MOST_STEPS // _STEPS_AT_ONCE

        def stop() -> bool:
            nonlocal left
            left -= 1
            return left < 0

        db.set_progress_handler(stop, _STEPS_AT_ONCE)
    except BaseException:
        db.close()
        raise
    return db


def has_any(place: Place, data: bytes, names: Sequence[str]) -> bool:
    """Whether it has one of these tables; False of a damaged file, which its reader tells."""
    try:
        with closing(open_copy(place, data)) as db:
            return bool(tables(db) & {*names})
    except (sqlite3.Error, OverflowError, MemoryError, UnicodeError):
        return False


def tables(db: sqlite3.Connection) -> set[str]:
    """The names of the ordinary tables: those whose columns are all stored, none computed."""
    found = db.execute("select type, name, sql from sqlite_master").fetchall()
    plain = {
        name
        for type, name, sql in found
        if type == "table" and isinstance(name, str) and str(sql).lower().startswith("create table")
    }
    return {name for name in plain if all(hidden == 0 for *_, hidden in _columns(db, name))}


def rows(db: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """These columns of all rows of a table of ours to name; a column that it lacks is None."""
    there = {column[1] for column in _columns(db, table)}
    wanted = [column for column in columns if column in there]
    for row in db.execute(f"select {', '.join(wanted) or 'null'} from {_quoted(table)}"):
        yield dict.fromkeys(columns) | dict(zip(wanted, row, strict=False))


def _reading_only(action: int, *details: str | None) -> int:
    """Allow to read columns and their names; the last of `details` is the view or trigger that wants to."""
    names = action == sqlite3.SQLITE_PRAGMA and details[0] == "table_xinfo"
    allowed = (action in _READING or names) and details[-1] is None
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _columns(db: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    return db.execute(f"pragma table_xinfo({_quoted(table)})").fetchall()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
