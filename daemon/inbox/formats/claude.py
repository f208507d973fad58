"""
Read Claude's export: conversations.json.

    [{"uuid": ..., "name": ..., "created_at": "2026-03-05T18:00:00.123456Z", "chat_messages": [
        {"uuid": ..., "sender": "human", "text": "hi", "content": [{"type": "text", "text": "hi"}],
         "created_at": ..., "attachments": [], "files": []}, ...]}]

The text is that of the `content` blocks of type text; older exports have only `text`. Thoughts, tool calls and
files are counted and left out. A message's external id is "claude:<conversation>:<message>".
The maker publishes no schema; the shape is that of LibreChat's importer and of published type definitions. Not
confirmed: `parent_message_uuid`, which some exports carry. Where two messages name the same one before them,
the path to `current_leaf_message_uuid`, or else to the last message, is read, and all of them otherwise.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from daemon.inbox.errors import BrokenExport
from daemon.inbox.formats import branches, json_fields
from daemon.inbox.formats.skipped import (
    BRANCHES,
    EMPTY,
    EMPTY_CHATS,
    MEDIA,
    THOUGHTS,
    TOOLS,
    UNKNOWN,
    UNKNOWN_PARTS,
)
from store.chats import NewMessage

_ROLES = {"human": "user", "user": "user", "assistant": "assistant"}
_REASONS = {
    "thinking": THOUGHTS,
    "redacted_thinking": THOUGHTS,
    "tool_use": TOOLS,
    "tool_result": TOOLS,
    "token_budget": TOOLS,
    "image": MEDIA,
    "document": MEDIA,
}


def looks_like(whole: object) -> bool:
    """Whether this is a list of conversations with `chat_messages`, or one of them."""
    every = whole if isinstance(whole, list) else [whole]
    return any(isinstance(one, dict) and isinstance(one.get("chat_messages"), list) for one in every)


def read(name: str, whole: Any, left_out: Counter[str]) -> list[list[NewMessage]]:
    """The sessions of all conversations. Raises `BrokenExport`, which names the place."""
    conversations = whole if isinstance(whole, list) else [whole]
    return [
        _session(name, f"conversation {number}", given, left_out)
        for number, given in enumerate(conversations, start=1)
    ]


def _session(name: str, place: str, given: Any, left_out: Counter[str]) -> list[NewMessage]:
    conversation = json_fields.an_object(name, place, given)
    if "chat_messages" not in conversation:
        raise BrokenExport(name, place, "it has no 'chat_messages'")
    every = json_fields.a_list(name, f"{place}, 'chat_messages'", conversation["chat_messages"])
    messages = [
        json_fields.an_object(name, f"{place}, message {number}", one)
        for number, one in enumerate(every, start=1)
    ]
    if not messages:
        left_out[EMPTY_CHATS] += 1
        return []
    shown = _shown(name, place, conversation, messages)
    left_out[BRANCHES] += len(messages) - len(shown)
    at = json_fields.a_moment(name, place, conversation.get("created_at"))
    session = []
    for number in shown:
        message, here = messages[number], f"{place}, message {number + 1}"
        at = json_fields.a_moment(name, here, message.get("created_at")) or at
        external_id = json_fields.an_id("claude", conversation.get("uuid"), message.get("uuid"))
        session += _turn(name, here, message, external_id, at, left_out)
    return session


def _shown(
    name: str, place: str, conversation: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]
) -> Sequence[int]:
    """The places of the messages that are read: all of them, unless they branch."""
    places = {str(message.get("uuid")): number for number, message in enumerate(messages)}
    before = [str(message.get("parent_message_uuid")) for message in messages]
    known = [uuid for uuid in before if uuid in places]
    if len(places) < len(messages) or len(known) == len(set(known)):
        return range(len(messages))
    parents = {uuid: before[number] if before[number] in places else None for uuid, number in places.items()}
    leaf = conversation.get("current_leaf_message_uuid") or list(places)[-1]
    return [places[uuid] for uuid in branches.path_to(name, place, parents, leaf)]


def _turn(
    name: str,
    place: str,
    message: Mapping[str, Any],
    external_id: str | None,
    at: datetime | None,
    left_out: Counter[str],
) -> list[NewMessage]:
    """The message, or nothing when it is to be left out; `at`: its time, or that of the one before it."""
    for field in ("attachments", "files"):
        left_out[MEDIA] += len(json_fields.a_list(name, f"{place}, {field!r}", message.get(field)))
    role = _ROLES.get(str(message.get("sender")))
    text = _text(name, place, message, left_out)
    if role is None or not text.strip():
        left_out[EMPTY if role else UNKNOWN] += 1
        return []
    return [NewMessage(role=role, text=text, external_id=external_id, said_at=at)]


def _text(name: str, place: str, message: Mapping[str, Any], left_out: Counter[str]) -> str:
    blocks = json_fields.a_list(name, f"{place}, 'content'", message.get("content"))
    if not blocks:
        return json_fields.a_text(name, f"{place}, 'text'", message.get("text"))
    said = []
    for block in blocks:
        given = json_fields.an_object(name, f"{place}, 'content'", block)
        if given.get("type") == "text":
            said.append(json_fields.a_text(name, f"{place}, 'content'", given.get("text")))
        else:
            left_out[_REASONS.get(str(given.get("type")), UNKNOWN_PARTS)] += 1
    return "\n\n".join(part for part in said if part.strip())
