"""
Read a JSONL chat log, and examples for fine-tuning: one JSON object per line, in the order of what was said.

    {"role": "user", "content": "hi", "date": "2026-03-05", "chat": "a"}
    {"messages": [{"role": "user", "content": "hi"}, ...], "date": "2026-03-05"}

The text is `content` or `text`; the time `date`, `timestamp` or `created_at` (ISO 8601, or seconds since
1970); the chat `chat`, `session` or `conversation_id`. Lines with `messages` are a session each; the others
belong to the session of their chat name, and a new day begins a new one. System turns are counted and left out, as are
calls of tools.
"""

from typing import Any

from daemon.inbox.errors import InboxError
from daemon.inbox.formats.reader import (
    BROKEN,
    BROKEN_LINES,
    EMPTY,
    SYSTEM,
    TOOLS,
    Object,
    Place,
    first_object,
    first_of,
    read_lines,
)
from store.chats import NewMessage

SHORTEST_ID = 8  # characters; a shorter one ("7") names a message within its file only
ROLES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
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
        is_whole = "messages" in given
        try:
            found = _session(here, given) if is_whole else _message(here, given, {})
        except InboxError as error:
            here.give_up(BROKEN if is_whole else BROKEN_LINES, error)
            continue
        if is_whole:
            sessions[here.where] = found
        else:
            day = found[0].said_at.date() if found and found[0].said_at else None
            sessions.setdefault((str(first_of(given, _CHAT) or ""), day), []).extend(found)
    return list(sessions.values())


def _session(here: Place, given: Object) -> list[NewMessage]:
    turns = enumerate(here.list_in(given, "messages"), start=1)
    return [
        one for turn, given_turn in turns for one in _message(here.at(f"message {turn}"), given_turn, given)
    ]


def _message(here: Place, given: Any, around: Object) -> list[NewMessage]:
    """One message, or none; `around`: the line that it lies in, which may give the time for all."""
    message = here.as_object(given)
    role = ROLES.get(str(message.get("role")))
    if role is None:
        raise here.broken(f"its role is {message.get('role')!r}, none of {', '.join(ROLES)}")
    content = first_of(message, _TEXT)
    if role in ("system", "tool"):
        here.leave_out(SYSTEM if role == "system" else TOOLS)
        return []
    if content is None and not here.strict:
        here.leave_out(TOOLS if message.get("tool_calls") or message.get("function_call") else EMPTY)
        return []
    own_id = message.get("id")
    found = NewMessage(
        role=role,
        text=_text(here, content),
        speaker=str(message.get("speaker") or message.get("name") or ""),
        external_id=own_id if isinstance(own_id, str) and len(own_id) >= SHORTEST_ID else None,
        said_at=here.as_time(first_of(message, _TIME) or first_of(around, _TIME)),
    )
    return [found]


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
