"""
One chat as a file: Markdown to read, which an import takes in again, or JSON with all branches.
"""

import json
import re
from collections.abc import Sequence

from daemon.text import shorten
from store import message_queries
from store.chats import Message
from store.database import Connection
from store.errors import not_found

MARKDOWN, JSON = "markdown", "json"
NAMES = {"user": "User", "assistant": "Assistant", "system": "System"}
LONGEST_NAME = 60  # characters of a file's name, less its ending


def export_chat(db: Connection, chat_id: int, as_: str) -> tuple[str, str]:
    """The name of the file, and what stands in it. Raises `NotFound`."""
    found = message_queries.latest_chats(db, 1, among=[chat_id])
    if not found:
        raise not_found("chat", chat_id)
    title = found[0].title
    name = re.sub(r"[^\w\- ]+", " ", title).strip()
    name = " ".join(name.split())[:LONGEST_NAME].strip() or f"chat {chat_id}"
    if as_ == JSON:
        return f"{name}.json", _json(title, message_queries.of_chat(db, chat_id))
    return f"{name}.md", _markdown(title, message_queries.branch(db, chat_id))


def _markdown(title: str, messages: Sequence[Message]) -> str:
    """The branch that was continued last; what was forgotten says so."""
    parts = [f"# {shorten(title, 120)}"]
    for one in messages:
        when = f"{one.said_at.astimezone():%Y-%m-%d %H:%M}"
        who = NAMES.get(one.role, one.role.capitalize())
        said = f"{one.speaker}: {one.text}" if one.speaker else one.text
        parts.append(f"## {who} ({when})\n\n{said}")
    return "\n\n".join(parts) + "\n"


def _json(title: str, messages: Sequence[Message]) -> str:
    """Every message of every branch, each with the one before it."""
    kept = [
        {
            "id": one.id,
            "parent": one.parent_id,
            "role": one.role,
            "speaker": one.speaker,
            "content": one.text,
            "said_at": one.said_at.isoformat(),
            "model": one.model,
        }
        for one in messages
    ]
    return json.dumps({"title": title, "messages": kept}, ensure_ascii=False, indent=1) + "\n"
