"""
Reading the messages, for people who look at past chats and for recall and observing.

Each question is answered from an index, however many messages there are.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from store import chats
from store.chats import Message
from store.database import Connection, id_list, moment, rows

TITLE = 120  # characters
ATTACHED = '\n\n<file name="'  # begins a file that came along with a question (daemon/text.py)
_NEAR = """    with recursive up (id, steps) as (
        select value, 0 from json_each(?) union
        select parent_id, steps + 1 from messages join up using (id) where parent_id is not null and steps < 2),
    down (id, steps) as (
        select value, 0 from json_each(?) union
        select messages.id, steps + 1 from messages join down on parent_id = down.id where steps < 2)
    select id from up union select id from down"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSummary:
    """One chat, in a line."""

    id: int
    title: str  # of its label, or the beginning of what the user said first and has not forgotten
    title_by: str | None  # "user" | "import" | "model"; None: it is what was said first
    pinned: bool
    source: str  # "api" | "import"
    started_at: datetime  # UTC; of an imported one, as the export tells
    last_at: datetime  # UTC; when the last word in it was said
    n_messages: int
    n_branches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One way in which a chat was continued; two that part after an edit, or another answer."""

    last: int  # its last message
    text: str  # the beginning of the first message that only it holds
    last_at: datetime  # UTC; when the last word in it was said


class Said(NamedTuple):
    """Who said a message, where, when and how."""

    id: int
    chat_id: int
    role: str
    speaker: str
    said_at: str
    asks: int  # 1: a question mark stands in it


def latest_chats(
    db: Connection, n: int, *, skip: int = 0, among: Collection[int] | None = None
) -> list[ChatSummary]:
    """
    The `n` chats that were continued last, the pinned ones first, then the newest, after the first `skip` of them.

    Those in which nobody spoke are left out, and those of which every word was forgotten. `among`: of these alone.
    """
    found = rows(
        db,
        """with page (id, last_at) as materialized (
            select id, iif(source = 'import', (select max(said_at) from messages where chat_id = chats.id),
                last_stored_at) as last_at
            from chats left join chat_labels on chat_labels.chat_id = chats.id
            where (?2 is null or id in (select value from json_each(?2))) and exists (select 1 from messages
                where chat_id = chats.id and not redacted and role not in ('system', 'developer'))
            order by coalesce(pinned, 0) desc, last_at desc, id desc limit ?3 offset ?4)
        select id, coalesce(title, (select substr(text, 1, ?1) from messages where chat_id = chats.id
            and role not in ('system', 'developer') order by role <> 'user', redacted, id limit 1)),
            iif(title is null, null, title_by), coalesce(pinned, 0), source,
            iif(source = 'import', (select min(said_at) from messages where chat_id = chats.id), started_at),
            last_at,
            (select count(*) from messages where chat_id = chats.id),
            (select count(*) from messages m where chat_id = chats.id
                and not exists (select 1 from messages where parent_id = m.id))
        from page join chats using (id) left join chat_labels on chat_labels.chat_id = chats.id
        order by coalesce(pinned, 0) desc, last_at desc, id desc""",
        (TITLE, None if among is None else id_list(among), n, skip),
    )
    return [
        ChatSummary(
            id=id,
            title=" ".join(title.partition(ATTACHED)[0].split()),
            title_by=title_by,
            pinned=bool(pinned),
            source=source,
            started_at=moment(started_at),
            last_at=moment(last_at),
            n_messages=n_messages,
            n_branches=n_branches,
        )
        for id, title, title_by, pinned, source, started_at, last_at, n_messages, n_branches in found
    ]


def title(db: Connection, chat_id: int) -> str:
    """What a chat is called; "" where it is not listed."""
    found = latest_chats(db, 1, among=[chat_id])
    return found[0].title if found else ""


def branch(db: Connection, chat_id: int, through: int | None = None) -> list[Message]:
    """
    What was said in a chat, down the branch that was continued last, of those `through` this message.

    None if there is no such chat, or no such message in it.
    """
    sql = """with recursive down (at) as (select ?2 union all select id from messages join down on parent_id = at)
        select max(id) from messages where chat_id = ?1 and (?2 is null or id in (select at from down))"""
    last = db.execute(sql, (chat_id, through)).get
    return chats.path(db, last) if last is not None else []


def siblings(db: Connection, chat_id: int) -> dict[int, list[int]]:
    """Per message of a chat, itself and those that stand in its place on other branches, where there are any."""
    beside: dict[int | None, list[int]] = {}
    for id, parent in rows(
        db, "select id, parent_id from messages where chat_id = ? order by id", (chat_id,)
    ):
        beside.setdefault(parent, []).append(id)
    return {id: ids for ids in beside.values() if len(ids) > 1 for id in ids}


def of_chat(db: Connection, chat_id: int) -> list[Message]:
    """Every message of a chat, on all branches, oldest first."""
    ids = rows(db, "select id from messages where chat_id = ? order by id", (chat_id,))
    return [chats.get(db, id) for (id,) in ids]


def branches(db: Connection, chat_id: int) -> list[Branch]:
    """All branches of a chat, the one that was continued last first."""
    sql = "select id, parent_id, said_at from messages where chat_id = ? order by id desc"
    found = rows(db, sql, (chat_id,))
    parents: dict[int, int | None] = {id: parent for id, parent, _ in found}
    said_at = {id: at for id, _, at in found}
    following = Counter(parents.values())
    ends = [id for id in parents if not following[id]]
    begins = {end: _begin(end, parents, following) for end in ends}
    sql = "select id, substr(text, 1, ?) from messages where id in (select value from json_each(?))"
    words = dict(rows(db, sql, (TITLE, id_list(begins.values()))))
    return [
        Branch(last=end, text=" ".join(words[begins[end]].split()), last_at=moment(said_at[end]))
        for end in ends
    ]


def _begin(end: int, parents: Mapping[int, int | None], following: Mapping[int | None, int]) -> int:
    """The first message that only the branch to `end` holds."""
    at = end
    while (parent := parents[at]) is not None and following[parent] == 1:
        at = parent
    return at


def observer_marks(db: Connection) -> Counter[str]:
    """How many parts, each of one chat and one day (UTC), carry each mark."""
    sql = """select observed_by, count(distinct chat_id || ' ' || substr(said_at, 1, 10)) from messages
        where observed_by is not null and not redacted group by observed_by"""
    return Counter(dict(rows(db, sql)))


def speakers(db: Connection) -> list[str]:
    """Everyone who speaks in what is stored, by the names of the exports, in the order of the alphabet."""
    sql = """with recursive names (name) as (
            select min(speaker) from messages where speaker <> ''
            union all select (select min(speaker) from messages where speaker > name and speaker <> '')
                from names where name is not null)
        select name from names where name is not null"""
    return [name for (name,) in rows(db, sql)]


def spoken(db: Connection, ids: Iterable[int]) -> dict[int, str]:
    """These messages as they are embedded: "speaker: text", or the text of one without a speaker."""
    sql = "select id, speaker, text from messages where id in (select value from json_each(?)) order by id"
    return {id: f"{who}: {text}" if who else text for id, who, text in rows(db, sql, (id_list(ids),))}


def said(db: Connection, ids: Iterable[int]) -> list[Said]:
    """Who said these messages, in the order of their ids."""
    sql = """select id, chat_id, role, speaker, said_at, instr(text, '?') or instr(text, '？') or instr(text, '؟')
        from messages where id in (select value from json_each(?)) order by id"""
    return [Said(*row) for row in rows(db, sql, (id_list(ids),))]


def surroundings(db: Connection, ids: Iterable[int]) -> npt.NDArray[np.int64]:
    """
    These messages and those up to two before and after each, in the order of their ids.

    Of each, a row: its id, that of the message before it (0: none), the bytes of its text in UTF-8; (N, 3).
    """
    sql = f"""select id, coalesce(parent_id, 0), octet_length(text) from messages where id in ({_NEAR}) order by id"""
    given = id_list(ids)
    return np.array(rows(db, sql, (given, given)), dtype=np.int64).reshape(-1, 3)


def typed_texts(db: Connection, n: int) -> list[str]:
    """The last `n` texts that the user typed, not those of an import, oldest first; each once, where it is newest."""
    sql = """select text from messages where role = 'user' and source = 'api' and not redacted and trim(text) <> ''
        order by id desc limit ?"""
    return list(dict.fromkeys(text for (text,) in rows(db, sql, (n,))))[::-1]


def not_spoken(db: Connection, first: int, last: int) -> list[tuple[int, str]]:
    """
    Ids and texts of what neither a user nor an assistant said: system turns, results of tools.

    Args:
        first, last: numbers of messages; no index knows which these are, so look at some thousands at a time.
    """
    sql = """select id, text from messages
        where id between ? and ? and role not in ('user', 'assistant') and not redacted"""
    return rows(db, sql, (first, last))


def with_memories(db: Connection, message_ids: Collection[int]) -> set[int]:
    """Those of these messages that a memory was drawn from, or an operation on one."""
    sql = """select message_id from memory_sources where message_id in (select value from json_each(?1))
        union select message_id from event_sources where message_id in (select value from json_each(?1))"""
    return {id for (id,) in rows(db, sql, (id_list(message_ids),))}


def not_forgotten(db: Connection, message_ids: Collection[int]) -> set[int]:
    """Those of these messages that were not forgotten."""
    sql = "select id from messages where not redacted and id in (select value from json_each(?))"
    return {id for (id,) in rows(db, sql, (id_list(message_ids),))}
