"""
Past chats, for looking at: which there were, and what was said in one.

Promises: reads only. Knows nothing of who looks.
"""

from dataclasses import dataclass
from datetime import datetime

import apsw

from store import chats
from store.chats import Message
from store.database import moment, rows

TITLE = 120  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class PastChat:
    """One chat, in a line."""

    id: int
    title: str  # the beginning of what the user said first
    source: str  # "api" | "import"
    started_at: datetime  # UTC
    last_at: datetime  # UTC; when its newest message was stored
    n_messages: int


def latest(db: apsw.Connection, n: int) -> list[PastChat]:
    """The `n` chats that were continued last, the newest first; those in which nobody spoke are left out."""
    found = rows(
        db,
        """select id, (select substr(text, 1, ?) from messages where chat_id = chats.id and role = 'user'
            order by id limit 1) as title, source, started_at, last_stored_at,
            (select count(*) from messages where chat_id = chats.id)
        from chats where title is not null order by last_stored_at desc, id desc limit ?""",
        (TITLE, n),
    )
    return [
        PastChat(
            id=id,
            title=" ".join(title.split()),
            source=source,
            started_at=moment(started_at),
            last_at=moment(last_at),
            n_messages=n_messages,
        )
        for id, title, source, started_at, last_at, n_messages in found
    ]


def messages(db: apsw.Connection, chat_id: int) -> list[Message]:
    """What was said in a chat, down the branch that was continued last; none if there is no such chat."""
    tip = db.execute("select max(id) from messages where chat_id = ?", (chat_id,)).get
    return chats.path(db, tip) if tip is not None else []
