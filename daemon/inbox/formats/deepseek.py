"""
Read DeepSeek's export: conversations.json.

    [{"id": ..., "title": ..., "inserted_at": "2025-02-01T10:00:00+08:00", "mapping": {
        "root": {"id": "root", "parent": null, "children": ["1"], "message": null},
        "1": {"id": "1", "parent": "root", "message": {"inserted_at": ..., "files": [],
              "fragments": [{"type": "REQUEST", "content": "hi"}]}}, ...}}]

The path to the last message is read. Older exports have `role` and `content` in place of fragments. Thoughts, searches
and files are counted. A message's external id is "deepseek:<conversation>:<message>".
The maker publishes no schema; the shape is that of published converters.
"""

from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place, Said
from store.chats import NewMessage

_SPOKEN = {"REQUEST": "user", "RESPONSE": "assistant"}
_REASONS = {"THINK": reader.THOUGHTS, "SEARCH": reader.TOOLS, "READ_LINK": reader.TOOLS}


def looks_like(whole: object) -> bool:
    """Whether this is a list of conversations with a `mapping` of messages that have no author."""
    every = whole if isinstance(whole, list) else [whole]
    return any(_has_fragments(one) for one in every[:50])


def _has_fragments(one: object) -> bool:
    mapping = one.get("mapping") if isinstance(one, dict) else None
    nodes = mapping.values() if isinstance(mapping, dict) else ()
    messages = [node.get("message") for node in nodes if isinstance(node, dict)]
    return any(
        isinstance(one, dict) and "author" not in one and ("fragments" in one or "inserted_at" in one)
        for one in messages
    )


def read(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions of all conversations."""
    return reader.read_each(place, whole, _session)


def _session(place: Place, given: Any) -> list[NewMessage]:
    conversation = place.as_object(given)
    said = []
    for id, one in place.object_in(conversation, "mapping").items():
        here = place.at(f"message {id!r}")
        node = here.as_object(one)
        if (message := node.get("message")) is not None:
            said.append(_said(here, id, node.get("parent"), here.as_object(message)))
    return reader.read_said(
        place, said, name="deepseek", chat=conversation.get("id"), at=conversation.get("inserted_at")
    )


def _said(here: Place, id: str, before: object, message: Object) -> Said:
    here.leave_out(reader.MEDIA, len(here.list_in(message, "files")))
    role, texts = str(message.get("role") or "").lower(), [here.text_in(message, "content")]
    for given in here.list_in(message, "fragments"):
        fragment = here.as_object(given)
        kind = str(fragment.get("type"))
        if kind in _SPOKEN:
            role = _SPOKEN[kind]
            texts.append(here.text_in(fragment, "content"))
        else:
            here.leave_out(_REASONS.get(kind, reader.UNKNOWN_PARTS))
    here.leave_out(reader.THOUGHTS, bool(message.get("reasoning_content")))
    text = "\n\n".join(filter(None, texts))
    return Said(place=here, role=role, text=text, id=id, before=before, time=message.get("inserted_at"))
