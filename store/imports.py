"""
Imports: dropped exports go in once, in slices, so that nobody waits for a long one; and each can be undone.

    begin ──> a few messages, where it stands (`unfinished`) ──> ... ──> whole       each arrow is one transaction

What ended between two slices goes on there when the same file comes again. Of each import `import_messages` has which
messages it brought and which it only knew. A file that was imported adds nothing the second time; a longer export of
the same chats adds what is new. `import_undo.py` takes one back.
"""

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice

from store import chat_labels, chats, full_text
from store.chats import Message, NewMessage, by_external_id, clean, insert, start_chat
from store.chats import get as get_message
from store.database import Connection, moment, rows, stamp, whole, writing
from store.errors import not_found
from store.text import storable

SLICE = 16  # messages
SLICE_CHARACTERS = 4_000  # or the one message that has more; 20 ms, most of it for the words


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What one import added."""

    id: int
    sessions: int  # chats that gained a message
    turns: int  # messages stored
    skipped: int  # messages that were there already


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One file that went in: a row of `imports`."""

    id: int
    name: str
    sessions: int
    turns: int
    at: datetime  # UTC
    is_whole: bool  # False: it ended on the way; the same file, taken in again, goes on there


def is_imported(db: Connection, digest: str) -> bool:
    """Whether a file with this digest (sha256, hexadecimal) went in, all of it."""
    return bool(rows(db, "select 1 from imports where digest = ? and unfinished is null", (digest,)))


def take_in(
    db: Connection, digest: str, name: str, messages: Sequence[Sequence[NewMessage]], at: datetime
) -> Generator[None, None, ImportReport]:
    """
    Store the chats of one export slice by slice, each on the disk; what an earlier one held already is skipped.

    A message is known by its external id, or else as the same words at the same time after the same beginning.

    Args:
        digest: sha256 of the file, hexadecimal. One that is known adds nothing; one that ended on the way goes on.
        messages: one list per session; each new session becomes a chat.
        at: now.

    Raises:
        NotFound: it was undone meanwhile, or is being undone.
    """
    with writing(db):
        import_id, stands = _begin(db, digest, name, at)
    count = sum(map(len, messages))
    if stands is None:
        return ImportReport(id=import_id, sessions=0, turns=0, skipped=count)
    for piece in _pieces(messages, stands.done):
        with writing(db):
            _check_going_on(db, import_id)
            stands = _add(db, import_id, stands, piece, at)
        yield
    skipped = count - stands.turns
    with writing(db):
        db.execute(
            "update imports set sessions = ?, turns = ?, skipped = ?, unfinished = null where id = ?",
            (stands.sessions, stands.turns, skipped, import_id),
        )
    return ImportReport(id=import_id, sessions=stands.sessions, turns=stands.turns, skipped=skipped)


def count_new(
    db: Connection, messages: Sequence[Sequence[NewMessage]]
) -> Generator[None, None, tuple[int, int]]:
    """How many sessions would gain a message, and how many messages would be stored; nothing is changed."""
    sessions = turns = 0
    tip: Message | None = None
    names: set[str | None] = set()
    gained = False
    newest = newest_message(db)
    for piece in _pieces(messages, 0):
        for begins, message in piece:
            tip, gained = (None, False) if begins else (tip, gained)
            known = message.external_id in names or _known(db, message, tip, newest, gained)
            if isinstance(known, Message):
                tip = known
            elif not known:
                names |= {message.external_id} - {None}
                sessions += not gained
                turns, gained = turns + 1, True
        yield
    return sessions, turns


def record_import(
    db: Connection, digest: str, name: str, messages: Sequence[Sequence[NewMessage]], at: datetime
) -> ImportReport:
    """As `take_in`, in one transaction: where nobody else works on the store."""
    with writing(db):
        return whole(take_in(db, digest, name, messages, at))


def listed(db: Connection) -> list[Import]:
    """All imports that were not undone, nor begun to be, oldest first."""
    return _read(db, "json_extract(unfinished, '$.down_to') is null order by id")


def get(db: Connection, import_id: int) -> Import:
    """The import with this number, one whose undoing ended on the way too: that goes on. Raises `NotFound`."""
    for one in _read(db, "id = ?", import_id):
        return one
    raise not_found("import", import_id)


def _read(db: Connection, where: str, *values: int) -> list[Import]:
    found = rows(db, f"select id, name, sessions, turns, at, unfinished from imports where {where}", values)
    every = []
    for id, name, sessions, turns, at, unfinished in found:
        if unfinished is not None and "done" in (stands := json.loads(unfinished)):
            sessions, turns = stands["sessions"], stands["turns"]
        one = Import(
            id=id, name=name, sessions=sessions, turns=turns, at=moment(at), is_whole=unfinished is None
        )
        every.append(one)
    return every


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stands:
    """How far a file went in: `imports.unfinished`."""

    done: int = 0  # messages of the file, counted through all sessions
    newest: int  # the last message of earlier imports; two equal sessions of one export are two
    tip: int | None = None  # the last message of the session that is under way
    gained: bool = False  # whether that session has a new message
    sessions: int = 0  # that gained a message
    turns: int = 0  # stored


def _begin(db: Connection, digest: str, name: str, at: datetime) -> tuple[int, _Stands | None]:
    """The import's number, and how far it is; None: it is whole."""
    for import_id, unfinished in rows(db, "select id, unfinished from imports where digest = ?", (digest,)):
        stood = None if unfinished is None else json.loads(unfinished)
        if stood is not None and "done" not in stood:  # it is being undone
            raise not_found("import", import_id)
        return import_id, None if stood is None else _Stands(**stood)
    stands = _Stands(newest=newest_message(db))
    db.execute(
        """insert into imports (digest, name, sessions, turns, skipped, at, unfinished)
        values (?, ?, 0, 0, 0, ?, ?)""",
        (digest, storable(name), stamp(at), json.dumps(asdict(stands))),
    )
    return db.last_insert_rowid(), stands


def newest_message(db: Connection) -> int:
    return int(rows(db, "select coalesce(max(id), 0) from messages")[0][0])


def _check_going_on(db: Connection, import_id: int) -> None:
    sql = "select 1 from imports where id = ? and json_extract(unfinished, '$.done') is not null"
    if not rows(db, sql, (import_id,)):
        raise not_found("import", import_id)


def _pieces(messages: Sequence[Sequence[NewMessage]], done: int) -> Iterator[list[tuple[bool, NewMessage]]]:
    """What is left of a file in slices, each message with whether it begins a session."""
    piece: list[tuple[bool, NewMessage]] = []
    size = 0
    every = ((not place, one) for session in messages for place, one in enumerate(session))
    for begins, one in islice(every, done, None):
        if piece and (len(piece) == SLICE or size + len(one.text) > SLICE_CHARACTERS):
            yield piece
            piece, size = [], 0
        piece.append((begins, clean(one)))
        size += len(one.text)
    if piece:
        yield piece


def _add(
    db: Connection, import_id: int, stands: _Stands, piece: Sequence[tuple[bool, NewMessage]], at: datetime
) -> _Stands:
    """Store what is new of these messages, each in the chat of the one before it; where the import stands then."""
    tip = get_message(db, stands.tip) if stands.tip is not None else None
    gained, sessions = stands.gained, stands.sessions
    stored, old = [], []
    for begins, message in piece:
        tip, gained = (None, False) if begins else (tip, gained)
        known = _known(db, message, tip, stands.newest, gained)
        if known is None:
            chat_id = tip.chat_id if tip else _start_chat(db, message, at)
            known = insert(db, message, chat_id=chat_id, parent=tip, at=at, source="import", index=False)
            stored.append(known.id)
            sessions, gained = sessions + (not gained), True
        else:
            old.append(known.id)
        tip = known
    full_text.refresh_messages(db, stored)
    brought = [(import_id, id, False) for id in old] + [(import_id, id, True) for id in stored]
    sql = """insert into import_messages (import_id, message_id, brought) values (?, ?, ?)
        on conflict do update set brought = max(brought, excluded.brought)"""
    db.executemany(sql, brought)
    now = replace(
        stands,
        done=stands.done + len(piece),
        tip=tip.id if tip else None,
        gained=gained,
        sessions=sessions,
        turns=stands.turns + len(stored),
    )
    db.execute("update imports set unfinished = ? where id = ?", (json.dumps(asdict(now)), import_id))
    return now


def _start_chat(db: Connection, first: NewMessage, at: datetime) -> int:
    """A new chat, by the title that its export gives it."""
    chat_id = start_chat(db, "import", at)
    if first.chat_title.strip():
        chat_labels.rename(db, chat_id, first.chat_title, by=chat_labels.IMPORT)
    return chat_id


def _known(
    db: Connection, message: NewMessage, tip: Message | None, newest: int, gained: bool
) -> Message | None:
    """The stored message that this one of an export is; `gained`: its session had a new one already."""
    if message.external_id is not None:
        return by_external_id(db, message.external_id)
    return None if gained else _same(db, message, tip, newest)


def _same(db: Connection, message: NewMessage, tip: Message | None, newest: int) -> Message | None:
    """The imported message with these words and this time (or like this one none) after `tip`."""
    found = rows(
        db,
        """select id from messages where hash in (?, ?) and source = 'import' and id <= ?
        and said_at = coalesce(?, stored_at) order by id desc limit 1""",
        (
            *chats.both_hashes(db, tip.hash if tip else "", message.role, message.text),
            newest,
            stamp(message.said_at) if message.said_at else None,
        ),
    )
    return get_message(db, found[0][0]) if found else None
