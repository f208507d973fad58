"""
Memories: what is held about the user, and what was held before.

    ADD        a new row
    UPDATE     a row that says more about the same; the old one stays readable behind it
    RECONCILE  a row that says otherwise; the old one was true until then
    IGNORE     no row, only the event: it was said again, or was trivial

Promises: nothing is destroyed here but by `forget`; each memory names the messages it came from.
Knows nothing of models; which operation is right is decided in the daemon.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import apsw

from store import vectors, words
from store.database import moment, rows, stamp, storable, writing
from store.errors import NoSuchMemory, NoSuchMessage, NotHeld, SourceForgotten
from store.forgetting import ForgetReport, forget

__all__ = [
    "Event",
    "ForgetReport",
    "Memory",
    "add",
    "as_of",
    "events",
    "forget",
    "get",
    "history",
    "holding",
    "ignore",
    "narrative",
    "op_counts",
    "reconcile",
    "sources",
    "update",
]

_COLUMNS = "id, text, told_on, valid_from, valid_to, superseded_by, trust"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One statement about the user: a row of `memories`."""

    id: int
    text: str  # one sentence, in the user's own language
    told_on: date
    valid_from: date  # the first day on which it was true
    valid_to: date | None  # the first day on which it was true no more; None: as far as we know it still is
    superseded_by: int | None  # the memory that replaced it; None: it holds
    trust: str  # "user" | "assistant" | "import" | "untrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One memory operation, as it happened."""

    id: int
    op: str  # "ADD" | "UPDATE" | "RECONCILE" | "IGNORE"
    memory_id: int | None  # the memory made, or said again; None: a trivial statement
    at: datetime  # UTC
    text: str
    sources: tuple[int, ...]  # ids of messages


def add(
    db: apsw.Connection,
    text: str,
    *,
    told_on: date,
    valid_from: date | None = None,
    sources: Sequence[int],
    trust: str = "user",
) -> Memory:
    """
    Hold a new statement, true from `valid_from` (None: the day it was told); `sources` are ids of messages.

    Raises:
        NoSuchMessage, SourceForgotten: a source is not there, or was forgotten meanwhile.
    """
    with writing(db):
        _check_sources(db, sources, None)
        new = _insert(db, text, told_on, valid_from or told_on, sources, trust)
        _note(db, "ADD", new.id, text, told_on, sources)
    return new


def update(
    db: apsw.Connection, old: Memory, text: str, *, told_on: date, sources: Sequence[int], trust: str = "user"
) -> Memory:
    """
    Replace `old` by a sentence that says more about the same; it is true since `old` was.

    Raises:
        NoSuchMemory, SourceForgotten: `old` or a source was forgotten meanwhile.
        NotHeld: `old` was replaced before.
    """
    with writing(db):
        held = _held(db, old.id)
        _check_sources(db, sources, held)
        new = _insert(db, text, told_on, held.valid_from, sources, trust)
        _supersede(db, held, new, valid_to=held.valid_to)
        _note(db, "UPDATE", new.id, text, told_on, sources)
    return new


def reconcile(
    db: apsw.Connection, old: Memory, text: str, *, told_on: date, sources: Sequence[int], trust: str = "user"
) -> Memory:
    """
    Replace `old` by a sentence that says otherwise; `old` was true until `told_on`.

    Raises:
        NoSuchMemory, SourceForgotten: `old` or a source was forgotten meanwhile.
        NotHeld: `old` was replaced before.
    """
    with writing(db):
        held = _held(db, old.id)
        _check_sources(db, sources, held)
        new = _insert(db, text, told_on, told_on, sources, trust)
        _supersede(db, held, new, valid_to=max(told_on, held.valid_from))
        _note(db, "RECONCILE", new.id, text, told_on, sources)
    return new


def ignore(
    db: apsw.Connection, held: Memory | None, text: str, *, told_on: date, sources: Sequence[int]
) -> None:
    """Record that `held` was said again, or (None) that something trivial was said."""
    with writing(db):
        _check_sources(db, sources, held)
        _note(db, "IGNORE", get(db, held.id).id if held else None, text, told_on, sources)


def holding(db: apsw.Connection) -> list[Memory]:
    """What is held now, oldest first."""
    return _memories(rows(db, f"select {_COLUMNS} from memories where superseded_by is null order by id"))


def as_of(db: apsw.Connection, day: date) -> list[Memory]:
    """
    What was true on `day`, as far as we know today, oldest first.

    A refined statement (UPDATE) stands in for the one it refined; one that was reconciled is true up to that
    day.
    """
    sql = f"""select {_COLUMNS} from memories
        where valid_from <= :day and (valid_to is null or :day < valid_to)
        and (superseded_by is null or valid_to is not null) order by id"""
    return _memories(rows(db, sql, {"day": day.isoformat()}))


def get(db: apsw.Connection, memory_id: int) -> Memory:
    """The memory with this id; raises `NoSuchMemory`."""
    found = _memories(rows(db, f"select {_COLUMNS} from memories where id = ?", (memory_id,)))
    if not found:
        raise NoSuchMemory(memory_id)
    return found[0]


def history(db: apsw.Connection, memory_id: int) -> list[Memory]:
    """
    All that was held in the place of this memory, before and after it, oldest first; raises `NoSuchMemory`.
    """
    found = rows(
        db,
        f"""with recursive
        after (id) as (select ? union select superseded_by from memories join after using (id)),
        chain (id) as (select id from after where id is not null
            union select memories.id from memories join chain on superseded_by = chain.id)
        select {_COLUMNS} from memories where id in (select id from chain) order by id""",
        (memory_id,),
    )
    if not found:
        raise NoSuchMemory(memory_id)
    return _memories(found)


def narrative(db: apsw.Connection, memory: Memory) -> str:
    """
    One line for a model: "2026-10-03: The user lives in Oslo. Before that: The user lives in Ghent."

    The day is the first on which it was true; only what the latest RECONCILE replaced is told beside it.
    """
    line = f"{memory.valid_from.isoformat()}: {memory.text}"
    earlier = [past for past in history(db, memory.id) if past.id < memory.id and past.valid_to is not None]
    return f"{line} Before that: {earlier[-1].text}" if earlier else line


def events(db: apsw.Connection, memory_id: int | None = None) -> list[Event]:
    """The operations on one memory, or on all, oldest first."""
    found = rows(
        db,
        """select id, op, memory_id, at, text, group_concat(message_id) from events
        left join (select * from event_sources order by message_id) on event_id = id
        where ?1 is null or memory_id = ?1 group by id order by id""",
        (memory_id,),
    )
    return [
        Event(id=id, op=op, memory_id=held, at=moment(at), text=text, sources=_ids(joined))
        for id, op, held, at, text, joined in found
    ]


def op_counts(db: apsw.Connection) -> dict[str, int]:
    """How often each operation happened."""
    return dict.fromkeys(("ADD", "UPDATE", "RECONCILE", "IGNORE"), 0) | {
        op: number for op, number in rows(db, "select op, count(*) from events group by op")
    }


def sources(db: apsw.Connection, memory_id: int) -> list[int]:
    """The ids of the messages that a memory was drawn from; raises `NoSuchMemory`."""
    get(db, memory_id)
    sql = "select message_id from memory_sources where memory_id = ? order by message_id"
    return [id for (id,) in rows(db, sql, (memory_id,))]


def from_row(row: Sequence[Any]) -> Memory:
    """The memory in a row of the columns id, text, told_on, valid_from, valid_to, superseded_by, trust."""
    fields = dict(zip(_COLUMNS.split(", "), row, strict=True))
    days = ("told_on", "valid_from", "valid_to")
    return Memory(**fields | {day: fields[day] and date.fromisoformat(fields[day]) for day in days})


def _memories(found: Iterable[Sequence[Any]]) -> list[Memory]:
    return [from_row(row) for row in found]


def _held(db: apsw.Connection, memory_id: int) -> Memory:
    memory = get(db, memory_id)
    if memory.superseded_by is not None:
        raise NotHeld(memory_id, memory.superseded_by)
    return memory


def _check_sources(db: apsw.Connection, sources: Sequence[int], known: Memory | None) -> None:
    """
    Refuse what was forgotten while it was thought about; what `known` was drawn from before may be named
    again.
    """
    for source in sources:
        redacted = db.execute("select redacted from messages where id = ?", (source,)).get
        if redacted is None:
            raise NoSuchMessage(source)
        before = (known.id if known else None, source)
        if (
            redacted
            and db.execute("select 1 from memory_sources where (memory_id, message_id) = (?, ?)", before).get
            is None
        ):
            raise SourceForgotten(source)


def _insert(
    db: apsw.Connection, text: str, told_on: date, valid_from: date, sources: Sequence[int], trust: str
) -> Memory:
    text = storable(text)
    db.execute(
        "insert into memories (text, told_on, valid_from, trust) values (?, ?, ?, ?)",
        (text, told_on.isoformat(), valid_from.isoformat(), trust),
    )
    new = get(db, db.last_insert_rowid())
    db.executemany(
        "insert or ignore into memory_sources values (?, ?)", [(new.id, source) for source in sources]
    )
    words.put_memory(db, new.id, text)
    return new


def _supersede(db: apsw.Connection, old: Memory, new: Memory, *, valid_to: date | None) -> None:
    closed = valid_to.isoformat() if valid_to else None
    db.execute("update memories set superseded_by = ?, valid_to = ? where id = ?", (new.id, closed, old.id))
    words.drop_memories(db, [old.id])
    vectors.hide(db, "memory", [old.id])


def _note(
    db: apsw.Connection, op: str, memory_id: int | None, text: str, told_on: date, sources: Sequence[int]
) -> None:
    db.execute(
        "insert into events (op, memory_id, at, told_on, text) values (?, ?, ?, ?, ?)",
        (op, memory_id, stamp(datetime.now(UTC)), told_on.isoformat(), storable(text)),
    )
    event_id = db.last_insert_rowid()
    db.executemany(
        "insert or ignore into event_sources values (?, ?)", [(event_id, source) for source in sources]
    )


def _ids(joined: str | None) -> tuple[int, ...]:
    return tuple(map(int, joined.split(","))) if joined else ()
