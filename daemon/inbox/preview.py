"""
Look into a file before it is taken in: what is in it, and what of that is new here.

Nothing of it is stored. What is counted as new is what taking it in would store.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from daemon.inbox.detect import Export
from daemon.inbox.formats import tsubasa
from daemon.inbox.importer import adds_nothing, read_file, statements
from daemon.store_thread import StoreThread
from daemon.text import shorten
from store import imports
from store.export import Archive
from store.restore import count_in_slices
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
    new_sessions: int = 0  # that would gain a message here
    new_turns: int = 0
    known: int = 0  # turns that are here already
    already_imported: bool = False
    memories: int = 0  # that would be stored; only an export of our own has any
    refused: str | None = None  # why its memories would not be stored
    left_out: Mapping[str, int] = field(default_factory=dict)  # what would not be read, by reason
    unread: tuple[str, ...] = ()  # what is broken, and why; the first of it
    offered: tuple[str, ...] = ()  # memories that another assistant keeps
    days: tuple[str, str] | None = None  # of the first and the last message; None: they have no times
    first: tuple[Sample, ...] = ()  # the first messages


async def look_into(store_thread: StoreThread, file: Path, *, largest: int) -> Preview:
    """
    What `take_in` would do with `file`, of `largest` bytes at most.

    Raises:
        InboxError: it can't be read, or is broken.
    """
    found = await asyncio.to_thread(read_file, file, largest)
    preview = contents(file.name, found)
    if isinstance(found, Archive):
        restored = await store_thread.run_in_slices(count_in_slices, found, statements(found))
        return replace(
            preview,
            new_sessions=restored.chats,
            new_turns=restored.messages,
            known=restored.known,
            already_imported=adds_nothing(restored),
            memories=restored.memories,
            refused=restored.refused,
        )
    is_imported = await store_thread.run(imports.is_imported, found.digest)
    sessions, turns = await store_thread.run_in_slices(imports.count_new, found.sessions)
    return replace(
        preview,
        new_sessions=sessions,
        new_turns=turns,
        known=found.turns - turns,
        already_imported=is_imported,
    )


def contents(name: str, found: Export | Archive) -> Preview:
    """What is in a file of that name; what of it is new is not known."""
    if isinstance(found, Export):
        return Preview(
            name=storable(found.name),
            format=found.format,
            sessions=len(found.sessions),
            turns=found.turns,
            left_out=found.left_out,
            unread=found.unread,
            offered=found.offered,
            days=found.days,
            first=tuple(
                Sample(
                    role=one.role,
                    text=_begin(one.text),
                    said_at=one.said_at.isoformat() if one.said_at else None,
                )
                for session in found.sessions[:FIRST]
                for one in session[:FIRST]
            )[:FIRST],
        )
    said = sorted(one.said_at[:10] for one in found.messages)
    return Preview(
        name=storable(name),
        format=tsubasa.FORMAT,
        sessions=len(found.chats),
        turns=len(found.messages),
        memories=len(found.memories),
        days=(said[0], said[-1]) if said else None,
        first=tuple(
            Sample(role=one.role, text=_begin(one.text), said_at=one.said_at)
            for one in found.messages[:FIRST]
        ),
    )


def _begin(text: str) -> str:
    return shorten(storable(text), LONGEST)
