"""
Read logs.db, the SQLite file in which the command line tool `llm` logs its prompts.

    before 0.32   responses (id, prompt, response, system, conversation_id, datetime_utc)
    since 0.32    threads ─ tip ──> messages (hash, parent_hash, role) ──> parts (type, text);  turns: the times

A conversation that was begun before 0.32 and went on after it is one session: its old rows, then what the chain
of messages has beyond them. Messages that two threads share are read in both. System prompts, thoughts, tool calls,
attachments and fragments (files piped into a prompt) are counted and left out. A message's external id is
"llm:<response>:prompt" or ":response", or else "llm:<thread>:<hash>".
Source: https://llm.datasette.io/en/stable/logging.html, "SQL schema" and "The message store". Not confirmed: the
names of the types of parts other than "text".
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from daemon.inbox.formats import not_readable, reader, sqlite_file
from daemon.inbox.formats.reader import Object, Place
from store.chats import NewMessage

_COUNTED = {
    "prompt_attachments": reader.MEDIA,
    "prompt_fragments": reader.FRAGMENTS,
    "tool_calls": reader.TOOLS,
}
_RESPONSE = ("id", "prompt", "response", "system", "conversation_id", "datetime_utc", "reasoning")
_TURN = ("id", "thread_id", "parent_message_hash", "tip_message_hash", "datetime_utc")
_NEW_TABLES = {"threads", "turns", "messages", "parts"}

Sessions = dict[str, list[NewMessage]]


def read(place: Place, data: bytes) -> list[list[NewMessage]]:
    """The sessions of all conversations."""
    try:
        with closing(sqlite_file.open_copy(place, data)) as db:
            tables = sqlite_file.tables(db)
            is_new = tables >= _NEW_TABLES
            if "responses" not in tables and not is_new:
                known = not_readable.name_of_database(tables)
                raise place.broken(known or "it is a SQLite database, but no logs.db of llm")
            threads = _threads(place, db) if is_new else {}
            old = _responses(place, db, tables) if "responses" in tables else {}
    except (sqlite3.Error, OverflowError, MemoryError, UnicodeError) as error:
        why = getattr(error, "sqlite_errorname", "a value in it can't be read")  # its message quotes the file
        raise place.broken(f"the database is damaged ({why})") from error
    return [_joined(old.get(key, []), threads.get(key, [])) for key in {**old, **threads}]


def _responses(place: Place, db: sqlite3.Connection, tables: set[str]) -> Sessions:
    """The sessions of the `responses` table by conversation; rows that are logged as a turn too are not read."""
    turn_rows = sqlite_file.rows(db, "turns", ("id",)) if tables >= _NEW_TABLES else ()
    turns = {place.at("turns").text_in(row, "id") for row in turn_rows}
    found = []
    for row in sqlite_file.rows(db, "responses", _RESPONSE):
        id = place.at("responses").text_in(row, "id")
        if id not in turns:
            here = place.at(f"response {id!r}")
            at = here.at("'datetime_utc'").as_time(row["datetime_utc"])
            found.append((at.isoformat() if at else "", id, here, at, row))
    sessions: Sessions = {}
    for _, id, here, at, row in sorted(found, key=lambda one: one[:2]):
        session = sessions.setdefault(here.text_in(row, "conversation_id") or f"response {id}", [])
        session += _exchange(here, id, row, at)
    for table in _COUNTED.keys() & tables:
        place.leave_out(_COUNTED[table], sum(1 for _ in sqlite_file.rows(db, table, ("response_id",))))
    return sessions


def _exchange(here: Place, id: str, row: Object, at: datetime | None) -> list[NewMessage]:
    """The prompt of one row and its response."""
    here.leave_out(reader.SYSTEM, bool(row["system"]))
    here.leave_out(reader.THOUGHTS, bool(row["reasoning"]))
    found = []
    for role, field in (("user", "prompt"), ("assistant", "response")):
        text = here.text_in(row, field)
        if text.strip():
            own_id = reader.external_id("llm", id, field)
            found.append(NewMessage(role=role, text=text, external_id=own_id, said_at=at))
        else:
            here.leave_out(reader.EMPTY)
    return found


def _threads(place: Place, db: sqlite3.Connection) -> Sessions:
    """The sessions of the message store by thread; a turn without a thread is a session of its own."""
    messages = {
        place.at("messages").text_in(row, "hash"): row
        for row in sqlite_file.rows(db, "messages", ("hash", "parent_hash", "role"))
    }
    parents = {hash: row["parent_hash"] for hash, row in messages.items()}
    parts: dict[object, list[Object]] = {}
    for row in sqlite_file.rows(db, "parts", ("message_hash", "position", "type", "text", "payload")):
        parts.setdefault(row["message_hash"], []).append(row)
    turns: dict[str, list[Object]] = {}
    for row in sqlite_file.rows(db, "turns", _TURN):
        thread = place.at("turns").text_in(row, "thread_id") or f"turn {row['id']}"
        turns.setdefault(thread, []).append(row)
    tips = {
        key: max(group, key=lambda row: str(row["id"]))["tip_message_hash"] for key, group in turns.items()
    }
    for row in sqlite_file.rows(db, "threads", ("id", "tip_message_hash")):
        tips[place.at("threads").text_in(row, "id")] = row["tip_message_hash"]
    sessions: Sessions = {}
    for thread, tip in tips.items():
        here = place.at(f"thread {thread!r}")
        times = _times(here, turns.get(thread, []))
        sessions[thread] = []
        at = None
        for hash in reader.path_to(here, parents, tip):
            at = times.get(hash, at)
            text = _text(here.at(f"message {hash!r}"), parts.get(hash, []))
            role = messages[hash]["role"]
            if role not in ("user", "assistant") or not text.strip():
                is_known = role in ("user", "assistant")
                here.leave_out(
                    reader.SYSTEM if role == "system" else reader.EMPTY if is_known else reader.UNKNOWN
                )
                continue
            own_id = reader.external_id("llm", thread, hash)
            sessions[thread].append(NewMessage(role=role, text=text, external_id=own_id, said_at=at))
    return sessions


def _times(here: Place, turns: Sequence[Object]) -> Mapping[object, datetime]:
    """When the messages at the ends of each turn were said: a prompt and its reply."""
    times: dict[object, datetime] = {}
    for row in sorted(turns, key=lambda row: str(row["id"])):
        at = here.at(f"turn {row['id']!r}").as_time(row["datetime_utc"])
        for hash in (row["parent_message_hash"], row["tip_message_hash"]):
            if at is not None:
                times.setdefault(hash, at)
    return times


def _text(here: Place, parts: Sequence[Object]) -> str:
    """The parts that are text, in their order; the others are counted."""
    texts = []
    for row in sorted(parts, key=lambda row: str(row["position"]).zfill(20)):
        kind = str(row["type"])
        if kind != "text":
            here.leave_out(
                reader.THOUGHTS if "reason" in kind else reader.TOOLS if "tool" in kind else reader.MEDIA
            )
        elif row["text"] is not None:
            texts.append(here.as_text(row["text"]))
        else:
            texts.append(_literals(here, row["payload"]))
    return "\n".join(texts)


def _literals(here: Place, payload: Any) -> str:
    """What was typed around the fragments of a part: {"text_ref": [{"fragment": 1}, {"literal": "..."}]}."""
    try:
        given = json.loads(here.as_text(payload) or "{}")
    except (ValueError, RecursionError):
        here.leave_out(reader.UNKNOWN_PARTS)
        return ""
    texts = []
    for piece in map(here.as_object, here.as_list(here.as_object(given).get("text_ref"))):
        here.leave_out(reader.FRAGMENTS, "fragment" in piece)
        texts.append(here.as_text(piece.get("literal")))
    return "".join(texts).strip()


def _joined(old: Sequence[NewMessage], new: Sequence[NewMessage]) -> list[NewMessage]:
    """What was logged in the old way, and what the new way has beyond it: its chain begins with the same words."""
    same = 0
    while same < min(len(old), len(new)) and _words(old[same]) == _words(new[same]):
        same += 1
    return [*old, *new[same:]]


def _words(message: NewMessage) -> tuple[str, str]:
    return message.role, message.text.strip()
