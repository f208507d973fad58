"""
Read a thread of Jan: the messages.jsonl of its folder, or a ZIP of the threads folder.

    {"object": "thread.message", "id": ..., "thread_id": ..., "role": "user", "created_at": 1751012639307,
     "content": [{"type": "text", "text": {"value": "hi", "annotations": []}}]}

The time is `created_at` or, in older ones, `created`, in seconds or milliseconds; a thread's messages are put in
its order. Thoughts, tool calls and files are counted and left out. A message's external id is
"jan:<thread>:<message>".
Source: https://jan.ai/docs/data-folder. Not confirmed: the names of parts other than text.
"""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from daemon.inbox.errors import BrokenExport
from daemon.inbox.formats import json_fields
from daemon.inbox.formats.markup import without_thoughts
from daemon.inbox.formats.skipped import EMPTY, MEDIA, SYSTEM, THOUGHTS, TOOLS, UNKNOWN
from store.chats import NewMessage

_REASONS = {"reasoning": THOUGHTS, "tool_call": TOOLS, "tool_result": TOOLS}
_UNDATED = datetime.min.replace(tzinfo=UTC)


def looks_like(text: str) -> bool:
    """Whether the first line that is not blank is a message of a thread."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    try:
        given = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(given, dict) and given.get("object") == "thread.message"


def read(name: str, text: str, left_out: Counter[str]) -> list[list[NewMessage]]:
    """The sessions, one per thread. Raises `BrokenExport`, which names the line."""
    threads: dict[str, list[NewMessage]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            given = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BrokenExport(name, place, "it is no JSON") from error
        message = json_fields.an_object(name, place, given)
        thread = threads.setdefault(str(message.get("thread_id")), [])
        thread += _turn(name, place, message, left_out)
    return [sorted(thread, key=lambda turn: turn.said_at or _UNDATED) for thread in threads.values()]


def _turn(name: str, place: str, message: Mapping[str, Any], left_out: Counter[str]) -> list[NewMessage]:
    """The message, or nothing when it is to be left out."""
    role = message.get("role")
    if role not in ("user", "assistant"):
        left_out[SYSTEM if role == "system" else TOOLS if role == "tool" else UNKNOWN] += 1
        return []
    text = _text(name, place, message.get("content"), left_out)
    if role == "assistant":
        text = without_thoughts(text, left_out)
    if not text.strip():
        left_out[EMPTY] += 1
        return []
    external_id = json_fields.an_id("jan", message.get("thread_id"), message.get("id"))
    moment = json_fields.first_of(message, ("created_at", "created"))
    said_at = json_fields.a_moment(name, place, moment)
    return [NewMessage(role=str(role), text=text, external_id=external_id, said_at=said_at)]


def _text(name: str, place: str, content: Any, left_out: Counter[str]) -> str:
    """The parts that are text; the others are counted."""
    if isinstance(content, str):
        return content
    said = []
    for given in json_fields.a_list(name, f"{place}, 'content'", content):
        part = json_fields.an_object(name, f"{place}, 'content'", given)
        if part.get("type") != "text":
            left_out[_REASONS.get(str(part.get("type")), MEDIA)] += 1
            continue
        text = part.get("text")
        value = text.get("value") if isinstance(text, dict) else text
        said.append(json_fields.a_text(name, f"{place}, 'content'", value))
    return "\n".join(said)
