"""
Undo: take back the latest operation on a line of memories.

    ADD                  the memory holds no more
    UPDATE, RECONCILE    the memory holds no more, and what it had replaced holds again
    IGNORE               nothing changes in what is held; it no longer counts as said again

Promises: what held before the operation holds afterwards, exactly: rows, full text, vectors, lessons. Nothing
is destroyed: the operation, its undoing and the memory stay readable.
Knows nothing of who asked for it.
"""

from dataclasses import dataclass
from datetime import date

from store import full_text
from store.database import Connection, rows, writing
from store.errors import NothingToUndo, NotLatest
from store.memory_events import MAKING, Event, event, events, note
from store.memory_queries import Memory, get


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What one `undo` did."""

    event: Event  # the operation that was taken back
    closed: Memory | None  # holds no more
    restored: Memory | None  # holds again


def undo(db: Connection, memory_id: int, *, today: date) -> Undone:
    """
    Take back the latest operation on this memory, which must hold.

    Raises:
        NoSuchMemory: it is not there.
        NotLatest: another memory has replaced it: that operation comes first.
        NothingToUndo: it was taken back before.
    """
    with writing(db):
        memory = get(db, memory_id)
        if memory.state == "undone":
            raise NothingToUndo(f"memory {memory_id}", "it was taken back before")
        if memory.state == "replaced":
            newer = _newest(db, memory).id
            raise NotLatest(f"memory {memory_id}", f"memory {newer} has replaced it", newer)
        return _take_back(db, _latest(db, memory_id), today)


def undo_event(db: Connection, event_id: int, *, today: date) -> Undone:
    """
    Take back one operation, which must be the latest that stands on its line.

    Raises:
        NoSuchEvent, NotLatest, NothingToUndo
    """
    with writing(db):
        wanted = event(db, event_id)
        what = f"operation {event_id}"
        if wanted.op == "UNDO":
            raise NothingToUndo(what, "it is an UNDO itself; say it anew instead")
        if wanted.undone_by is not None:
            raise NothingToUndo(what, "it was taken back before")
        if wanted.memory_id is not None:
            memory = get(db, wanted.memory_id)
            if memory.superseded_by is not None:
                if memory.state == "undone":
                    raise NothingToUndo(what, "its memory was taken back before")
                newer = _newest(db, memory).id
                raise NotLatest(what, f"memory {newer} has replaced its memory", newer)
            latest = _latest(db, memory.id)
            if latest.id != event_id:
                raise NotLatest(what, f"operation {latest.id} ({latest.op}) came later", memory.id)
        return _take_back(db, wanted, today)


def _newest(db: Connection, memory: Memory) -> Memory:
    """What holds in the place of a memory that was replaced."""
    while memory.superseded_by not in (None, memory.id):
        memory = get(db, memory.superseded_by or 0)
    return memory


def _latest(db: Connection, memory_id: int) -> Event:
    standing = [one for one in events(db, memory_id) if one.undone_by is None and one.op != "UNDO"]
    if not standing:
        raise NothingToUndo(f"memory {memory_id}", "no operation on it is recorded")
    return standing[-1]


def _take_back(db: Connection, wanted: Event, today: date) -> Undone:
    undo_id = note(db, "UNDO", wanted.memory_id, wanted.text, today, wanted.sources)
    closed = restored = None
    if wanted.op in MAKING and wanted.memory_id is not None:
        restored = _restore(db, wanted.memory_id)
        closed = _close(db, wanted.memory_id)
    db.execute(
        "insert into undone (event_id, undo_id, memory_id, replaced_id) values (?, ?, ?, ?)",
        (wanted.id, undo_id, closed.id if closed else None, restored.id if restored else None),
    )
    return Undone(event=wanted, closed=closed, restored=restored)


def _restore(db: Connection, memory_id: int) -> Memory | None:
    """Let what this memory replaced hold again; None: it replaced nothing, or that was forgotten."""
    before = rows(db, "select id from memories where superseded_by = ?1 and id <> ?1", (memory_id,))
    if not before:
        return None
    ((replaced_id,),) = before
    db.execute("update memories set superseded_by = null, valid_to = null where id = ?", (replaced_id,))
    restored = get(db, replaced_id)
    full_text.put_memory(db, restored.id, restored.text)
    return restored


def _close(db: Connection, memory_id: int) -> Memory:
    db.execute("update memories set superseded_by = id where id = ?", (memory_id,))
    full_text.drop_memories(db, [memory_id])
    return get(db, memory_id)
