"""
Imports: dropped exports go in whole or not at all, and once.

Promises: a file that was imported adds nothing the second time; a longer export of the same chats adds only
what is new; of each import it is kept which messages it brought and which it only knew, so that it can be undone
(`import_undo.py`).
Knows nothing of export formats, folders or files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store import full_text, history_hashes
from store.chats import Message, NewMessage, by_external_id, clean, insert, start_chat
from store.chats import get as get_message
from store.database import Connection, moment, rows, stamp, writing
from store.errors import not_found
from store.text import storable


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


def is_imported(db: Connection, digest: str) -> bool:
    """Whether a file with this digest (sha256, hexadecimal) went in."""
    return bool(rows(db, "select 1 from imports where digest = ?", (digest,)))


def record_import(
    db: Connection, digest: str, name: str, messages: Sequence[Sequence[NewMessage]], at: datetime
) -> ImportReport:
    """
    Store the chats of one export in one transaction; what an earlier one held already is skipped.

    A message is known by its external id, or else as the same words at the same time after the same
    beginning.

    Args:
        digest: sha256 of the file, hexadecimal. One that is known adds nothing.
        messages: one list per session; each new session becomes a chat.
        at: now.
    """
    with writing(db):
        for (import_id,) in rows(db, "select id from imports where digest = ?", (digest,)):
            return ImportReport(id=import_id, sessions=0, turns=0, skipped=sum(map(len, messages)))
        ((newest,),) = rows(db, "select coalesce(max(id), 0) from messages")
        added, known = [], []
        for session in messages:
            new, old = _add_session(db, session, at, newest)
            added.append(new)
            known += old
        stored = [message_id for session in added for message_id in session]
        full_text.refresh_messages(db, stored)
        skipped = sum(map(len, messages)) - len(stored)
        sessions = sum(bool(session) for session in added)
        db.execute(
            "insert into imports (digest, name, sessions, turns, skipped, at) values (?, ?, ?, ?, ?, ?)",
            (digest, storable(name), sessions, len(stored), skipped, stamp(at)),
        )
        import_id = db.last_insert_rowid()
        brought = dict.fromkeys(known, False) | dict.fromkeys(stored, True)
        db.executemany(
            "insert into import_messages (import_id, message_id, brought) values (?, ?, ?)",
            [(import_id, id, is_brought) for id, is_brought in brought.items()],
        )
    return ImportReport(id=import_id, sessions=sessions, turns=len(stored), skipped=skipped)


def listed(db: Connection) -> list[Import]:
    """All imports that were not undone, oldest first."""
    found = rows(db, "select id, name, sessions, turns, at from imports order by id")
    return [
        Import(id=id, name=name, sessions=sessions, turns=turns, at=moment(at))
        for id, name, sessions, turns, at in found
    ]


def get(db: Connection, import_id: int) -> Import:
    """The import with this number; raises `NotFound`."""
    for one in listed(db):
        if one.id == import_id:
            return one
    raise not_found("import", import_id)


def _add_session(
    db: Connection, session: Sequence[NewMessage], at: datetime, newest: int
) -> tuple[list[int], list[int]]:
    """
    Store what is new of one session, in the chat of the messages already known; the ids stored and known.

    `newest`: the last message of earlier imports; two equal sessions of one export are two.
    """
    tip: Message | None = None
    added: list[int] = []
    old: list[int] = []
    for message in map(clean, session):
        if message.external_id is not None:
            known = by_external_id(db, message.external_id)
        else:
            known = None if added else _same(db, message, tip, newest)
        if known is None:
            chat_id = tip.chat_id if tip else start_chat(db, "import", at)
            known = insert(db, message, chat_id=chat_id, parent=tip, at=at, source="import", index=False)
            added.append(known.id)
        else:
            old.append(known.id)
        tip = known
    return added, old


def _same(db: Connection, message: NewMessage, tip: Message | None, newest: int) -> Message | None:
    """The imported message with these words and this time (or like this one none) after `tip`."""
    found = rows(
        db,
        """select id from messages where hash in (?, ?) and source = 'import' and id <= ?
        and said_at = coalesce(?, stored_at) order by id desc limit 1""",
        (
            *history_hashes.both_hashes(db, tip.hash if tip else "", message.role, message.text),
            newest,
            stamp(message.said_at) if message.said_at else None,
        ),
    )
    return get_message(db, found[0][0]) if found else None
