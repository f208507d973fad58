"""
Memories: what the store knows about the user, and what it knew before; a bi-temporal table.

    ADD        a new row
    UPDATE     a row that says more about the same; the old one stays readable behind it
    RECONCILE  a row that says otherwise; the old one was true until then
    IGNORE     no row, only the event: it was said again, or was trivial
    UNDO       takes the latest operation back: the memory holds no more (a soft delete), and what it had replaced
               holds again, exactly: row, full text, vector, lessons

Each row of `memories` has the days on which it was true (`valid_from`, `valid_to`) and the day it was told
(`told_on`); `memory_sources` names the messages it came from. Nothing is destroyed here but by `forget`. Which
operation is right is decided in the daemon; here each is one transaction with its event (`memory_events.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from store import full_text
from store.database import Connection, rows, writing
from store.errors import Conflict, NotHeld, StoreError, not_found
from store.forgetting import ForgetReport, forget
from store.memory_events import MAKING, Event, event, events, note, op_counts
from store.memory_queries import (
    Memory,
    as_of,
    get,
    history,
    holding,
    lines,
    narrative,
    narratives,
    several,
    sources,
)
from store.text import one_line

__all__ = [
    "Event",
    "ForgetReport",
    "Memory",
    "Undone",
    "add",
    "as_of",
    "event",
    "events",
    "forget",
    "get",
    "history",
    "holding",
    "ignore",
    "lines",
    "narrative",
    "narratives",
    "op_counts",
    "reconcile",
    "several",
    "sources",
    "undo",
    "undo_event",
    "update",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What one `undo` did."""

    event: Event  # the operation that was taken back
    closed: Memory | None  # holds no more
    restored: Memory | None  # holds again


def add(
    db: Connection,
    text: str,
    *,
    told_on: date,
    valid_from: date | None = None,
    sources: Sequence[int],
    trust: str = "user",
    kind: str = "fact",
    beside: Memory | None = None,
) -> Memory:
    """
    Hold a new statement, true from `valid_from` (None: the day it was told); `sources` are ids of messages.

    Args:
        kind: one of `memory_queries.KINDS`.
        beside: what it may change, but was not allowed to; only noted.

    Raises:
        NotFound, StoreError: a source is not there, or was forgotten meanwhile.
    """
    with writing(db):
        _check_sources(db, sources, None)
        new = _insert(db, text, told_on, valid_from or told_on, sources, trust=trust, kind=kind)
        known = rows(db, "select id from memories where id = ?", (beside.id,)) if beside else []
        note(db, "ADD", new.id, text, told_on, sources, beside=known[0][0] if known else None)
    return new


def update(
    db: Connection,
    old: Memory,
    text: str,
    *,
    told_on: date,
    sources: Sequence[int],
    trust: str = "user",
    kind: str | None = None,
) -> Memory:
    """
    Replace `old` by a sentence that says more about the same; it is true since `old` was.

    Args:
        kind: one of `memory_queries.KINDS`; None: that of `old`.

    Raises:
        NoSuchMemory, StoreError: `old` or a source was forgotten meanwhile.
        NotHeld: `old` was replaced or taken back before.
    """
    with writing(db):
        current = _current(db, old.id)
        _check_sources(db, sources, current)
        new = _insert(db, text, told_on, current.valid_from, sources, trust=trust, kind=kind or current.kind)
        _supersede(db, current, new, valid_to=current.valid_to)
        note(db, "UPDATE", new.id, text, told_on, sources)
    return new


def reconcile(
    db: Connection,
    old: Memory,
    text: str,
    *,
    told_on: date,
    valid_from: date | None = None,
    sources: Sequence[int],
    trust: str = "user",
    kind: str | None = None,
) -> Memory:
    """
    Replace `old` by a sentence that says otherwise.

    It is true from `valid_from` (None: `told_on`) on; `old` was true until then. `kind`: as of `update`.

    Raises:
        NoSuchMemory, StoreError: `old` or a source was forgotten meanwhile.
        NotHeld: `old` was replaced or taken back before.
    """
    with writing(db):
        current = _current(db, old.id)
        _check_sources(db, sources, current)
        new = _insert(
            db, text, told_on, valid_from or told_on, sources, trust=trust, kind=kind or current.kind
        )
        _supersede(db, current, new, valid_to=max(new.valid_from, current.valid_from))
        note(db, "RECONCILE", new.id, text, told_on, sources)
    return new


def ignore(
    db: Connection, current: Memory | None, text: str, *, told_on: date, sources: Sequence[int]
) -> None:
    """Record that `current` was said again, or (None) that something trivial was said."""
    with writing(db):
        _check_sources(db, sources, current)
        note(db, "IGNORE", get(db, current.id).id if current else None, text, told_on, sources)


def undo(db: Connection, memory_id: int, *, today: date) -> Undone:
    """
    Take back the latest operation on this memory, which must hold.

    Raises:
        NoSuchMemory: it is not there.
        Conflict: another memory has replaced it, whose operation comes first; or it was taken back before.
    """
    with writing(db):
        memory = get(db, memory_id)
        if memory.state == "undone":
            raise _nothing_to_undo(f"memory {memory_id}", "it was taken back before")
        if memory.state == "replaced":
            newer = _newest(db, memory).id
            raise _not_latest(f"memory {memory_id}", f"memory {newer} has replaced it", newer)
        return _take_back(db, _latest(db, memory_id), today)


def undo_event(db: Connection, event_id: int, *, today: date) -> Undone:
    """
    Take back one operation, which must be the latest that stands on its line.

    With one that made a memory go the later ones that only said it again (IGNORE).

    Raises:
        NotFound, Conflict: it is not there; it is not the latest, or was taken back before.
    """
    with writing(db):
        wanted = event(db, event_id)
        what = f"operation {event_id}"
        if wanted.op == "UNDO":
            raise _nothing_to_undo(what, "it is an UNDO itself; say it anew instead")
        if wanted.undone_by is not None:
            raise _nothing_to_undo(what, "it was taken back before")
        if wanted.memory_id is not None:
            memory = get(db, wanted.memory_id)
            if memory.superseded_by is not None:
                if memory.state == "undone":
                    raise _nothing_to_undo(what, "its memory was taken back before")
                newer = _newest(db, memory).id
                raise _not_latest(what, f"memory {newer} has replaced its memory", newer)
            while (latest := _latest(db, memory.id)).id != event_id:
                if wanted.op not in MAKING:
                    raise _not_latest(what, f"operation {latest.id} ({latest.op}) came later", memory.id)
                _take_back(db, latest, today)
        return _take_back(db, wanted, today)


def _current(db: Connection, memory_id: int) -> Memory:
    memory = get(db, memory_id)
    if memory.superseded_by is not None:
        raise NotHeld(memory_id, memory.superseded_by)
    return memory


def _check_sources(db: Connection, sources: Sequence[int], known: Memory | None) -> None:
    """
    Refuse what was forgotten while it was thought about; what `known` was drawn from before may be named
    again.
    """
    for source in sources:
        redacted = db.execute("select redacted from messages where id = ?", (source,)).get
        if redacted is None:
            raise not_found("message", source)
        before = (known.id if known else None, source)
        if (
            redacted
            and db.execute("select 1 from memory_sources where (memory_id, message_id) = (?, ?)", before).get
            is None
        ):
            raise StoreError(
                f"Can't hold a statement from message {source}: it was forgotten. Nothing was stored; "
                f"tell it again if it shall be known."
            )


def _insert(
    db: Connection,
    text: str,
    told_on: date,
    valid_from: date,
    sources: Sequence[int],
    *,
    trust: str,
    kind: str,
) -> Memory:
    text = one_line(text)
    db.execute(
        "insert into memories (text, told_on, valid_from, trust, kind) values (?, ?, ?, ?, ?)",
        (text, told_on.isoformat(), valid_from.isoformat(), trust, kind),
    )
    new = get(db, db.last_insert_rowid())
    db.executemany(
        "insert or ignore into memory_sources values (?, ?)", [(new.id, source) for source in sources]
    )
    full_text.put_memory(db, new.id, text)
    return new


def _supersede(db: Connection, old: Memory, new: Memory, *, valid_to: date | None) -> None:
    closed = valid_to.isoformat() if valid_to else None
    db.execute("update memories set superseded_by = ?, valid_to = ? where id = ?", (new.id, closed, old.id))
    full_text.drop_memories(db, [old.id])


def _nothing_to_undo(what: str, why: str) -> Conflict:
    return Conflict(f"Nothing to undo for {what}: {why}. To hold it again: tsubasa memories add")


def _not_latest(what: str, why: str, newer: int) -> Conflict:
    return Conflict(f"Can't undo {what}: {why}. Undo that first: tsubasa memories undo {newer}")


def _newest(db: Connection, memory: Memory) -> Memory:
    """What holds in the place of a memory that was replaced."""
    while memory.superseded_by not in (None, memory.id):
        memory = get(db, memory.superseded_by or 0)
    return memory


def _latest(db: Connection, memory_id: int) -> Event:
    standing = [one for one in events(db, memory_id) if one.undone_by is None and one.op != "UNDO"]
    if not standing:
        raise _nothing_to_undo(f"memory {memory_id}", "no operation on it is recorded")
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
