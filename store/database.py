"""
The one door to the file: open it encrypted, bring its schema up to date, translate what SQLite says.

A store that can't be opened is left as it was, byte for byte; a new one appears whole or not at all. A change made
inside `writing` is on the disk when the block is left, or undone. SQL may call three functions of ours, `base_forms`,
`vector_bits` and `turn_mark`, and those of sqlite-vec, the only extension that is ever loaded.
"""

import errno
import json
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import apsw
import numpy as np
import sqlite_vec

from store.commit_count import ENDING, CommitCount
from store.errors import StoreError, StoreFull, StoreUnusable
from store.schema import APPLICATION_ID, MIGRATIONS
from store.text import base_forms_for_sql, turn_mark

FILE_NAME = "store.db"  # inside the home
KEY_BYTES = 32
PLAIN_HEADER = b"SQLite format 3\0"
SMALLEST_PAGE = 512
NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
T = TypeVar("T")


class Connection(apsw.Connection):
    """What every function of this room works on."""

    commits: CommitCount | None = None  # None: they are not counted

    def close(self, force: bool = False) -> None:
        """As of SQLite's."""
        super().close(force)
        if self.commits is not None:
            self.commits.close()
            self.commits = None


def open_store(path: Path, key: bytes) -> Connection:
    """
    Open the store at `path`, or make it; its schema is up to date on return.

    Args:
        path: the file; its folder is made when missing.
        key: 32 bytes, from `keys.load_or_create_key`.

    Raises:
        StoreUnusable: it can't be opened; nothing was changed.
        StoreFull: no room to make it, or to bring it up to date.
    """
    if len(key) != KEY_BYTES:
        raise StoreUnusable("key damaged", "memory", f"it has {len(key)} bytes, not {KEY_BYTES}")
    with _system_errors(path):
        if not path.exists():
            _create(path, key)
        _look_at(path)
        return _open(path, key)


@contextmanager
def guarded(db: Connection) -> Iterator[None]:
    """Translate what SQLite raises inside the block into the `StoreError` that says what to do."""
    try:
        yield
    except apsw.Error as error:
        translated = _translate(db.filename, error, db.system_errno)
        if translated is None:
            raise
        raise translated from error


@contextmanager
def writing(db: Connection) -> Iterator[None]:
    """One guarded transaction: durable when the block is left, undone when it raises; may be nested."""
    counted, number = None if db.in_transaction else getattr(db, "commits", None), None
    if db.in_transaction:
        begin, commit, undo = "savepoint part", "release part", "rollback to part; release part"
    else:  # a write lock from the start, never halfway
        begin, commit, undo = "begin immediate", "commit", "rollback"
    with guarded(db):
        db.execute(begin)
        before = db.total_changes()
        try:
            yield
            if counted is not None and db.total_changes() > before:
                number = db.execute("update commits set n = n + 1 returning n").get
            db.execute(commit)
        except BaseException:
            if db.in_transaction:  # SQLite has undone it already when the disk is full
                db.execute(undo)
            raise
    if counted is not None and number is not None:
        counted.write(number)


@contextmanager
def reading(db: Connection) -> Iterator[None]:
    """One guarded snapshot: what others write meanwhile is not seen inside the block."""
    with guarded(db), db:
        yield


def rows(db: Connection, sql: str, bindings: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    """
    All rows of one guarded statement.

    A cursor that is read halfway holds its snapshot, and the log can't be folded in: so always all.
    """
    with guarded(db):
        return list(db.execute(sql, bindings))


def stamp(at: datetime) -> str:
    """`at` as it is stored: ISO 8601 in UTC with microseconds, so that text order is time order."""
    if at.tzinfo is None:
        raise ValueError(f"a time without a time zone can't be stored: {at.isoformat()}")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """The time (UTC) that `stamp` wrote."""
    return datetime.fromisoformat(text)


def id_list(ids: Iterable[int]) -> str:
    """`ids` as JSON, for `in (select value from json_each(?))`."""
    return json.dumps([int(id) for id in ids])


def vector_bits(*values: Any) -> bytes:
    """
    Two bits for each number of one float32 vector: whether it is above -0.5 and above 0.5, in units of 1 / √D.

    Also a function of SQL. Their Hamming distance follows the angle between two vectors closely enough to choose
    candidates by; what is stored was made so, so another way needs a step of the schema.
    """
    vector = np.frombuffer(values[0], dtype="<f4")
    line = 0.5 * np.linalg.norm(vector) / np.sqrt(len(vector))
    return np.packbits(np.concatenate([vector > -line, vector > line])).tobytes()


def give_key(db: Connection, key: bytes) -> None:
    """The first thing a connection needs; "raw:" since the key is random and needs no stretching."""
    db.pragma("hexkey", f"raw:{key.hex()}".encode().hex())


def migrate(db: Connection, steps: Sequence[str] = MIGRATIONS) -> None:
    """Bring `db` to the newest schema; each step and its number commit together or not at all."""
    found = schema_version(db)
    if found > len(steps):
        raise _too_new(db.filename, found, len(steps))
    for version, sql in enumerate(steps[found:], start=found + 1):
        with writing(db):
            db.execute(sql)
            db.pragma("user_version", version)


def schema_version(db: Connection) -> int:
    """A question that only an open, readable store can answer: its schema version."""
    with guarded(db):
        return int(db.pragma("user_version"))


def whole(slices: Generator[None, None, T]) -> T:
    """What work in slices returns, without a pause between them."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            found: T = end.value
            return found


def _create(path: Path, key: bytes) -> None:
    """Make a new store under another name, and give it its own when it is whole."""
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size > 0:
        raise StoreUnusable("damaged", str(path), f"it is gone, only its log {log.name!r} is left")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(path.name + ".new")
    _remove(unfinished)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        db = _unlock(unfinished, key)
        try:
            _set_up(db)
            with guarded(db):
                db.pragma("application_id", APPLICATION_ID)
            migrate(db)
        finally:
            db.close()
        os.replace(unfinished, path)
    finally:
        _remove(unfinished)
    _sync_folder(path.parent)


def _look_at(path: Path) -> None:
    """Refuse what is seen from outside to be no store."""
    if not path.is_file():
        raise StoreUnusable("no store", str(path), "it is no file")
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):  # the log lies next to the file
        raise StoreUnusable("read-only", str(path))
    size = path.stat().st_size
    if size < SMALLEST_PAGE:
        raise StoreUnusable(
            "no store",
            str(path),
            "it is empty" if size == 0 else f"it has only {size} bytes: cut short, or no database",
        )
    with path.open("rb") as file:
        if file.read(len(PLAIN_HEADER)) == PLAIN_HEADER:
            raise StoreUnusable(
                "no store", str(path), "it is an unencrypted SQLite database, ours are encrypted"
            )


def _open(path: Path, key: bytes) -> Connection:
    db = _unlock(path, key)
    try:
        _verify(db, path)
        _set_up(db)
        migrate(db)
        _count_commits(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _count_commits(db: Connection, path: Path) -> None:
    """Count from here on; what was acknowledged and is not there is noted, to be told."""
    ((secret,),) = rows(db, "select secret from tombstone_secret")
    count = CommitCount(path.with_name(f"{path.name}{ENDING}"), sha256(b"store\n" + secret).hexdigest()[:16])
    ((number,),) = rows(db, "select n from commits")
    missing = count.read() - number
    if missing > 0:
        with writing(db):
            db.execute("update commits set n = n + ?", (missing,))
            told = (stamp(datetime.now(UTC)), json.dumps({"commits": missing}))
            db.execute("insert into notices (kind, at, about) values ('missing', ?, ?)", told)
    db.commits = count


def _unlock(path: Path, key: bytes) -> Connection:
    """A connection that has the key, unproven yet, and so may not fold a log into the file when closed."""
    log = path.with_name(path.name + "-wal")
    has_log = log.exists() and log.stat().st_size > 0
    try:
        db = Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error as error:
        raise _translate(str(path), error, 0) or StoreUnusable(
            "unreachable", str(path), str(error)
        ) from error
    try:
        with guarded(db):
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(has_log))
            give_key(db, key)
            db.set_busy_timeout(5000)
    except BaseException:
        db.close()
        raise
    return db


def _verify(db: Connection, path: Path) -> None:
    """Read, and only read, until it is certain that the file is ours and that we know its schema."""
    try:
        db.execute("select count(*) from sqlite_master").fetchall()  # the first read shows a wrong key
    except apsw.NotADBError as error:
        size = path.stat().st_size
        if size % SMALLEST_PAGE:
            why = f"its size, {size} bytes, is that of no database: cut short?"
            raise StoreUnusable("no store", str(path), why) from error
        raise StoreUnusable("wrong key", str(path)) from error
    except apsw.Error as error:
        raise _translate(str(path), error, db.system_errno) or StoreUnusable(
            "damaged", str(path), str(error)
        ) from error
    with guarded(db):
        application_id = db.pragma("application_id")
    if application_id != APPLICATION_ID:
        raise StoreUnusable("no store", str(path), "it is another program's database")
    if schema_version(db) > len(MIGRATIONS):
        raise _too_new(str(path), schema_version(db), len(MIGRATIONS))


def _set_up(db: Connection) -> None:
    """Everything that SQLite forgets between two openings."""
    with guarded(db):
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        db.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        db.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "full")  # an acknowledged message survives power loss
        db.pragma("foreign_keys", True)
        db.pragma("secure_delete", True)  # what is forgotten is overwritten
        db.pragma("temp_store", "memory")  # nothing unencrypted in /tmp
        db.pragma("cache_size", -131072)  # 128 MiB at most: every page that is not cached is decrypted again
        db.pragma("journal_size_limit", 64 << 20)  # a log grown by an adapter shrinks again
        db.enable_load_extension(True)
        try:
            db.load_extension(sqlite_vec.loadable_path())
        finally:
            db.enable_load_extension(False)  # no SQL can load another one
        db.create_scalar_function("base_forms", base_forms_for_sql, 1, deterministic=True)
        db.create_scalar_function("vector_bits", vector_bits, 1, deterministic=True)
        db.create_scalar_function("turn_mark", turn_mark, 3, deterministic=True)


def _too_new(path: str, found: int, known: int) -> StoreUnusable:
    return StoreUnusable("too new", path, f"{found}, this version knows up to {known}")


def _translate(path: str, error: apsw.Error, system_errno: int) -> StoreError | None:
    """The user's problem behind SQLite's error; None when it is a fault of this program."""
    match error:
        case apsw.FullError():
            return StoreFull(path)
        case apsw.IOError() if system_errno in NO_ROOM:
            return StoreFull(path)
        case apsw.ReadOnlyError():
            return StoreUnusable("read-only", path)
        case apsw.BusyError() | apsw.LockedError():
            return StoreUnusable("busy", path)
        case apsw.CorruptError() | apsw.NotADBError():
            return StoreUnusable("damaged", path, str(error))
        case apsw.IOError() | apsw.CantOpenError() | apsw.PermissionsError():
            why = os.strerror(system_errno) if system_errno else str(error)
            return StoreUnusable("unreachable", path, why)
    return None


@contextmanager
def _system_errors(path: Path) -> Iterator[None]:
    """Translate what the operating system says about files."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StoreFull(str(path)) from error
        if error.errno == errno.EROFS:
            raise StoreUnusable("read-only", str(path)) from error
        raise StoreUnusable("unreachable", str(path), error.strerror or str(error)) from error


def _remove(file: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive power loss; Windows has no such call."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
