"""
Export: everything that a user said, taken out of the store.

What was forgotten is in no archive; put into an empty store (`restore.py`), it gives an equal one again. Numbers in an
archive are places in its own lists, from 1; days and times are as the store writes them. Lessons, vectors and
generations are left out: they are made again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from store.database import Connection, rows, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptChat:
    """One chat; its messages name it."""

    source: str
    started_at: str
    last_stored_at: str
    title: str | None = None
    title_by: str | None = None
    pinned: int = 0  # 1: it stays on top of the list


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMessage:
    """One message that was not forgotten."""

    chat: int
    parent: int | None  # the nearest message before it that was not forgotten
    role: str
    speaker: str
    text: str
    said_at: str
    stored_at: str
    source: str
    external_id: str | None
    observed_by: str | None
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMemory:
    """One statement, whether it holds or not."""

    text: str
    told_on: str
    valid_from: str
    valid_to: str | None
    superseded_by: int | None  # None: it holds; itself: taken back
    trust: str
    sources: tuple[int, ...]  # messages
    recalled: int  # how often
    recalled_at: str | None
    memory_kind: str = "fact"  # `kind` is that of a line of the file; an older archive has none


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvent:
    """One operation on the memories."""

    op: str
    memory: int | None
    at: str
    told_on: str
    text: str
    sources: tuple[int, ...]  # messages
    undoes: int | None  # the event that this UNDO took back
    replaced: int | None  # the memory that holds again by this UNDO
    beside: int | None  # the memory that this ADD may change, but was not allowed to


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """All of it, in the order in which it came to be."""

    chats: tuple[KeptChat, ...] = ()
    messages: tuple[KeptMessage, ...] = ()
    memories: tuple[KeptMemory, ...] = ()
    events: tuple[KeptEvent, ...] = ()


def take_out(db: Connection) -> Archive:
    """Everything, as of one moment."""
    with writing(db):  # nobody else writes meanwhile, and nothing is written here
        kept = rows(
            db,
            """select id, chat_id, role, speaker, text, said_at, stored_at, source, external_id, observed_by,
            model from messages where not redacted order by id""",
        )
        places = _places(row[0] for row in kept)
        chats = _places(dict.fromkeys(row[1] for row in kept))
        memories = _places(id for (id,) in rows(db, "select id from memories order by id"))
        parents = nearest_kept(db)
        return Archive(
            chats=_chats(db, chats),
            messages=tuple(
                KeptMessage(
                    chat=chats[chat_id],
                    parent=_at(places, parents[id]),
                    **dict(zip(KeptMessage.__slots__[2:], rest, strict=True)),
                )
                for id, chat_id, *rest in kept
            ),
            memories=_memories(db, memories, places),
            events=_events(db, memories, places),
        )


def nearest_kept(db: Connection) -> dict[int, int | None]:
    """Per message, the nearest one before it that was not forgotten."""
    nearest: dict[int, int | None] = {}
    before: dict[int | None, int | None] = {None: None}  # per message, itself, or if forgotten its nearest
    for id, parent_id, redacted in rows(db, "select id, parent_id, redacted from messages order by id"):
        nearest[id] = before[parent_id]
        before[id] = before[parent_id] if redacted else id
    return nearest


def _chats(db: Connection, places: Mapping[int, int]) -> tuple[KeptChat, ...]:
    sql = """select id, source, started_at, last_stored_at, title, title_by, coalesce(pinned, 0)
        from chats left join chat_labels on chat_id = id"""
    found = {id: dict(zip(KeptChat.__slots__, rest, strict=True)) for id, *rest in rows(db, sql)}
    return tuple(KeptChat(**found[id]) for id in places)


def _memories(
    db: Connection, places: Mapping[int, int], messages: Mapping[int, int]
) -> tuple[KeptMemory, ...]:
    sources = _sources(db, "select memory_id, message_id from memory_sources", messages)
    found = rows(
        db,
        """select id, text, told_on, valid_from, valid_to, superseded_by, trust, coalesce(n, 0), last_at, kind
        from memories left join recalls on memory_id = id order by id""",
    )
    return tuple(
        KeptMemory(
            text=text,
            told_on=told_on,
            valid_from=valid_from,
            valid_to=valid_to,
            superseded_by=_at(places, superseded_by),
            trust=trust,
            sources=sources.get(id, ()),
            recalled=recalled,
            recalled_at=recalled_at,
            memory_kind=kind,
        )
        for id, text, told_on, valid_from, valid_to, superseded_by, trust, recalled, recalled_at, kind in found
    )


def _events(
    db: Connection, memories: Mapping[int, int], messages: Mapping[int, int]
) -> tuple[KeptEvent, ...]:
    sources = _sources(db, "select event_id, message_id from event_sources", messages)
    found = rows(
        db,
        """select id, op, events.memory_id, at, told_on, text, event_id, replaced_id, beside
        from events left join undone on undo_id = id order by id""",
    )
    places = _places(row[0] for row in found)
    return tuple(
        KeptEvent(
            op=op,
            memory=_at(memories, memory_id),
            at=at,
            told_on=told_on,
            text=text,
            sources=sources.get(id, ()),
            undoes=_at(places, undoes),
            replaced=_at(memories, replaced),
            beside=_at(memories, beside),
        )
        for id, op, memory_id, at, told_on, text, undoes, replaced, beside in found
    )


def _sources(db: Connection, sql: str, messages: Mapping[int, int]) -> dict[int, tuple[int, ...]]:
    """Per owner the messages it came from that were not forgotten."""
    found: dict[int, list[int]] = {}
    for owner, message_id in rows(db, f"{sql} order by message_id"):
        if message_id in messages:
            found.setdefault(owner, []).append(messages[message_id])
    return {owner: tuple(given) for owner, given in found.items()}


def _places(ids: Iterable[int]) -> dict[int, int]:
    return {id: place for place, id in enumerate(ids, start=1)}


def _at(places: Mapping[int, int], id: Any) -> int | None:
    return None if id is None else places[id]
