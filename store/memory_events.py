"""
Events: an append-only log of every operation on the memories, as it happened.

A row of `events` is written once and never changed but by `forget`; `undone` says which operation an UNDO took back.
`event_sources` has the messages that said it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from store.database import Connection, id_list, moment, rows, stamp
from store.errors import not_found
from store.text import one_line

MAKING = ("ADD", "UPDATE", "RECONCILE")  # the operations that make a memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One memory operation, as it happened."""

    id: int
    op: str  # "ADD" | "UPDATE" | "RECONCILE" | "IGNORE" | "UNDO"
    memory_id: int | None  # the memory made, said again, or closed by an UNDO; None: a trivial statement
    at: datetime  # UTC
    text: str
    sources: tuple[int, ...]  # ids of messages; none: made by the user's own hand
    undone_by: int | None = None  # the UNDO event that took it back; None: it stands
    beside: int | None = None  # of an ADD: the memory that the model wanted to change, which a check refused


def events(db: Connection, memory_id: int | None = None) -> list[Event]:
    """The operations on one memory, or on all, oldest first."""
    return _events(db, "?1 is null or events.memory_id = ?1", memory_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One memory that was made and holds, as it is shown to be looked through."""

    event_id: int
    memory_id: int
    op: str  # of MAKING
    at: datetime  # UTC
    text: str
    was: str | None  # what it has taken the place of


def noted_of(db: Connection, message_ids: Collection[int]) -> dict[int, list[Noted]]:
    """Per message, what was noted of it and still holds, oldest first."""
    found: dict[int, list[Noted]] = {}
    wanted = "events.id in (select event_id from event_sources where message_id in (select value from json_each(?)))"
    of_event = {one.event_id: one for one in _noted(db, wanted, id_list(message_ids))}
    for event_id, message_id in rows(
        db,
        """select event_id, message_id from event_sources where event_id in (select value from json_each(?1))
        and message_id in (select value from json_each(?2)) order by event_id""",
        (id_list(of_event), id_list(message_ids)),
    ):
        found.setdefault(message_id, []).append(of_event[event_id])
    return found


def noted_in_chat(db: Connection, chat_id: int, since: datetime) -> list[Noted]:
    """What was noted of the messages of this chat since then and still holds, oldest first."""
    wanted = """events.at >= ?1 and events.id in (select event_id from event_sources
        join messages on messages.id = message_id where chat_id = ?2)"""
    return _noted(db, wanted, stamp(since), chat_id)


def noted_since(db: Connection, since: datetime, n: int) -> list[Noted]:
    """The last `n` memories that were made since then and still hold, the newest first."""
    return _noted(db, "events.at >= ?", stamp(since))[::-1][:n]


def changed_since(db: Connection, since: datetime, *, after: int) -> list[Noted]:
    """What was read out of chats since then, later than the event `after`, and changed a memory; oldest first."""
    wanted = """events.at >= ?1 and events.id > ?2 and op <> 'ADD'
        and events.id in (select event_id from event_sources)"""
    return _noted(db, wanted, stamp(since), after)


def _noted(db: Connection, wanted: str, *given: object) -> list[Noted]:
    found = rows(
        db,
        f"""select events.id, memory_id, op, events.at, memories.text,
            (select text from memories old where old.superseded_by = memories.id and old.id <> memories.id
                order by old.id desc limit 1)
        from events join memories on memories.id = memory_id
        where {wanted} and op in ('ADD', 'UPDATE', 'RECONCILE') and memories.superseded_by is null
            and events.id not in (select event_id from undone) order by events.id""",
        given,
    )
    return [
        Noted(event_id=id, memory_id=memory_id, op=op, at=moment(at), text=text, was=was)
        for id, memory_id, op, at, text, was in found
    ]


def event(db: Connection, event_id: int) -> Event:
    """The event with this id; raises `NotFound`."""
    found = _events(db, "events.id = ?1", event_id)
    if not found:
        raise not_found("operation", event_id)
    return found[0]


def op_counts(db: Connection) -> dict[str, int]:
    """How often each operation happened."""
    return dict.fromkeys((*MAKING, "IGNORE"), 0) | {
        op: number for op, number in rows(db, "select op, count(*) from events group by op")
    }


def besides(db: Connection) -> list[tuple[int, int]]:
    """Each memory that was added though it may contradict another, and that other; both hold still."""
    return rows(
        db,
        """select events.memory_id, beside from events
        join memories new on new.id = events.memory_id join memories old on old.id = beside
        left join undone on undone.event_id = events.id
        where beside is not null and undo_id is null
        and new.superseded_by is null and old.superseded_by is null order by events.id""",
    )


def note(
    db: Connection,
    op: str,
    memory_id: int | None,
    text: str,
    told_on: date,
    sources: Sequence[int],
    *,
    beside: int | None = None,
) -> int:
    """Write an event, and return its id; call it inside the transaction that does the operation."""
    db.execute(
        "insert into events (op, memory_id, at, told_on, text, beside) values (?, ?, ?, ?, ?, ?)",
        (op, memory_id, stamp(datetime.now(UTC)), told_on.isoformat(), one_line(text), beside),
    )
    event_id = db.last_insert_rowid()
    db.executemany(
        "insert or ignore into event_sources values (?, ?)", [(event_id, source) for source in sources]
    )
    return event_id


def _events(db: Connection, wanted: str, id: int | None) -> list[Event]:
    found = rows(
        db,
        f"""select events.id, op, events.memory_id, at, text, group_concat(message_id), undo_id,
        beside from events
        left join (select * from event_sources order by message_id) sources on sources.event_id = events.id
        left join undone on undone.event_id = events.id
        where {wanted} group by events.id order by events.id""",
        (id,),
    )
    return [
        Event(
            id=id,
            op=op,
            memory_id=held,
            at=moment(at),
            text=text,
            sources=_ids(joined),
            undone_by=undo,
            beside=beside,
        )
        for id, op, held, at, text, joined, undo, beside in found
    ]


def _ids(joined: str | None) -> tuple[int, ...]:
    return tuple(map(int, joined.split(","))) if joined else ()
