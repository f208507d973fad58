"""
Tombstones: how a forgotten message is known again when a client sends it once more, without its words.

    message ── HMAC(secret of this store, role, words) ──> mark, which stands for the words in the chat's hashes

`tombstones` has the mark of each redacted message (a soft delete: the row stays, its text is gone). A mark tells
nothing to anybody without the store's own random secret.
"""

from collections.abc import Iterable

from store.database import Connection, rows
from store.text import turn_mark


def mark(db: Connection, role: str, text: str) -> str:
    """What stands for a text once it is forgotten; letter case and spacing make no difference."""
    return marks(db, role, [text])[0]


def marks(db: Connection, role: str, texts: Iterable[str]) -> list[str]:
    """The marks of many texts."""
    ((secret,),) = rows(db, "select secret from tombstone_secret")
    return [turn_mark(secret, role, text) for text in texts]


def put(db: Connection, message_id: int, mark: str, *, telling: bool) -> None:
    """
    Keep the mark of a message that is redacted; call it inside the transaction that does so.

    Args:
        telling: the message told it, in words that say something wherever they stand.
    """
    db.execute("insert or replace into tombstones values (?, ?, ?)", (message_id, mark, telling))


def is_told(db: Connection, mark: str) -> bool:
    """Whether a message with this mark said what was forgotten."""
    return bool(rows(db, "select 1 from tombstones where mark = ? and telling limit 1", (mark,)))


def would_be_kept_back(db: Connection, role: str, text: str, parent_id: int | None) -> bool:
    """Whether of a message that was said before only "[forgotten]" would be stored: it told it, or answers what did."""
    sql = "select 1 from messages where id = ? and redacted"
    is_answer = role == "assistant" and parent_id is not None and bool(rows(db, sql, (parent_id,)))
    return is_answer or is_told(db, mark(db, role, text))
