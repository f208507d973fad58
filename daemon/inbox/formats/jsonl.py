"""
Read a JSONL chat log: one JSON object per line, in the order in which things were said.

    {"role": "user", "content": "hi", "date": "2026-03-05", "chat": "a"}
    {"messages": [{"role": "user", "content": "hi"}, ...], "date": "2026-03-05"}

The text is `content` or `text`; the time `date`, `timestamp` or `created_at` (ISO 8601, or seconds since
1970); the chat `chat`, `session` or `conversation_id`. Lines with `messages` are a session each; the others
belong to the session of their chat name, and a new day begins a new one.
"""

from typing import Any

from daemon.inbox.formats.reader import Object, Place, first_object, first_of, read_lines
from store.chats import NewMessage

SHORTEST_ID = 8  # characters; a shorter one ("7") names a message within its file only
ROLES = {"user": "user", "human": "user", "assistant": "assistant", "system": "system", "tool": "tool"}
_TEXT = ("content", "text")
_TIME = ("date", "timestamp", "created_at")
_CHAT = ("chat", "session", "conversation_id")


def looks_like(text: str) -> bool:
    """Whether the first line that is not blank is an object with a message or messages in it."""
    given = first_object(text)
    return "messages" in given or ("role" in given and first_of(given, _TEXT) is not None)


def read(place: Place, text: str) -> list[list[NewMessage]]:
    """The sessions of all lines."""
    sessions: dict[object, list[NewMessage]] = {}
    for here, given in read_lines(place, text):
        if "messages" in given:
            turns = enumerate(here.list_in(given, "messages"), start=1)
            sessions[here.where] = [_message(here.at(f"message {turn}"), one, given) for turn, one in turns]
        else:
            message = _message(here, given, {})
            day = message.said_at.date() if message.said_at else None
            sessions.setdefault((str(first_of(given, _CHAT) or ""), day), []).append(message)
    return list(sessions.values())


def _message(here: Place, given: Any, around: Object) -> NewMessage:
    """One message; `around`: the line that it lies in, which may give the time for all."""
    message = here.as_object(given)
    role = ROLES.get(str(message.get("role")))
    if role is None:
        raise here.broken(f"its role is {message.get('role')!r}, none of {', '.join(ROLES)}")
    own_id = message.get("id")
    return NewMessage(
        role=role,
        text=_text(here, first_of(message, _TEXT)),
        speaker=str(message.get("speaker") or message.get("name") or ""),
        external_id=own_id if isinstance(own_id, str) and len(own_id) >= SHORTEST_ID else None,
        said_at=here.as_time(first_of(message, _TIME) or first_of(around, _TIME)),
    )


def _text(here: Place, given: Any) -> str:
    """The text of a message: plain, or OpenAI's list of parts."""
    if isinstance(given, list):
        parts = [part.get("text") for part in given if isinstance(part, dict) and part.get("type") == "text"]
        given = "\n".join(part for part in parts if isinstance(part, str))
    if not isinstance(given, str):
        raise here.broken(f"it has no text ({' or '.join(map(repr, _TEXT))})")
    if any("\ud800" <= letter <= "\udfff" for letter in given):
        raise here.broken("its text has half a surrogate pair")
    return given
