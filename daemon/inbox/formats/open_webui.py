"""
Read Open WebUI's export of chats.

    [{"id": ..., "chat": {"title": ..., "history": {"currentId": "b", "messages": {
        "a": {"id": "a", "parentId": null, "role": "user", "content": "hi", "timestamp": 1700000000},
        "b": {"id": "b", "parentId": "a", "role": "assistant", "content": "hello", ...}}}}}]

A chat is a tree; the path to `currentId` is read. An older export is the chat itself, without `chat` around it.
Thoughts and tool output, which stand as <details> inside a reply, and files are counted and left out. A
message's external id is "open-webui:<chat>:<message>".
Source: https://docs.openwebui.com/features/chat-conversations/data-controls/import-export
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from daemon.inbox.formats import branches, json_fields
from daemon.inbox.formats.markup import without_details, without_thoughts
from daemon.inbox.formats.skipped import BRANCHES, EMPTY, EMPTY_CHATS, MEDIA, SYSTEM, UNKNOWN
from store.chats import NewMessage


def looks_like(whole: object) -> bool:
    """Whether this is a list of chats with a `history` of messages, or one of them."""
    every = whole if isinstance(whole, list) else [whole]
    return any(_has_history(one) for one in every)


def read(name: str, whole: Any, left_out: Counter[str]) -> list[list[NewMessage]]:
    """The sessions of all chats. Raises `BrokenExport`, which names the place."""
    chats = whole if isinstance(whole, list) else [whole]
    return [_session(name, f"chat {number}", given, left_out) for number, given in enumerate(chats, start=1)]


def _has_history(one: object) -> bool:
    chat = one.get("chat", one) if isinstance(one, dict) else None
    history = chat.get("history") if isinstance(chat, dict) else None
    return isinstance(history, dict) and isinstance(history.get("messages"), dict)


def _session(name: str, place: str, given: Any, left_out: Counter[str]) -> list[NewMessage]:
    around = json_fields.an_object(name, place, given)
    chat = json_fields.an_object(name, f"{place}, 'chat'", around.get("chat", around))
    history = json_fields.an_object(name, f"{place}, 'history'", chat.get("history"))
    every = json_fields.an_object(name, f"{place}, 'messages'", history.get("messages"))
    messages = {
        id: json_fields.an_object(name, f"{place}, message {id!r}", message) for id, message in every.items()
    }
    if not messages:
        left_out[EMPTY_CHATS] += 1
        return []
    parents = {id: message.get("parentId") for id, message in messages.items()}
    shown = branches.path_to(name, place, parents, history.get("currentId") or branches.newest_leaf(parents))
    left_out[BRANCHES] += len(messages) - len(shown)
    chat_id = json_fields.first_of(around, ("id",)) or chat.get("id")
    at = json_fields.a_moment(name, place, around.get("created_at"))
    session = []
    for id in shown:
        here = f"{place}, message {id!r}"
        at = json_fields.a_moment(name, here, messages[id].get("timestamp")) or at
        session += _turn(name, here, messages[id], json_fields.an_id("open-webui", chat_id, id), at, left_out)
    return session


def _turn(
    name: str,
    place: str,
    message: Mapping[str, Any],
    external_id: str | None,
    at: datetime | None,
    left_out: Counter[str],
) -> list[NewMessage]:
    """The message, or nothing when it is to be left out; `at`: its time, or that of the one before it."""
    left_out[MEDIA] += len(json_fields.a_list(name, f"{place}, 'files'", message.get("files")))
    role = message.get("role")
    if role not in ("user", "assistant"):
        left_out[SYSTEM if role == "system" else UNKNOWN] += 1
        return []
    text = _text(name, place, message.get("content"), left_out)
    if role == "assistant":
        text = without_thoughts(without_details(text, left_out), left_out)
    if not text.strip():
        left_out[EMPTY] += 1
        return []
    return [NewMessage(role=str(role), text=text, external_id=external_id, said_at=at)]


def _text(name: str, place: str, content: Any, left_out: Counter[str]) -> str:
    """The text of a message: plain, or OpenAI's list of parts."""
    if not isinstance(content, list):
        return json_fields.a_text(name, f"{place}, 'content'", content)
    parts = [json_fields.an_object(name, f"{place}, 'content'", part) for part in content]
    said = [part.get("text") for part in parts if part.get("type") == "text"]
    left_out[MEDIA] += len(parts) - len(said)
    return "\n".join(json_fields.a_text(name, f"{place}, 'content'", one) for one in said)
