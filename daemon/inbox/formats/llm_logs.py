"""
Read logs.db, the SQLite file in which the command line tool `llm` logs its prompts.

    before 0.32   responses (id, prompt, response, system, conversation_id, datetime_utc)
    since 0.32    threads ─ tip ──> messages (hash, parent_hash, role) ──> parts (type, text);  turns: the times

A conversation that was begun before 0.32 and went on after it is one session: its old rows, then what the chain
of messages has beyond them. System prompts, thoughts, tool calls, attachments and fragments (files piped into a
prompt) are counted and left out. A message's external id is "llm:<response>:prompt" or ":response", or else
"llm:<thread>:<hash>".
Source: https://llm.datasette.io/en/stable/logging.html, "SQL schema" and "The message store".
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from daemon.inbox.errors import BrokenExport
from daemon.inbox.formats import json_fields, llm_messages, sqlite_file
from daemon.inbox.formats.skipped import EMPTY, MEDIA, SYSTEM, THOUGHTS, TOOLS
from store.chats import NewMessage

_COUNTED = {"prompt_attachments": MEDIA, "prompt_fragments": "fragments", "tool_calls": TOOLS}
_COLUMNS = ("id", "prompt", "response", "system", "conversation_id", "datetime_utc", "reasoning")


def read(name: str, data: bytes, left_out: Counter[str]) -> list[list[NewMessage]]:
    """
    The sessions of all conversations.

    Raises:
        BrokenExport: it is no such database, is damaged, or a value in it is of the wrong kind.
    """
    try:
        with closing(sqlite_file.opened(name, data)) as db:
            tables = sqlite_file.tables(db)
            if "responses" not in tables and not llm_messages.TABLES <= tables:
                raise BrokenExport(name, "whole file", "it is a SQLite database, but no logs.db of llm")
            threads = llm_messages.read(name, db, left_out) if llm_messages.TABLES <= tables else {}
            turns = llm_messages.turn_ids(name, db) if llm_messages.TABLES <= tables else set()
            old = _old(name, db, tables, turns, left_out) if "responses" in tables else {}
    except (sqlite3.Error, OverflowError, MemoryError, UnicodeError) as error:
        why = getattr(error, "sqlite_errorname", "a value in it can't be read")  # its message quotes the file
        raise BrokenExport(name, "whole file", f"the database is damaged ({why})") from error
    joined = {key: _joined(old.get(key, []), threads.get(key, [])) for key in [*old, *threads]}
    return list(joined.values())


def _old(
    name: str, db: sqlite3.Connection, tables: set[str], turns: set[str], left_out: Counter[str]
) -> dict[str, list[NewMessage]]:
    """The sessions of the `responses` table by conversation; rows that are logged as a turn too are not read."""
    found = []
    for row in sqlite_file.rows(db, "responses", _COLUMNS):
        id = json_fields.a_text(name, "responses, 'id'", row["id"])
        if id in turns:
            continue
        at = json_fields.a_moment(name, f"response {id!r}, 'datetime_utc'", row["datetime_utc"])
        found.append((at.isoformat() if at else "", id, at, row))
    sessions: dict[str, list[NewMessage]] = {}
    for _, id, at, row in sorted(found, key=lambda one: one[:2]):
        conversation = json_fields.a_text(name, f"response {id!r}, 'conversation_id'", row["conversation_id"])
        session = sessions.setdefault(conversation or f"response {id}", [])
        session += _exchange(name, id, row, at, left_out)
    for table in _COUNTED.keys() & tables:
        left_out[_COUNTED[table]] += sum(1 for _ in sqlite_file.rows(db, table, ("response_id",)))
    return sessions


def _exchange(
    name: str, id: str, row: dict[str, Any], at: datetime | None, left_out: Counter[str]
) -> list[NewMessage]:
    """The prompt of one row and its response."""
    place = f"response {id!r}"
    left_out[SYSTEM] += bool(row["system"])
    left_out[THOUGHTS] += bool(row["reasoning"])
    said = []
    for role, field in (("user", "prompt"), ("assistant", "response")):
        text = json_fields.a_text(name, f"{place}, {field!r}", row[field])
        if text.strip():
            external_id = json_fields.an_id("llm", id, field)
            said.append(NewMessage(role=role, text=text, external_id=external_id, said_at=at))
        else:
            left_out[EMPTY] += 1
    return said


def _joined(old: Sequence[NewMessage], new: Sequence[NewMessage]) -> list[NewMessage]:
    """What was logged in the old way, and what the new way has beyond it: its chain begins with the same words."""
    same = 0
    while same < min(len(old), len(new)) and _words(old[same]) == _words(new[same]):
        same += 1
    return [*old, *new[same:]]


def _words(message: NewMessage) -> tuple[str, str]:
    return message.role, message.text.strip()
