"""
Imports: dropped exports go in whole or not at all, and once.

Promises: a file that was imported adds nothing the second time; a longer export of the same chats adds only
what is new.
Knows nothing of export formats, folders or files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import apsw

from store.chats import Message, NewMessage, by_external_id, clean, insert, start_chat
from store.database import rows, stamp, storable, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What one import added."""

    id: int
    sessions: int  # chats that gained a message
    turns: int  # messages stored
    skipped: int  # messages that were there already


def is_imported(db: apsw.Connection, digest: str) -> bool:
    """Whether a file with this digest (sha256, hexadecimal) went in."""
    return bool(rows(db, "select 1 from imports where digest = ?", (digest,)))


def record_import(
    db: apsw.Connection, digest: str, name: str, messages: Sequence[Sequence[NewMessage]], at: datetime
) -> ImportReport:
    """
    Store the chats of one export in one transaction; messages whose external id is known are skipped.

    Args:
        digest: sha256 of the file, hexadecimal. One that is known adds nothing.
        messages: one list per session; each new session becomes a chat.
        at: now.
    """
    with writing(db):
        for (import_id,) in rows(db, "select id from imports where digest = ?", (digest,)):
            return ImportReport(id=import_id, sessions=0, turns=0, skipped=sum(map(len, messages)))
        added = [_add_session(db, session, at) for session in messages]
        stored = [message_id for session in added for message_id in session]
        skipped = sum(map(len, messages)) - len(stored)
        sessions = sum(bool(session) for session in added)
        db.execute(
            "insert into imports (digest, name, sessions, turns, skipped, at) values (?, ?, ?, ?, ?, ?)",
            (digest, storable(name), sessions, len(stored), skipped, stamp(at)),
        )
        import_id = db.last_insert_rowid()
        db.executemany("insert into import_messages values (?, ?)", [(import_id, id) for id in stored])
    return ImportReport(id=import_id, sessions=sessions, turns=len(stored), skipped=skipped)


def _add_session(db: apsw.Connection, session: Sequence[NewMessage], at: datetime) -> list[int]:
    """Store what is new of one session, in the chat of the messages already known; the ids stored."""
    tip: Message | None = None
    added = []
    for message in map(clean, session):
        known = by_external_id(db, message.external_id) if message.external_id is not None else None
        if known is None:
            chat_id = tip.chat_id if tip else start_chat(db, "import", at)
            known = insert(db, message, chat_id=chat_id, parent=tip, at=at, source="import")
            added.append(known.id)
        tip = known
    return added
