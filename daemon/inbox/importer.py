"""
Take a file in: read the whole of it -> detect its format -> parse it -> store it slice by slice.

What is broken in a file takes nothing from the rest, and is named in its report; where the daemon or the disk ended it
on the way, the same file goes on there. The same bytes twice, or the same turns in another file, add nothing. A file
from the inbox ends in done/ or failed/, next to a report.
"""

import asyncio
import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from daemon.inbox.detect import Export, read_export
from daemon.inbox.errors import InboxError, too_large
from daemon.inbox.formats import tsubasa
from daemon.store_thread import StoreThread
from daemon.text import content_words, value_words
from store import forgotten_facts, import_undo, imports, proposals
from store.database import Connection
from store.export import Archive
from store.forgotten_facts import NewFact
from store.restore import Restored, put_in_slices
from store.text import storable

HEAD = 4_096  # bytes by which an export of our own is known


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of one file."""

    name: str
    ok: bool
    seconds: float
    format: str | None = None
    sessions: int = 0
    turns: int = 0  # newly stored
    skipped: int = 0  # already known
    already_imported: bool = False
    error: str | None = None
    memories: int = 0  # newly stored; only an export of our own has any
    refused: str | None = None  # why its memories were not stored
    import_id: int | None = None  # by which it can be taken back
    left_out: Mapping[str, int] = field(default_factory=dict)  # what was not read, by reason
    unread: tuple[str, ...] = ()  # what is broken in it, and why; the first of it
    offered: tuple[str, ...] = ()  # memories that another assistant keeps
    days: tuple[str, str] | None = None  # of the first and the last message; None: they have no times


async def take_in(store_thread: StoreThread, file: Path, *, largest: int, strict: bool = False) -> TakenIn:
    """
    Store the chats of one file, of which `largest` bytes are read at most; the file stays where it is.

    Args:
        strict: refuse it for one broken conversation, in place of storing the others.

    Raises:
        InboxError: it can't be read, or nothing of it; nothing was stored.
    """
    began = time.monotonic()
    found = await asyncio.to_thread(read_file, file, largest, strict=strict)
    if isinstance(found, Archive):
        restored = await store_thread.run_in_slices(put_in_slices, found, statements(found))
        return TakenIn(
            name=storable(file.name),
            ok=True,
            seconds=time.monotonic() - began,
            format=tsubasa.FORMAT,
            sessions=restored.chats,
            turns=restored.messages,
            skipped=restored.known,
            already_imported=adds_nothing(restored),
            memories=restored.memories,
            refused=restored.refused,
        )
    await store_thread.run_in_slices(import_undo.go_on)  # this file may be half undone
    is_imported = await store_thread.run(imports.is_imported, found.digest)
    report = await store_thread.run_in_slices(
        imports.take_in, found.digest, found.name, found.sessions, datetime.now(UTC)
    )
    if found.offered:
        await store_thread.run(_offer, found, report.id)
    return TakenIn(
        name=storable(found.name),
        ok=True,
        seconds=time.monotonic() - began,
        format=found.format,
        sessions=report.sessions,
        turns=report.turns,
        skipped=report.skipped,
        already_imported=is_imported,
        import_id=report.id,
        left_out=found.left_out,
        unread=found.unread,
        offered=found.offered,
        days=found.days,
    )


async def take_in_and_move(store_thread: StoreThread, file: Path, *, largest: int) -> TakenIn:
    """Take `file` in and move it to done/ or failed/ next to it, with a report; never raises `InboxError`."""
    began = time.monotonic()
    try:
        taken = await take_in(store_thread, file, largest=largest)
    except InboxError as error:
        seconds = time.monotonic() - began
        taken = TakenIn(name=storable(file.name), ok=False, seconds=seconds, error=str(error))
    await asyncio.to_thread(_move, file, taken)
    return taken


def _offer(db: Connection, found: Export, import_id: int | None) -> None:
    """Let what another assistant keeps wait for the user's word; not what the user had forgotten."""
    now, today = datetime.now(UTC), date.today()
    for text in found.offered:
        fact = NewFact(names=value_words(text), words=set(content_words(text)))
        if any(one.by_words and not one.lacks_names for one in forgotten_facts.compare(db, fact)):
            continue
        maker = found.format.split()[0]
        proposals.put(
            db, text, day=today, told_on=today, trust="import", origin=maker, at=now, import_id=import_id
        )


def statements(archive: Archive) -> list[NewFact]:
    """The memories of an archive, as they are compared with what was forgotten here."""
    texts = (one.text for one in archive.memories)
    return [NewFact(names=value_words(text), words=set(content_words(text))) for text in texts]


def adds_nothing(restored: Restored) -> bool:
    """Whether all of an archive was here already."""
    return not (restored.messages or restored.memories or restored.refused)


def read_file(file: Path, largest: int, *, strict: bool = False) -> Export | Archive:
    """
    What would be taken in of `file`, of which `largest` bytes are read at most; raises `InboxError`.

    Args:
        strict: refuse it for one broken conversation.
    """
    name = file.name or str(file)  # "." has none
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InboxError(name, "it is no ordinary file", "Name one file")
        with file.open("rb") as opened:
            head = opened.read(HEAD)
        if not tsubasa.looks_like(head):
            return read_export(file.name, file, largest=largest, strict=strict)
        if found.st_size > largest:
            raise too_large(file.name, found.st_size, largest)
        return tsubasa.read(file.name, file.read_bytes())
    except FileNotFoundError as error:
        raise InboxError(name, "there is no such file", "Look at its name and its folder") from error
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        why = getattr(error, "strerror", None) or str(error)
        raise InboxError(
            name, f"it can't be read ({why})", "Check its permissions and drop it again"
        ) from error


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
