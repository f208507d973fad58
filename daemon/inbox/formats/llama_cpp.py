"""
Read what llama.cpp's page saves: one conversation, a list of them, or one a line.

    {"conv": {"id": ..., "name": ..., "lastModified": ..., "currNode": "m2b"}, "messages": [
        {"id": "m1", "parent": "r", "role": "user", "content": "hi", "timestamp": 1765275434078, "type": "text"}, ...]}

The branch of `currNode` is read. The text of attached files follows a message as pasted; thoughts, calls of tools and
pictures are counted. A message's external id is "llama.cpp:<conversation>:<message>".
Source: llama.cpp, tools/server/webui, the type ExportedConversations.
"""

from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place, Said
from store.chats import NewMessage

_TEXTS = {"TEXT", "textFile", "context"}


def looks_like(whole: object) -> bool:
    """Whether this is a saved conversation, or a list of them."""
    every = whole if isinstance(whole, list) else [whole]
    return any(
        isinstance(one, dict) and isinstance(one.get("conv"), dict) and isinstance(one.get("messages"), list)
        for one in every
    )


def read(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions of all conversations."""
    return reader.read_each(place, whole, _session)


def _session(place: Place, given: Any) -> list[NewMessage]:
    saved = place.as_object(given)
    conversation = place.object_in(saved, "conv")
    said = []
    for here, message in place.objects(place.list_in(saved, "messages"), "message"):
        if message.get("type") == "root":
            continue
        here.leave_out(reader.THOUGHTS, bool(message.get("thinking") or message.get("reasoningContent")))
        said.append(
            Said(
                place=here,
                role=str(message.get("role")),
                text="\n\n".join(filter(None, [here.text_in(message, "content"), *_attached(here, message)])),
                id=message.get("id"),
                before=message.get("parent"),
                time=message.get("timestamp"),
            )
        )
    return reader.read_said(
        place, said, name="llama.cpp", chat=conversation.get("id"), leaf=conversation.get("currNode")
    )


def _attached(here: Place, message: Object) -> list[str]:
    texts = []
    for given in here.list_in(message, "extra"):
        extra = here.at("'extra'").as_object(given)
        is_text = extra.get("type") in _TEXTS and isinstance(extra.get("content"), str)
        here.leave_out(reader.PASTED if is_text else reader.MEDIA)
        if is_text:
            texts.append(reader.pasted(str(extra.get("name") or ""), extra["content"]))
    return texts
