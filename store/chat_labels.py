"""
Labels of chats: a title, by whoever gave one, and whether the chat stays on top of the list.

A chat without a title is called by the beginning of what was said first. Titles may tell what was said, so they go with
what is forgotten. `changes` tells whoever shows chats that there is something new.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from store.database import Connection, id_list, rows, stamp, writing
from store.errors import not_found
from store.text import one_line, storable

LONGEST_TITLE = 120  # characters
USER, MODEL, IMPORT = "user", "model", "import"  # who gives titles
_IN = "in (select value from json_each(?))"


def rename(db: Connection, chat_id: int, title: str, *, by: str = USER) -> None:
    """
    Give a chat a title; "" takes the user's away, and has none made again. What the user called it, others leave.

    Raises:
        NotFound: there is no such chat.
    """
    words = one_line(storable(title)).strip()[:LONGEST_TITLE]
    with writing(db):
        _check(db, chat_id)
        db.execute(
            """insert into chat_labels (chat_id, title, title_by) values (?1, ?2, ?3)
            on conflict do update set title = ?2, title_by = ?3 where ?4 or title_by is null""",
            (chat_id, words or None, by if words or by == MODEL else None, by == USER),
        )


def pin(db: Connection, chat_id: int, on: bool) -> None:
    """Keep a chat on top of the list, or no longer. Raises `NotFound`."""
    with writing(db):
        _check(db, chat_id)
        db.execute(
            """insert into chat_labels (chat_id, pinned) values (?1, ?2)
            on conflict do update set pinned = ?2""",
            (chat_id, on),
        )


def put(db: Connection, chat_id: int, title: str | None, *, by: str | None, pinned: bool) -> None:
    """Give a chat that has no label one that it had elsewhere."""
    if title is None and not pinned:
        return
    words = one_line(storable(title or "")).strip()[:LONGEST_TITLE]
    by = by if words and by in (USER, MODEL, IMPORT) else None
    with writing(db):
        sql = "insert or ignore into chat_labels (chat_id, title, title_by, pinned) values (?, ?, ?, ?)"
        db.execute(sql, (chat_id, words if by else None, by, pinned))


def with_words(db: Connection, words: Sequence[str], n: int) -> list[int]:
    """Up to `n` chats whose titles have all of `words`, also within other words, the newest first."""
    titles = rows(db, "select chat_id, title from chat_labels where title is not null order by chat_id desc")
    wanted = [word.casefold() for word in words]
    return [id for id, title in titles if all(word in title.casefold() for word in wanted)][:n]


def untitled(db: Connection, *, before: datetime, n: int) -> list[int]:
    """
    Up to `n` chats, the newest first, that nobody gave a title yet, with an answer, quiet since `before`.

    Those of which something was forgotten are left out, and imported ones.
    """
    found = rows(
        db,
        """select id from chats where source = 'api' and last_stored_at < ?
            and not exists (select 1 from chat_labels where chat_id = chats.id and title_by is not null)
            and exists (select 1 from messages where chat_id = chats.id and role = 'assistant')
            and not exists (select 1 from messages where chat_id = chats.id and redacted)
        order by id desc limit ?""",
        (stamp(before), n),
    )
    return [id for (id,) in found]


def changes(db: Connection) -> str:
    """What is another text as soon as a message was stored or forgotten, a label changed, or something was noted."""
    sql = """select (select coalesce(max(id), 0) from messages), (select coalesce(max(id), 0) from events), n
        from chat_changes"""
    return ".".join(map(str, rows(db, sql)[0]))


def drop(db: Connection, redacted: Sequence[int], quotes: Collection[str] = ()) -> None:
    """
    Take away the titles of chats of which these messages were forgotten, and those that quote what was.

    Call it inside the transaction that forgets. `quotes`: in small letters.
    """
    of_these = f"select chat_id from messages where id {_IN}"
    db.execute(
        f"update chat_labels set title = null, title_by = null where title is not null and chat_id in ({of_these})",
        (id_list(redacted),),
    )
    titles = "select chat_id, title from chat_labels where title is not null"
    for chat_id, title in rows(db, titles) if quotes else ():
        if any(quote in title.lower() for quote in quotes):
            db.execute("update chat_labels set title = null, title_by = null where chat_id = ?", (chat_id,))


def _check(db: Connection, chat_id: int) -> None:
    if not rows(db, "select 1 from chats where id = ?", (chat_id,)):
        raise not_found("chat", chat_id)
