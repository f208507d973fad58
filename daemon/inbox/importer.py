"""
Take a file in: read -> sniff -> parse the whole of it -> store it in one transaction.

Promises: all of a file is stored or nothing; the same bytes twice, or the same turns in another file, add
nothing; a file from the inbox ends in done/ or failed/ with a report beside it. Knows nothing of HTTP, nor of
how an import is taken back.
"""

import asyncio
import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from daemon.inbox.detect import Export, read_export
from daemon.inbox.errors import ExportTooLarge, ExportUnreadable, InboxError, NoSuchFile, NotAFile
from daemon.inbox.formats import tsubasa
from daemon.store_thread import StoreThread
from store import imports
from store.export import Archive
from store.restore import put_in
from store.text import storable


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of one file."""

    name: str
    ok: bool
    format: str | None
    sessions: int
    turns: int  # newly stored
    skipped: int  # already known
    already_imported: bool
    error: str | None
    seconds: float
    memories: int = 0  # newly stored; only an export of our own has any
    refused: str | None = None  # why its memories were not stored
    import_id: int | None = None  # by which it can be taken back
    left_out: Mapping[str, int] = field(default_factory=dict)  # what was not read, by reason
    days: tuple[str, str] | None = None  # of the first and the last message; None: they have no times


async def take_in(store_thread: StoreThread, file: Path, *, largest: int) -> TakenIn:
    """
    Store the chats of one file, of `largest` bytes at most; the file stays where it is.

    Raises:
        InboxError: it can't be read, or is broken; nothing was stored.
    """
    began = time.monotonic()
    found = await asyncio.to_thread(read_file, file, largest)
    if isinstance(found, Archive):
        return await _restore(store_thread, file.name, found, began)
    return await _store(store_thread, found, began)


async def take_in_and_move(store_thread: StoreThread, file: Path, *, largest: int) -> TakenIn:
    """Take `file` in and move it to done/ or failed/ beside it, with a report; never raises `InboxError`."""
    began = time.monotonic()
    try:
        taken = await take_in(store_thread, file, largest=largest)
    except InboxError as error:
        taken = TakenIn(
            name=storable(file.name),
            ok=False,
            format=None,
            sessions=0,
            turns=0,
            skipped=0,
            already_imported=False,
            error=str(error),
            seconds=time.monotonic() - began,
        )
    await asyncio.to_thread(_move, file, taken)
    return taken


async def _store(store_thread: StoreThread, export: Export, began: float) -> TakenIn:
    known = await store_thread.run(imports.is_imported, export.digest)
    report = await store_thread.run(
        imports.record_import, export.digest, export.name, export.sessions, datetime.now(UTC)
    )
    first, last = export.days or (None, None)
    return TakenIn(
        name=storable(export.name),
        ok=True,
        format=export.format,
        sessions=report.sessions,
        turns=report.turns,
        skipped=report.skipped,
        already_imported=known,
        error=None,
        seconds=time.monotonic() - began,
        import_id=report.id,
        left_out=export.left_out,
        days=(first.isoformat(), last.isoformat()) if first and last else None,
    )


async def _restore(store_thread: StoreThread, name: str, found: Archive, began: float) -> TakenIn:
    done = await store_thread.run(put_in, found)
    return TakenIn(
        name=storable(name),
        ok=True,
        format=tsubasa.FORMAT,
        sessions=done.chats,
        turns=done.messages,
        skipped=done.known,
        already_imported=not (done.messages or done.memories or done.refused),
        error=None,
        seconds=time.monotonic() - began,
        memories=done.memories,
        refused=done.refused,
    )


def read_file(file: Path, largest: int) -> Export | Archive:
    """What would be taken in of `file`, of `largest` bytes at most; raises `InboxError`."""
    name = file.name or str(file)  # "." has none
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise NotAFile(name)
        if found.st_size > largest:
            raise ExportTooLarge(file.name, found.st_size, largest)
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise NoSuchFile(name) from error
    except OSError as error:
        raise ExportUnreadable(file.name, error.strerror or str(error)) from error
    except ValueError as error:  # a NUL in its name
        raise ExportUnreadable(file.name, str(error)) from error
    if tsubasa.looks_like(data):
        return tsubasa.read(file.name, data)
    return read_export(file.name, data, largest=largest)


def _move(file: Path, taken: TakenIn) -> None:
    """Move `file` under a name that is free; its report is written first, so that no moved file lacks one."""
    folder = file.parent / ("done" if taken.ok else "failed")
    folder.mkdir(exist_ok=True)
    target = _free(folder / file.name)
    report = {**asdict(taken), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    _report_of(target).write_text(
        json.dumps(report, indent=2) + "\n", encoding="ascii"
    )  # names may be no UTF-8
    os.replace(file, target)


def _free(target: Path) -> Path:
    """`target`, or "name (2).json" and so on where it is taken."""
    number, free = 1, target
    while free.exists() or _report_of(free).exists():
        number += 1
        free = target.with_name(f"{target.stem} ({number}){target.suffix}")
    return free


def _report_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.report.json")
