"""
Look into a file before it is taken in: what is in it, and what of that is new here.

    file ──> read whole ──> taken in ──> counted ──> undone

Promises: nothing of it is stored; what is counted as new is what taking it in would store, for it was just tried.
Knows nothing of HTTP.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from daemon.inbox.detect import Export
from daemon.inbox.formats import tsubasa
from daemon.inbox.importer import read_file
from daemon.store_thread import StoreThread
from store import imports
from store.database import dry_run
from store.export import Archive
from store.restore import put_in
from store.text import storable

FIRST = 4  # messages that are shown
LONGEST = 280  # characters of one


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The beginning of a message, so that a person knows the file again."""

    role: str
    text: str
    said_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would become of one file."""

    name: str
    format: str
    sessions: int  # in the file
    turns: int  # in the file
    new_sessions: int  # that would gain a message here
    new_turns: int
    known: int  # turns that are here already
    already_imported: bool
    memories: int  # that would be stored; only an export of our own has any
    refused: str | None  # why its memories would not be stored
    left_out: Mapping[str, int]  # what would not be read, by reason
    days: tuple[str, str] | None  # of the first and the last message; None: they have no times
    first: tuple[Sample, ...]  # the first messages


async def look_into(store_thread: StoreThread, file: Path, *, largest: int) -> Preview:
    """
    What `take_in` would do with `file`, of `largest` bytes at most.

    Raises:
        InboxError: it can't be read, or is broken.
    """
    found = await asyncio.to_thread(read_file, file, largest)
    if isinstance(found, Archive):
        return await _own(store_thread, file.name, found)
    return await _foreign(store_thread, found)


async def _foreign(store_thread: StoreThread, export: Export) -> Preview:
    known = await store_thread.run(imports.is_imported, export.digest)
    tried = await store_thread.run(
        dry_run, imports.record_import, export.digest, export.name, export.sessions, datetime.now(UTC)
    )
    first, last = export.days or (None, None)
    return Preview(
        name=storable(export.name),
        format=export.format,
        sessions=len(export.sessions),
        turns=export.turns,
        new_sessions=tried.sessions,
        new_turns=tried.turns,
        known=tried.skipped,
        already_imported=known,
        memories=0,
        refused=None,
        left_out=export.left_out,
        days=(first.isoformat(), last.isoformat()) if first and last else None,
        first=_first(
            [(one.role, one.text, one.said_at) for session in export.sessions for one in session[:FIRST]]
        ),
    )


async def _own(store_thread: StoreThread, name: str, found: Archive) -> Preview:
    tried = await store_thread.run(dry_run, put_in, found)
    said = sorted(one.said_at[:10] for one in found.messages)
    return Preview(
        name=storable(name),
        format=tsubasa.FORMAT,
        sessions=len(found.chats),
        turns=len(found.messages),
        new_sessions=tried.chats,
        new_turns=tried.messages,
        known=tried.known,
        already_imported=not (tried.messages or tried.memories or tried.refused),
        memories=tried.memories,
        refused=tried.refused,
        left_out={},
        days=(said[0], said[-1]) if said else None,
        first=_first(
            [(one.role, one.text, datetime.fromisoformat(one.said_at)) for one in found.messages[:FIRST]]
        ),
    )


def _first(found: Sequence[tuple[str, str, datetime | None]]) -> tuple[Sample, ...]:
    return tuple(
        Sample(role=role, text=_shortened(text), said_at=said_at.isoformat() if said_at else None)
        for role, text, said_at in found[:FIRST]
    )


def _shortened(text: str) -> str:
    line = " ".join(storable(text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
