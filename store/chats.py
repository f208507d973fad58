"""
Chats: every message once, in content-hashed chains, so that a history sent again adds nothing.

    hi ── hello ── I live in Ghent ── noted       hash = sha256(hash of the history before it, role, text)
              `─── I live in Oslo ── noted        an edited message: a fork

A forgotten message has its mark (`tombstones.py`) for a text in that hash, so its history is still found by its words.
What `record` and `reply` return is on the disk; nothing is changed or deleted here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from store import full_text, known_chats, tombstones
from store.database import Connection, id_list, moment, rows, stamp, writing
from store.errors import StoreError, not_found
from store.text import one_line, storable

ANSWERED = "resp_"  # the names of answers begin with it, by which the Responses API finds them again
FORGOTTEN = "[forgotten]"  # the text of a redacted message
RETRY_WINDOW = timedelta(minutes=10)
TELLING = 24  # characters of a first message: of so many, nobody begins two chats within minutes
LONGEST_NAME = 100  # characters of a speaker's name
_PRELUDE = ("system", "developer")  # roles that a client puts before the first word of the user
_COLUMNS = (
    "id, chat_id, parent_id, role, speaker, text, said_at, source, external_id, observed_by, hash, model"
)
_NEW = "instr(coalesce(observed_by, '') || ' ', ? || ' ') <> 1"  # to that version of the observer


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message as a client or an export gives it."""

    role: str
    text: str
    speaker: str = ""
    external_id: str | None = None  # its name in the export, e.g. "conv-30:D3:7"
    said_at: datetime | None = None  # None: when it is recorded
    chat_title: str = ""  # of the first in an export: what the export calls the chat


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: a row of `messages`."""

    id: int
    chat_id: int
    parent_id: int | None
    role: str
    speaker: str
    text: str
    said_at: datetime  # UTC
    source: str  # "api" | "import"
    external_id: str | None
    observed_by: str | None  # version of the observer that has read it; behind a space, what came of that
    hash: str
    model: str | None = None  # what wrote a reply


def record(
    db: Connection,
    history: Sequence[NewMessage],
    *,
    at: datetime,
    source: str = "api",
    retry: bool = False,
) -> list[Message]:
    """
    Store what is new in a history that a client sent whole; the messages of all of it, oldest first.

    System turns are no part of a chat, and are not stored, unless there is nothing else. A history with one message of
    the user, and nothing behind it, starts a new chat, unless `retry` is set or the same one was stored within ten
    minutes and has no answer yet, or says enough to be known by: then it is asked again. A longer one continues the
    chat with the longest run of its turns (`known_chats.py`), a newest one that ends there before one that goes on;
    what differs is a fork. What was forgotten is kept as "[forgotten]" when a client sends it again as part of what
    was said before.

    Args:
        at: now; also `said_at` of messages that don't say when they were said.

    Raises:
        StoreError: there is no message.
    """
    if not history:
        raise StoreError("Can't record a chat without messages: send at least one.")
    history = [clean(message) for message in history]
    if any(message.role not in _PRELUDE for message in history):
        history = [message for message in history if message.role not in _PRELUDE]
    with writing(db):
        known, tip = _known(db, history, at, retry)
        chat_id = tip.chat_id if tip else start_chat(db, source, at)
        for message in history[known:]:
            is_new = message is history[-1]  # said now: a forgotten fact may be told again
            tip = insert(db, message, chat_id=chat_id, parent=tip, at=at, source=source, is_new=is_new)
    assert tip is not None
    return path(db, tip.id)


def reply(
    db: Connection, parent: Message, text: str, *, at: datetime, model: str, external_id: str | None = None
) -> Message:
    """
    Store the assistant's turn after `parent`; the same text again is the same message.

    If `parent` was forgotten while the model was speaking, only "[forgotten]" is kept.

    Args:
        external_id: begins with `ANSWERED`; of the same text again, the newest counts.

    Raises:
        NotFound: `parent` is not stored.
    """
    with writing(db):
        before = get(db, parent.id)
        new = clean(NewMessage(role="assistant", text=text, external_id=external_id))
        for row in rows(
            db,
            f"select {_COLUMNS} from messages where parent_id = ? and hash in (?, ?)",
            (before.id, *both_hashes(db, before.hash, new.role, new.text)),
        ):
            found = _message(row)
            if external_id is not None and (found.external_id or ANSWERED).startswith(ANSWERED):
                rename(db, found.id, external_id)
            return found
        chat_id, source = before.chat_id, before.source
        return insert(db, new, chat_id=chat_id, parent=before, at=at, source=source, model=model, is_new=True)


def path(db: Connection, message_id: int) -> list[Message]:
    """The messages from the first of the chat to this one; raises `NotFound`."""
    found = rows(
        db,
        f"""with recursive up (at) as (select ? union all select parent_id from messages join up on id = at)
        select {_COLUMNS} from messages where id in (select at from up) order by id""",
        (message_id,),
    )
    if not found:
        raise not_found("message", message_id)
    return [_message(row) for row in found]


def quiet(
    db: Connection, *, before: datetime, version: str, now: datetime | None = None, again: str = ""
) -> list[list[Message]]:
    """
    Per chat, the messages that the observer `version` has not read, of chats to which nothing was added since
    `before`.

    The clock is that of storing, not `said_at`, so an import of old chats is new; what lies after `now` is quiet,
    for the clock was set back since. Forgotten messages are left out; those marked `again` count as not read.
    """
    found = rows(
        db,
        f"""select {_COLUMNS} from messages
        where not redacted and (observed_by is ? or {_NEW})
        and chat_id in (select id from chats where last_stored_at < ? or last_stored_at > ?)
        order by chat_id, id""",
        (again or None, version, stamp(before), stamp(now) if now else "~"),
    )
    by_chat: dict[int, list[Message]] = {}
    for message in map(_message, found):
        by_chat.setdefault(message.chat_id, []).append(message)
    return list(by_chat.values())


def count_unread(db: Connection, version: str) -> int:
    """How many chats, quiet or not, have messages that the observer `version` never tried to read."""
    sql = f"select count(distinct chat_id) from messages where not redacted and {_NEW}"
    return int(db.execute(sql, (version,)).get)


def mark_observed(db: Connection, message_ids: Sequence[int], version: str) -> None:
    """Note that the observer `version` has read these messages."""
    sql = "update messages set observed_by = ? where id in (select value from json_each(?))"
    with writing(db):
        db.execute(sql, (version, id_list(message_ids)))


def by_external_id(db: Connection, external_id: str) -> Message | None:
    """The message that an export, or a client's API, calls `external_id`, if there is one."""
    found = rows(db, f"select {_COLUMNS} from messages where external_id = ?", (external_id,))
    return _message(found[0]) if found else None


def rename(db: Connection, message_id: int, external_id: str | None) -> None:
    """Give a message another name, or none."""
    with writing(db):
        db.execute("update messages set external_id = ? where id = ?", (external_id, message_id))


def get(db: Connection, message_id: int) -> Message:
    """The message with this id; raises `NotFound`."""
    found = rows(db, f"select {_COLUMNS} from messages where id = ?", (message_id,))
    if not found:
        raise not_found("message", message_id)
    return _message(found[0])


def count(db: Connection) -> int:
    """How many messages are stored."""
    return int(rows(db, "select count(*) from messages")[0][0])


def start_chat(db: Connection, source: str, at: datetime) -> int:
    """A new chat's id; call it inside a transaction."""
    db.execute(
        "insert into chats (source, started_at, last_stored_at) values (?, ?, ?)",
        (source, stamp(at), stamp(at)),
    )
    return db.last_insert_rowid()


def insert(
    db: Connection,
    message: NewMessage,
    *,
    chat_id: int,
    parent: Message | None,
    at: datetime,
    source: str,
    model: str | None = None,
    is_new: bool = False,
    index: bool = True,
) -> Message:
    """
    Store one clean message after `parent`, and `index` its words; call it inside a transaction.

    Of a reply to a forgotten message, and of what told it unless it `is_new`, only "[forgotten]" is kept.
    """
    mark = tombstones.mark(db, message.role, message.text)
    to_forgotten = parent is not None and message.role == "assistant" and _is_redacted(db, parent.id)
    redacted = to_forgotten or (not is_new and tombstones.is_told(db, mark))
    new = Message(
        id=0,
        chat_id=chat_id,
        parent_id=parent.id if parent else None,
        role=message.role,
        speaker=message.speaker,
        text=FORGOTTEN if redacted else message.text,
        said_at=message.said_at or at,
        source=source,
        external_id=message.external_id,
        observed_by=None,
        hash=chain_hash(parent.hash if parent else "", message.role, mark if redacted else message.text),
        model=model,
    )
    stored = _store(db, new, at, mark, redacted=redacted)
    if redacted:
        tombstones.put(db, stored.id, mark, telling=False)
    elif index:
        full_text.refresh_messages(db, [stored.id])
    return stored


def clean(message: NewMessage) -> NewMessage:
    """`message` as the file can hold it."""
    return NewMessage(
        role=storable(message.role),
        text=storable(message.text),
        speaker=one_line(message.speaker)[:LONGEST_NAME],
        external_id=None if message.external_id is None else storable(message.external_id),
        said_at=message.said_at,
        chat_title=storable(message.chat_title),
    )


def chain_hash(before: str, role: str, text: str) -> str:
    """
    The hash of a history: of the history `before` its last message ("" at the beginning), and of that
    message; a forgotten one has its mark for a text.
    """
    return hashlib.sha256(f"{before}\n{len(role)}\n{role}\n{text}".encode()).hexdigest()


def both_hashes(db: Connection, before: str, role: str, text: str) -> tuple[str, str]:
    """The hash with this message as it is, and the one once it is forgotten."""
    return chain_hash(before, role, text), chain_hash(before, role, tombstones.mark(db, role, text))


def _known(
    db: Connection, history: Sequence[NewMessage], at: datetime, retry: bool
) -> tuple[int, Message | None]:
    """How many messages of `history` are stored already, or were left out, and the last of them."""
    turns = [(message.role, message.text) for message in history]
    found = known_chats.find(db, turns)
    if found is None:
        return 0, None
    found = known_chats.follow(db, found, turns)
    tip = get(db, found.message_id)
    roles = [role for role, _ in turns]
    if roles.count("user") > 1 or (roles[-1] != "user" and "user" in roles):
        return found.end, tip
    is_again = found.end == len(turns) and (retry or _is_asked_again(db, tip, at))
    return (found.end, tip) if is_again else (0, None)


def _is_asked_again(db: Connection, message: Message, at: datetime) -> bool:
    """Whether the first message of a chat is sent once more: it was sent just now, and is no mere greeting."""
    sql = """select exists (select 1 from messages where parent_id = m.id) from messages m
        where id = ? and stored_at >= ?"""
    answered = db.execute(sql, (message.id, stamp(at - RETRY_WINDOW))).get
    return answered is not None and (not answered or len(message.text) >= TELLING)


def _is_redacted(db: Connection, message_id: int) -> bool:
    return bool(db.execute("select redacted from messages where id = ?", (message_id,)).get)


def _store(db: Connection, new: Message, at: datetime, mark: str, *, redacted: bool) -> Message:
    db.execute(
        """insert into messages (chat_id, parent_id, role, speaker, text, said_at, stored_at, source,
        external_id, hash, model, redacted, mark) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (new.chat_id, new.parent_id, new.role, new.speaker, new.text, stamp(new.said_at), stamp(at))
        + (new.source, new.external_id, new.hash, new.model, redacted, mark),
    )
    stored = get(db, db.last_insert_rowid())
    db.execute(
        "update chats set last_stored_at = max(last_stored_at, ?) where id = ?", (stamp(at), new.chat_id)
    )
    return stored


def _message(row: tuple[Any, ...]) -> Message:
    fields = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return Message(**fields | {"said_at": moment(fields["said_at"])})
