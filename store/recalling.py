"""
Recalling: what recall and observing ask of the messages, beside searching them.

Promises: nothing is written; each question is answered from an index, however many messages there are.
Knows nothing of what a good answer is.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from store.database import Connection, id_list, rows


@dataclass(frozen=True, slots=True)
class Said:
    """One message, with what was said before it."""

    id: int
    chat_id: int
    speaker: str
    text: str
    said_at: str
    before: str  # the text of the message before it; "" for the first


def people(db: Connection) -> list[str]:
    """Everyone who speaks in what is held, by the names of the exports, in the order of the alphabet."""
    sql = """with recursive names (name) as (
            select min(speaker) from messages where speaker <> ''
            union all select (select min(speaker) from messages where speaker > name and speaker <> '')
                from names where name is not null)
        select name from names where name is not null"""
    return [name for (name,) in rows(db, sql)]


def messages(db: Connection, ids: Iterable[int]) -> list[Said]:
    """These messages, in the order of their ids."""
    sql = """select m.id, m.chat_id, m.speaker, m.text, m.said_at, coalesce(parent.text, '') from messages m
        left join messages parent on parent.id = m.parent_id
        where m.id in (select value from json_each(?)) order by m.id"""
    return [Said(*row) for row in rows(db, sql, (id_list(ids),))]


def typed(db: Connection, n: int) -> list[str]:
    """The last `n` texts that the user typed, not those of an import, oldest first; each once, where it is newest."""
    sql = """select text from messages where role = 'user' and source = 'api' and not redacted and trim(text) <> ''
        order by id desc limit ?"""
    return list(dict.fromkeys(text for (text,) in rows(db, sql, (n,))))[::-1]


def remembered(db: Connection, message_ids: Collection[int]) -> set[int]:
    """Those of these messages that a memory was drawn from, or an operation on one."""
    sql = """select message_id from memory_sources where message_id in (select value from json_each(?1))
        union select message_id from event_sources where message_id in (select value from json_each(?1))"""
    return {id for (id,) in rows(db, sql, (id_list(message_ids),))}


def still_said(db: Connection, message_ids: Collection[int]) -> set[int]:
    """Those of these messages that were not forgotten."""
    sql = "select id from messages where not redacted and id in (select value from json_each(?))"
    return {id for (id,) in rows(db, sql, (id_list(message_ids),))}
