"""
Backups: the whole store in one encrypted file, checked after it is written, and put back in one call.

    store.db ── a snapshot, VACUUM INTO ──> NAME.part ── every page, index and reference checked ──> NAME
    NAME ── checked ──> .store.db.part, under the key of its new home, brought up to date ── `switch.py` ──> store.db

All of it works beside a running daemon, on connections of its own. A backup holds no free pages, so nothing that was
forgotten before; what is forgotten after is taken out of it by `rewrite`. It is under the store's key, or a passphrase.
The adapters are left out: eleven backups would hold each of them eleven times, and a night makes them of the lessons.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import apsw

from store import forgetting, generations, switch
from store.database import Connection, give_key, guarded, id_list, open_store, rows, writing
from store.errors import StoreUnusable
from store.schema import APPLICATION_ID, MIGRATIONS
from store.statistics import counts

ENDING = ".backup"
Secret = bytes | str  # the 32 bytes of a key, or a passphrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came of a backup."""

    counts: dict[str, int]  # how much of each kind
    aside: Path | None  # the store that was there before


def back_up(store: Path, key: bytes, target: Path, *, passphrase: str | None = None) -> dict[str, int]:
    """
    Write a checked copy of the store to `target`, whole or not at all; how much of each kind is in it.

    Args:
        passphrase: what opens the copy; None: the key of the store.

    Raises:
        StoreUnusable, StoreFull: it can't be read or written, or the copy is not whole; an older one at `target` stays.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _making(target) as (whole, part):
        with closing(_open(store, key)) as db:
            _compact(db, whole)
        with closing(_open(whole, key)) as db:
            generations.drop_adapters(db)
            _compact(db, part)
        if passphrase is not None:
            _give_other_key(part, key, passphrase)
        found = check(part, key if passphrase is None else passphrase)
        _put(part, target)
        return found


def check(backup: Path, secret: Secret) -> dict[str, int]:
    """
    Read all of a backup; how much of each kind is in it.

    Raises:
        StoreUnusable: "backup key": it is under another; "backup damaged": something in it can't be read.
    """
    with closing(_open(backup, secret, backup=True)) as db:
        try:
            wrong = [said for (said,) in db.execute("pragma integrity_check(3)") if said != "ok"]
            wrong += [str(one) for one in db.execute("pragma foreign_key_check").fetchall()[:3]]
            if wrong:
                raise StoreUnusable("backup damaged", str(backup), "; ".join(wrong))
            return counts(db)
        except apsw.Error as error:
            raise StoreUnusable("backup damaged", str(backup), str(error)) from error


def restore(backup: Path, secret: Secret, store: Path, key: bytes, *, replace: bool = False) -> Restored:
    """
    Make the store at `store` of a backup, under `key`, and bring its schema up to date.

    A kill leaves what was there, or what was restored: `switch.settle` at the next start sees to that.

    Args:
        replace: whether a store that is there is given another name; nothing of it is changed.

    Raises:
        StoreUnusable: the backup can't be used, or there is a store already; nothing was changed.
    """
    if store.exists() and not replace:
        raise StoreUnusable("in the way", str(store))
    found = check(backup, secret)
    part = _part(store)
    try:
        shutil.copyfile(backup, _empty(part))
        if secret != key:
            _give_other_key(part, secret, key)
        open_store(part, key).close()
        for ending in switch.PARTS[1:]:
            part.with_name(part.name + ending).unlink(missing_ok=True)
        switch.sync(part)
    except BaseException:
        switch.drop(part)
        raise
    aside = store.with_name(f"{store.name}.before-{datetime.now():%Y-%m-%d-%H%M%S-%f}")
    switch.switch(store, aside)
    return Restored(counts=found, aside=aside if aside.exists() else None)


def rewrite(backup: Path, key: bytes, store: Path) -> bool:
    """
    Take out of a backup what the store has forgotten since; whether there was anything.

    Raises:
        StoreUnusable: it is under another key, or damaged; it was left as it is.
    """
    with closing(_open(backup, key, backup=True)) as db:
        old = "select 1 from sqlite_schema where name = 'forgettings'"  # one of the first schemas has none
        seen = int(rows(db, "select count(*) from forgettings")[0][0]) if rows(db, old) else -1
    with closing(_open(store, key)) as live:
        forgotten = rows(live, "select * from forgettings")
        if seen == len(forgotten):
            return False
        facts = rows(live, "select * from forgotten_facts")
        there = _ids(live, "select id from memories")
        redacted = _ids(live, "select id from messages where redacted")
        imported = _ids(live, "select id from imports")
    with _making(backup) as (whole, part):
        shutil.copyfile(backup, _empty(whole))
        with closing(open_store(whole, key)) as db:
            _forget(db, there, redacted)
            with writing(db):
                for table, found in (("forgettings", forgotten), ("forgotten_facts", facts)):
                    db.execute(f"delete from {table}")
                    for row in found:
                        db.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)
                gone = id_list(_ids(db, "select id from imports") - imported)
                for column, table in (("import_id", "import_messages"), ("id", "imports")):
                    db.execute(
                        f"delete from {table} where {column} in (select value from json_each(?))", (gone,)
                    )
            _compact(db, part)
        check(part, key)
        _put(part, backup)
        return True


def before_migration(store: Path, key: bytes, folder: Path) -> Path | None:
    """Back a store of an older schema up before it is opened, once; the file, or None where there was no need."""
    if not store.exists():
        return None
    with closing(_open(store, key)) as db:
        version = int(db.pragma("user_version"))
    target = folder / f"before-schema-{len(MIGRATIONS)}{ENDING}"
    if version >= len(MIGRATIONS) or target.exists():
        return None
    back_up(store, key, target)
    return target


def _forget(db: Connection, there: set[int], redacted: set[int]) -> None:
    """Forget in a backup the memories that are not `there` any more, and the messages that are `redacted`."""
    memories = sorted(_ids(db, "select id from memories") - there)
    said = _ids(db, "select id from messages where not redacted")
    if memories or said & redacted:
        forgetting.forget(db, memories, messages=sorted(said & redacted), keep=said - redacted)


@contextmanager
def _making(file: Path) -> Iterator[tuple[Path, Path]]:
    """Two names for what is on its way to be `file`: as it comes, and what becomes of that."""
    parts = (_part(file.with_name(f"{file.name}.whole")), _part(file))
    try:
        yield parts
    finally:
        for part in parts:
            switch.drop(part)


def _compact(db: Connection, target: Path) -> None:
    """Write what is in a database into a new file, without its free pages."""
    _empty(target)
    with guarded(db):
        db.execute("vacuum into ?", (str(target),))


def _open(file: Path, secret: Secret, *, backup: bool = False) -> Connection:
    """A connection to a store or a backup that leaves the log of a store alone."""
    if not backup and switch.marker_of(file).exists():
        raise StoreUnusable("half restored", str(file))
    if not file.is_file():
        raise StoreUnusable("backup damaged" if backup else "no store", str(file), "there is no such file")
    flags = apsw.SQLITE_OPEN_READONLY if backup else apsw.SQLITE_OPEN_READWRITE
    try:
        db = Connection(str(file), flags=flags)
    except apsw.Error as error:
        raise StoreUnusable("unreachable", str(file), str(error)) from error
    try:
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        _unlock(db, secret)
        db.set_busy_timeout(5000)
        db.pragma("temp_store", "memory")
        found = db.pragma("application_id")
    except apsw.NotADBError as error:
        db.close()
        raise StoreUnusable("backup key" if backup else "wrong key", str(file)) from error
    except apsw.Error as error:
        with closing(db), guarded(db):
            if not backup:
                raise
        raise StoreUnusable("backup damaged", str(file), str(error)) from error
    if found != APPLICATION_ID:
        db.close()
        raise StoreUnusable("backup damaged" if backup else "no store", str(file), "it is no store of ours")
    return db


def _unlock(db: Connection, secret: Secret) -> None:
    if isinstance(secret, bytes):
        give_key(db, secret)
    else:
        db.pragma("hexkey", secret.encode().hex())


def _give_other_key(file: Path, secret: Secret, other: Secret) -> None:
    db = Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    with closing(db), guarded(db):
        _unlock(db, secret)
        if isinstance(other, bytes):
            db.pragma("hexrekey", f"raw:{other.hex()}".encode().hex())
        else:
            db.pragma("hexrekey", other.encode().hex())


def _ids(db: Connection, sql: str) -> set[int]:
    return {id for (id,) in rows(db, sql)}


def _part(file: Path) -> Path:
    part = switch.part_of(file)
    switch.drop(part)
    return part


def _empty(file: Path) -> Path:
    """The file, empty and for its owner alone."""
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return file


def _put(part: Path, file: Path) -> None:
    """Give a file that is made its name, whole on the disk before and after."""
    switch.sync(part)
    os.replace(part, file)
    switch.sync(file.parent)
