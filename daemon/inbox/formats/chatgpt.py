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

import re
from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place
from store.chats import NewMessage

_CITATION = re.compile(
    "\ue200(?:file)?cite[^\ue200\ue201]{0,500}\ue201"
)  # private-use characters; links on the page
_REASONS = {
    "thoughts": reader.THOUGHTS,
    "reasoning_recap": reader.THOUGHTS,
    "code": reader.TOOLS,
    "execution_output": reader.TOOLS,
    "computer_output": reader.TOOLS,
    "tether_quote": reader.TOOLS,
    "tether_browsing_display": reader.TOOLS,
    "sonic_webpage": reader.TOOLS,
    "system_error": reader.TOOLS,
    "user_editable_context": reader.HIDDEN,
    "model_editable_context": reader.HIDDEN,
}


def looks_like(whole: object) -> bool:
    """Whether this is a list of conversations with a `mapping`, or one of them."""
    every = whole if isinstance(whole, list) else [whole]
    return any(isinstance(one, dict) and isinstance(one.get("mapping"), dict) for one in every)


def read(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions of all conversations."""
    return reader.read_each(place, whole, _session)


def _session(place: Place, given: Any) -> list[NewMessage]:
    conversation = place.as_object(given)
    mapping = place.object_in(conversation, "mapping")
    nodes = {id: place.at(repr(id)).as_object(node or {}) for id, node in mapping.items()}
    if not nodes:
        place.leave_out(reader.EMPTY_CHATS)
        return []
    parents = {id: node.get("parent") for id, node in nodes.items()}
    path = reader.path_to(place, parents, conversation.get("current_node") or reader.newest_leaf(parents))
    messages = {id: node["message"] for id, node in nodes.items() if node.get("message") is not None}
    place.leave_out(reader.BRANCHES, len(messages.keys() - set(path)))
    own_id = reader.first_of(conversation, ("conversation_id", "id"))
    places = {id: place.at(f"message {id!r}") for id in path if id in messages}
    shown = (
        (here, here.as_object(messages[id]), reader.external_id("chatgpt", own_id, id))
        for id, here in places.items()
    )
    at = place.as_time(conversation.get("create_time"))
    return reader.read_turns(shown, _turn, time="create_time", at=at)


def _turn(here: Place, message: Object) -> tuple[str, str] | None:
    author, content = here.object_in(message, "author"), here.object_in(message, "content")
    metadata = here.at("'metadata'").as_object(message.get("metadata") or {})
    reason = _why_not(author.get("role"), message.get("recipient"), content.get("content_type"), metadata)
    if reason is not None:
        here.leave_out(reason)
        return None
    return str(author["role"]), _text(here, content)


def _why_not(role: object, recipient: object, kind: object, metadata: Object) -> str | None:
    """Why a message is left out; None when it is taken."""
    if role == "system":
        return reader.SYSTEM
    if role == "tool" or (role == "assistant" and recipient not in (None, "all")):
        return reader.TOOLS
    if metadata.get("is_visually_hidden_from_conversation") is True:
        return reader.HIDDEN
    if role in ("user", "assistant") and kind in ("text", "multimodal_text"):
        return None
    return _REASONS.get(str(kind), reader.UNKNOWN)


def _text(here: Place, content: Object) -> str:
    """The parts that are text, and what was said aloud; pictures and the like are counted."""
    texts = []
    for part in here.list_in(content, "parts"):
        if isinstance(part, dict) and part.get("content_type") == "audio_transcription":
            texts.append(here.at("'parts'").as_text(part.get("text")))
        elif isinstance(part, str):
            texts.append(part)
        else:
            here.leave_out(reader.MEDIA)
    return _CITATION.sub("", "\n".join(texts)).strip()
