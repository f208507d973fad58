"""
Read a JSONL chat log: one JSON object per line, in the order in which things were said.

    {"role": "user", "content": "hi", "date": "2026-03-05", "chat": "a"}
    {"messages": [{"role": "user", "content": "hi"}, ...], "date": "2026-03-05"}

The text is `content` or `text`; the time `date`, `timestamp` or `created_at` (ISO 8601, or seconds since
1970); the chat `chat`, `session` or `conversation_id`. Lines with `messages` are a session each; the others
belong to the session of their chat name, and a new day begins a new one.
"""

import json
from collections.abc import Mapping
from typing import Any

from daemon.inbox.errors import BrokenExport
from daemon.inbox.formats import json_fields
from store.chats import NewMessage

SHORTEST_ID = 8  # characters; a shorter one ("7") names a message within its file only
ROLES = {"user": "user", "human": "user", "assistant": "assistant", "system": "system", "tool": "tool"}
_TEXT, _TIME, _CHAT = (
    ("content", "text"),
    ("date", "timestamp", "created_at"),
    ("chat", "session", "conversation_id"),
)


def looks_like(text: str) -> bool:
    """Whether the first line that is not blank is an object with a message or messages in it."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    try:
        given = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(given, dict) and (
        "messages" in given or ("role" in given and json_fields.first_of(given, _TEXT) is not None)
    )


def read(name: str, text: str) -> list[list[NewMessage]]:
    """The sessions of the file `name`. Raises `BrokenExport`, which names the line."""
    sessions: dict[object, list[NewMessage]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        given = _object(name, place, line)
        if "messages" not in given:
            message = _message(name, place, given, {})
            day = message.said_at.date() if message.said_at else None
            sessions.setdefault((_chat(given), day), []).append(message)
        elif not isinstance(given["messages"], list):
            raise BrokenExport(name, place, "'messages' is no list")
        else:
            turns = enumerate(given["messages"], start=1)
            sessions[number] = [_message(name, f"{place}, message {turn}", one, given) for turn, one in turns]
    return list(sessions.values())


def _object(name: str, place: str, line: str) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except RecursionError as error:
        raise BrokenExport(name, place, "it is nested too deeply") from error
    except ValueError as error:
        raise BrokenExport(name, place, f"it is no JSON ({error})") from error
    if not isinstance(given, dict):
        raise BrokenExport(name, place, "it is no JSON object")
    return given


def _message(name: str, place: str, given: Any, around: Mapping[str, Any]) -> NewMessage:
    """One message; `around`: the line that it lies in, which may give the time for all."""
    if not isinstance(given, dict):
        raise BrokenExport(name, place, "it is no JSON object")
    role = ROLES.get(str(given.get("role")))
    if role is None:
        raise BrokenExport(name, place, f"its role is {given.get('role')!r}, none of {', '.join(ROLES)}")
    external = given.get("id")
    return NewMessage(
        role=role,
        text=_text(name, place, json_fields.first_of(given, _TEXT)),
        speaker=str(given.get("speaker") or given.get("name") or ""),
        external_id=external if isinstance(external, str) and len(external) >= SHORTEST_ID else None,
        said_at=json_fields.a_moment(
            name, place, json_fields.first_of(given, _TIME) or json_fields.first_of(around, _TIME)
        ),
    )


def _text(name: str, place: str, given: Any) -> str:
    """The text of a message: plain, or OpenAI's list of parts."""
    if isinstance(given, list):
        parts = [part.get("text") for part in given if isinstance(part, dict) and part.get("type") == "text"]
        given = "\n".join(part for part in parts if isinstance(part, str))
    if not isinstance(given, str):
        raise BrokenExport(name, place, f"it has no text ({' or '.join(map(repr, _TEXT))})")
    if any("\ud800" <= letter <= "\udfff" for letter in given):
        raise BrokenExport(name, place, "its text has half a surrogate pair")
    return given


def _chat(given: Mapping[str, Any]) -> str:
    return str(json_fields.first_of(given, _CHAT) or "")
