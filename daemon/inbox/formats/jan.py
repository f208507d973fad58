"""
Read a thread of Jan: the messages.jsonl of its folder, or a ZIP of the threads folder.

    {"object": "thread.message", "id": ..., "thread_id": ..., "role": "user", "created_at": 1751012639307,
     "content": [{"type": "text", "text": {"value": "hi", "annotations": []}}]}

The time is `created_at` or, in older ones, `created`, in seconds or milliseconds; a thread's messages are put in
its order. Thoughts, tool calls and files are counted and left out. A message's external id is
"jan:<thread>:<message>".
Source: https://jan.ai/docs/data-folder. Not confirmed: the names of parts other than text.
"""

from datetime import UTC, datetime

from daemon.inbox.errors import InboxError
from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place
from store.chats import NewMessage

_REASONS = {"reasoning": reader.THOUGHTS, "tool_call": reader.TOOLS, "tool_result": reader.TOOLS}
_UNDATED = datetime.min.replace(tzinfo=UTC)


def looks_like(text: str) -> bool:
    """Whether the first line that is not blank is a message of a thread."""
    return reader.first_object(text).get("object") == "thread.message"


def read(place: Place, text: str) -> list[list[NewMessage]]:
    """The sessions, one per thread."""
    threads: dict[str, list[NewMessage]] = {}
    for here, message in reader.read_lines(place, text):
        thread = threads.setdefault(str(message.get("thread_id")), [])
        try:
            thread += _turn(here, message)
        except InboxError as error:
            here.give_up(reader.BROKEN_LINES, error)
    return [sorted(thread, key=lambda turn: turn.said_at or _UNDATED) for thread in threads.values()]


def _turn(here: Place, message: Object) -> list[NewMessage]:
    """The message, or nothing when it is to be left out."""
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant"):
        here.leave_out(
            reader.SYSTEM if role == "system" else reader.TOOLS if role == "tool" else reader.UNKNOWN
        )
        return []
    if isinstance(content, str):
        text = content
    else:
        parts = here.list_in(message, "content")
        text = "\n".join(here.texts_in(parts, lambda kind: _REASONS.get(kind, reader.MEDIA)))
    if role == "assistant":
        text = reader.without_thoughts(here, text)
    if not text.strip():
        here.leave_out(reader.EMPTY)
        return []
    own_id = reader.external_id("jan", message.get("thread_id"), message.get("id"))
    said_at = here.as_time(reader.first_of(message, ("created_at", "created")))
    return [NewMessage(role=str(role), text=text, external_id=own_id, said_at=said_at)]
