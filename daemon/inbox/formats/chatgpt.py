"""
Read ChatGPT's export: conversations.json, or one of the conversations-NNN.json of a newer one.

    [{"id": ..., "create_time": 1756000000.1, "current_node": "c", "mapping": {
        "a": {"message": null, "parent": null},
        "b": {"message": {"author": {"role": "user"}, "create_time": ..., "recipient": "all",
              "content": {"content_type": "text", "parts": ["hi"]}, "metadata": {}}, "parent": "a"}, ...}}]

A conversation is a tree; the path to `current_node`, which is what the page showed, is read (without one: the
path to the last leaf). System, hidden and tool messages, thoughts and pictures are counted and left out. A
message's external id is "chatgpt:<conversation>:<message>".
The maker publishes no schema. The shape is that of the parsers of LibreChat (api/server/utils/import), convoviz
and chatgpt-export-parser, and of the exports they were made for (2023 to 2026).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from daemon.inbox.formats import branches, json_fields
from daemon.inbox.formats.markup import without_citations
from daemon.inbox.formats.skipped import (
    BRANCHES,
    EMPTY,
    EMPTY_CHATS,
    HIDDEN,
    MEDIA,
    SYSTEM,
    THOUGHTS,
    TOOLS,
    UNKNOWN,
)
from store.chats import NewMessage

_REASONS = {
    "thoughts": THOUGHTS,
    "reasoning_recap": THOUGHTS,
    "code": TOOLS,
    "execution_output": TOOLS,
    "computer_output": TOOLS,
    "tether_quote": TOOLS,
    "tether_browsing_display": TOOLS,
    "sonic_webpage": TOOLS,
    "system_error": TOOLS,
    "user_editable_context": HIDDEN,
    "model_editable_context": HIDDEN,
}


def looks_like(whole: object) -> bool:
    """Whether this is a list of conversations with a `mapping`, or one of them."""
    every = whole if isinstance(whole, list) else [whole]
    return any(isinstance(one, dict) and isinstance(one.get("mapping"), dict) for one in every)


def read(name: str, whole: Any, left_out: Counter[str]) -> list[list[NewMessage]]:
    """The sessions of all conversations. Raises `BrokenExport`, which names the place."""
    conversations = whole if isinstance(whole, list) else [whole]
    return [
        _session(name, f"conversation {number}", given, left_out)
        for number, given in enumerate(conversations, start=1)
    ]


def _session(name: str, place: str, given: Any, left_out: Counter[str]) -> list[NewMessage]:
    conversation = json_fields.an_object(name, place, given)
    mapping = json_fields.an_object(name, f"{place}, 'mapping'", conversation.get("mapping"))
    nodes = {id: json_fields.an_object(name, f"{place}, {id!r}", node) for id, node in mapping.items()}
    if not nodes:
        left_out[EMPTY_CHATS] += 1
        return []
    parents = {id: node.get("parent") for id, node in nodes.items()}
    shown = branches.path_to(
        name, place, parents, conversation.get("current_node") or branches.newest_leaf(parents)
    )
    messages = {id: node["message"] for id, node in nodes.items() if node.get("message") is not None}
    left_out[BRANCHES] += len(messages.keys() - set(shown))
    own_id = json_fields.first_of(conversation, ("conversation_id", "id"))
    at = json_fields.a_moment(name, place, conversation.get("create_time"))
    session = []
    for id in shown:
        if id not in messages:
            continue
        here = f"{place}, message {id!r}"
        message = json_fields.an_object(name, here, messages[id])
        at = json_fields.a_moment(name, here, message.get("create_time")) or at
        session += _turn(name, here, message, json_fields.an_id("chatgpt", own_id, id), at, left_out)
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
    author = json_fields.an_object(name, f"{place}, 'author'", message.get("author"))
    content = json_fields.an_object(name, f"{place}, 'content'", message.get("content"))
    metadata = json_fields.an_object(name, f"{place}, 'metadata'", message.get("metadata") or {})
    reason = _why_not(author.get("role"), message.get("recipient"), content.get("content_type"), metadata)
    if reason is None:
        text = _text(name, place, content, left_out)
        if text.strip():
            role = str(author["role"])
            return [NewMessage(role=role, text=text, external_id=external_id, said_at=at)]
        reason = EMPTY
    left_out[reason] += 1
    return []


def _why_not(role: object, recipient: object, kind: object, metadata: Mapping[str, Any]) -> str | None:
    """Why a message is left out; None when it is taken."""
    if role == "system":
        return SYSTEM
    if role == "tool" or (role == "assistant" and recipient not in (None, "all")):
        return TOOLS
    if metadata.get("is_visually_hidden_from_conversation") is True:
        return HIDDEN
    if role in ("user", "assistant") and kind in ("text", "multimodal_text"):
        return None
    return _REASONS.get(str(kind), UNKNOWN)


def _text(name: str, place: str, content: Mapping[str, Any], left_out: Counter[str]) -> str:
    """The parts that are text, and what was said aloud; pictures and the like are counted."""
    said = []
    for part in json_fields.a_list(name, f"{place}, 'parts'", content.get("parts")):
        if isinstance(part, dict) and part.get("content_type") == "audio_transcription":
            said.append(json_fields.a_text(name, f"{place}, 'parts'", part.get("text")))
        elif isinstance(part, str):
            said.append(part)
        else:
            left_out[MEDIA] += 1
    return without_citations("\n".join(said)).strip()
