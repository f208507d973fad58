"""
Past chats, for looking at: which there were, and what was said in one.

Promises: reads only. Knows nothing of who looks.
"""

from dataclasses import dataclass
from datetime import datetime

from store import chats
from store.chats import Message
from store.database import Connection, moment, rows

TITLE = 120  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class PastChat:
    """One chat, in a line."""

    id: int
    title: str  # the beginning of what the user said first and has not forgotten
    source: str  # "api" | "import"
    started_at: datetime  # UTC; of an imported one, as the export tells
    last_at: datetime  # UTC; when the last word in it was said
    n_messages: int


def latest(db: Connection, n: int) -> list[PastChat]:
    """
    The `n` chats that were continued last, the newest first.

    Those in which nobody spoke are left out, and those of which every word was forgotten.
    """
    found = rows(
        db,
        """select id, (select substr(text, 1, ?) from messages where chat_id = chats.id and role = 'user'
            order by redacted, id limit 1) as title, source,
            iif(source = 'import', (select min(said_at) from messages where chat_id = chats.id), started_at),
            iif(source = 'import', (select max(said_at) from messages where chat_id = chats.id), last_stored_at)
                as last_at,
            (select count(*) from messages where chat_id = chats.id)
        from chats where title is not null and exists (select 1 from messages
            where chat_id = chats.id and not redacted and role not in ('system', 'developer'))
        order by last_at desc, id desc limit ?""",
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


def messages(db: Connection, chat_id: int) -> list[Message]:
    """What was said in a chat, down the branch that was continued last; none if there is no such chat."""
    tip = db.execute("select max(id) from messages where chat_id = ?", (chat_id,)).get
    return chats.path(db, tip) if tip is not None else []
