"""
The message store in a logs.db of `llm` 0.32 and later: threads that point to the end of a chain of messages.

Promises: messages that two threads share are read in both. Knows nothing of the older tables.
Not confirmed: the names of the types of parts other than "text".
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from daemon.inbox.formats import branches, json_fields, sqlite_file
from daemon.inbox.formats.skipped import EMPTY, MEDIA, SYSTEM, THOUGHTS, TOOLS, UNKNOWN
from store.chats import NewMessage

TABLES = {"threads", "turns", "messages", "parts"}
_TURN = ("id", "thread_id", "parent_message_hash", "tip_message_hash", "datetime_utc")

Rows = Sequence[Mapping[str, Any]]


def turn_ids(name: str, db: sqlite3.Connection) -> set[str]:
    """The ids of all turns; they are of the same kind as those of the older responses."""
    return {
        json_fields.a_text(name, "turns, 'id'", row["id"]) for row in sqlite_file.rows(db, "turns", ("id",))
    }


def read(name: str, db: sqlite3.Connection, left_out: Counter[str]) -> dict[str, list[NewMessage]]:
    """The sessions by thread; a turn without a thread is a session of its own."""
    messages = {
        json_fields.a_text(name, "messages, 'hash'", row["hash"]): row
        for row in sqlite_file.rows(db, "messages", ("hash", "parent_hash", "role"))
    }
    parents = {hash: row["parent_hash"] for hash, row in messages.items()}
    parts: dict[object, list[dict[str, Any]]] = {}
    for row in sqlite_file.rows(db, "parts", ("message_hash", "position", "type", "text", "payload")):
        parts.setdefault(row["message_hash"], []).append(row)
    turns: dict[str, list[dict[str, Any]]] = {}
    for row in sqlite_file.rows(db, "turns", _TURN):
        thread = json_fields.a_text(name, "turns, 'thread_id'", row["thread_id"]) or f"turn {row['id']}"
        turns.setdefault(thread, []).append(row)
    tips = {
        key: max(group, key=lambda row: str(row["id"]))["tip_message_hash"] for key, group in turns.items()
    }
    for row in sqlite_file.rows(db, "threads", ("id", "tip_message_hash")):
        tips[json_fields.a_text(name, "threads, 'id'", row["id"])] = row["tip_message_hash"]
    sessions: dict[str, list[NewMessage]] = {}
    for thread, tip in tips.items():
        place = f"thread {thread!r}"
        times = _times(name, place, turns.get(thread, []))
        sessions[thread] = []
        at = None
        for hash in branches.path_to(name, place, parents, tip):
            at = times.get(hash, at)
            text = _text(name, f"{place}, message {hash!r}", parts.get(hash, []), left_out)
            external_id = json_fields.an_id("llm", thread, hash)
            sessions[thread] += _turn(messages[hash]["role"], text, external_id, at, left_out)
    return sessions


def _times(name: str, place: str, turns: Rows) -> dict[object, datetime]:
    """When the messages at the ends of each turn were said: a prompt and its reply."""
    times: dict[object, datetime] = {}
    for row in sorted(turns, key=lambda row: str(row["id"])):
        at = json_fields.a_moment(name, f"{place}, turn {row['id']!r}", row["datetime_utc"])
        for hash in (row["parent_message_hash"], row["tip_message_hash"]):
            if at is not None:
                times.setdefault(hash, at)
    return times


def _turn(
    role: object, text: str, external_id: str | None, at: datetime | None, left_out: Counter[str]
) -> list[NewMessage]:
    if role not in ("user", "assistant") or not text.strip():
        left_out[SYSTEM if role == "system" else UNKNOWN if role not in ("user", "assistant") else EMPTY] += 1
        return []
    return [NewMessage(role=str(role), text=text, external_id=external_id, said_at=at)]


def _text(name: str, place: str, parts: Rows, left_out: Counter[str]) -> str:
    """The parts that are text, in their order; the others are counted."""
    said = []
    for row in sorted(parts, key=lambda row: str(row["position"]).zfill(20)):
        kind = str(row["type"])
        if kind != "text":
            left_out[THOUGHTS if "reason" in kind else TOOLS if "tool" in kind else MEDIA] += 1
        elif row["text"] is not None:
            said.append(json_fields.a_text(name, place, row["text"]))
        else:
            said.append(_literals(name, place, row["payload"], left_out))
    return "\n".join(said)


def _literals(name: str, place: str, payload: object, left_out: Counter[str]) -> str:
    """What was typed around the fragments of a part: {"text_ref": [{"fragment": 1}, {"literal": "..."}]}."""
    try:
        given = json.loads(json_fields.a_text(name, place, payload) or "{}")
    except (ValueError, RecursionError):
        left_out["parts of an unknown kind"] += 1
        return ""
    said = []
    for one in json_fields.a_list(name, place, json_fields.an_object(name, place, given).get("text_ref")):
        piece = json_fields.an_object(name, place, one)
        left_out["fragments"] += "fragment" in piece
        said.append(json_fields.a_text(name, place, piece.get("literal")))
    return "".join(said).strip()
