"""
Export: everything that a user said, taken out of the store.

    messages, some hundreds at a time ──> memories and their events ──> did either change on the way? ──> once more

In slices, between which the calls of others go first, and yet as of one moment, the last: what came on the way is read
too; where something was forgotten all is read anew, where something was noted the memories are, and after `TRIES` all
in one go, for then the store has no rest. What was forgotten is in no archive; put into an empty store (`restore.py`),
it gives an equal one again. Numbers in an archive are places in its own lists, from 1; days and times are as the store
writes them. Lessons, vectors and generations are left out: they are made again.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from store.database import Connection, id_list, rows, whole, writing

SLICE = 200  # rows; some milliseconds
IDS = 5000  # numbers of rows alone
TRIES = 5
_IN = "in (select value from json_each(?))"


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


def take_out_in_slices(db: Connection) -> Generator[None, None, Archive]:
    """Everything, as of one moment."""
    said = _Said()
    for _ in range(TRIES):
        before = _forgotten(db), _noted(db)
        yield from _read_said(db, said)
        archive = yield from _with_memories(db, said)
        after = _forgotten(db), _noted(db)
        if before == after:
            return archive
        if before[0] != after[0]:
            said = _Said()
    return take_out(db)


def take_out(db: Connection) -> Archive:
    """As `take_out_in_slices`, in one go."""
    said = _Said()
    with writing(db):  # nobody else writes meanwhile, and nothing is written here
        whole(_read_said(db, said))
        return whole(_with_memories(db, said))


def _forgotten(db: Connection) -> int:
    """What is another as soon as something was forgotten."""
    return int(rows(db, "select count(*) from forgettings")[0][0])


def _noted(db: Connection) -> tuple[int, int]:
    """What is another as soon as something was done to a memory."""
    newest, many = rows(db, "select coalesce(max(id), 0), count(*) from events")[0]
    return int(newest), int(many)


@dataclass(slots=True)
class _Said:
    """The messages, as far as they were read."""

    messages: list[KeptMessage] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)  # of the messages, by their id
    chats: dict[int, int] = field(default_factory=dict)  # places of the chats, by theirs
    nearest: dict[int | None, int | None] = field(default_factory=lambda: {None: None})
    """Of each message itself, or if it was forgotten the nearest one before it that was not."""
    done: int = 0  # the newest that was read


def _read_said(db: Connection, said: _Said) -> Generator[None, None, None]:
    """Read what is newer than what was read."""
    sql = f"""select id, parent_id, redacted, chat_id, role, speaker, text, said_at, stored_at, source, external_id,
        observed_by, model from messages where id > ? and id <= ? order by id limit {SLICE}"""
    newest = _newest(db, "messages")
    while found := rows(db, sql, (said.done, newest)):
        for id, parent_id, redacted, chat_id, *rest in found:
            before = said.nearest[parent_id]
            said.nearest[id] = before if redacted else id
            if redacted:
                continue
            said.places[id] = len(said.places) + 1
            chat = said.chats.setdefault(chat_id, len(said.chats) + 1)
            kept = dict(zip(KeptMessage.__slots__[2:], rest, strict=True))
            parent = None if before is None else said.places[before]
            said.messages.append(KeptMessage(chat=chat, parent=parent, **kept))
        said.done = found[-1][0]
        yield


def _read_chats(db: Connection, places: Mapping[int, int]) -> Generator[None, None, tuple[KeptChat, ...]]:
    sql = """select id, source, started_at, last_stored_at, title, title_by, coalesce(pinned, 0)
        from chats left join chat_labels on chat_id = id where id in (select value from json_each(?))"""
    found: dict[int, KeptChat] = {}
    for some in _some(places):
        for id, *rest in rows(db, sql, (id_list(some),)):
            found[id] = KeptChat(**dict(zip(KeptChat.__slots__, rest, strict=True)))
        yield
    return tuple(found[id] for id in places)


def _with_memories(db: Connection, said: _Said) -> Generator[None, None, Archive]:
    chats = yield from _read_chats(db, said.chats)
    held = yield from _ids(db, "memories")
    done = yield from _ids(db, "events")
    memories = yield from _memories(db, held, said.places)
    events = yield from _events(db, done, held, said.places)
    return Archive(chats=chats, messages=tuple(said.messages), memories=memories, events=events)


def _ids(db: Connection, table: str) -> Generator[None, None, dict[int, int]]:
    """The places of all rows of a table, by their id."""
    places: dict[int, int] = {}
    last, newest = 0, _newest(db, table)
    sql = f"select id from {table} where id > ? and id <= ? order by id limit {IDS}"
    while found := rows(db, sql, (last, newest)):
        for (id,) in found:
            places[id] = len(places) + 1
        last = found[-1][0]
        yield
    return places


def _memories(
    db: Connection, places: Mapping[int, int], messages: Mapping[int, int]
) -> Generator[None, None, tuple[KeptMemory, ...]]:
    sql = f"""select id, text, told_on, valid_from, valid_to, superseded_by, trust, coalesce(n, 0), last_at, kind
        from memories left join recalls on memory_id = id where id {_IN} order by id"""
    kept: list[KeptMemory] = []
    for some in _some(places):
        from_where = f"select memory_id, message_id from memory_sources where memory_id {_IN}"
        sources = _sources(db, from_where, some, messages)
        for (
            id,
            text,
            told_on,
            valid_from,
            valid_to,
            superseded_by,
            trust,
            recalled,
            recalled_at,
            kind,
        ) in rows(db, sql, (id_list(some),)):
            kept.append(
                KeptMemory(
                    text=text,
                    told_on=told_on,
                    valid_from=valid_from,
                    valid_to=valid_to,
                    superseded_by=places.get(superseded_by),
                    trust=trust,
                    sources=sources.get(id, ()),
                    recalled=recalled,
                    recalled_at=recalled_at,
                    memory_kind=kind,
                )
            )
        yield
    return tuple(kept)


def _events(
    db: Connection, places: Mapping[int, int], memories: Mapping[int, int], messages: Mapping[int, int]
) -> Generator[None, None, tuple[KeptEvent, ...]]:
    sql = f"""select id, op, events.memory_id, at, told_on, text, event_id, replaced_id, beside
        from events left join undone on undo_id = id where id {_IN} order by id"""
    kept: list[KeptEvent] = []
    for some in _some(places):
        from_where = f"select event_id, message_id from event_sources where event_id {_IN}"
        sources = _sources(db, from_where, some, messages)
        for id, op, memory_id, at, told_on, text, undoes, replaced, beside in rows(db, sql, (id_list(some),)):
            kept.append(
                KeptEvent(
                    op=op,
                    memory=memories.get(memory_id),
                    at=at,
                    told_on=told_on,
                    text=text,
                    sources=sources.get(id, ()),
                    undoes=places.get(undoes),
                    replaced=memories.get(replaced),
                    beside=memories.get(beside),
                )
            )
        yield
    return tuple(kept)


def _sources(
    db: Connection, sql: str, owners: Sequence[int], messages: Mapping[int, int]
) -> dict[int, tuple[int, ...]]:
    """Per owner the messages it came from that were not forgotten."""
    found: dict[int, list[int]] = {}
    for owner, message_id in rows(db, f"{sql} order by message_id", (id_list(owners),)):
        if message_id in messages:
            found.setdefault(owner, []).append(messages[message_id])
    return {owner: tuple(given) for owner, given in found.items()}


def _newest(db: Connection, table: str) -> int:
    return int(rows(db, f"select coalesce(max(id), 0) from {table}")[0][0])


def _some(ids: Iterable[int]) -> Iterator[list[int]]:
    """They, `SLICE` at a time."""
    every = list(ids)
    return (every[start : start + SLICE] for start in range(0, len(every), SLICE))
