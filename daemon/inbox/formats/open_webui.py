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

from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place
from store.chats import NewMessage


def looks_like(whole: object) -> bool:
    """Whether this is a list of chats with a `history` of messages, or one of them."""
    every = whole if isinstance(whole, list) else [whole]
    return any(_has_history(one) for one in every)


def _has_history(one: object) -> bool:
    chat = one.get("chat", one) if isinstance(one, dict) else None
    history = chat.get("history") if isinstance(chat, dict) else None
    return isinstance(history, dict) and isinstance(history.get("messages"), dict)


def read(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions of all chats."""
    return reader.read_each(place, whole, _session, kind="chat")


def _session(place: Place, given: Any) -> list[NewMessage]:
    around = place.as_object(given)
    chat = place.at("'chat'").as_object(around.get("chat", around))
    history = place.object_in(chat, "history")
    every = place.object_in(history, "messages")
    places = {id: place.at(f"message {id!r}") for id in every}
    messages = {id: places[id].as_object(message) for id, message in every.items()}
    if not messages:
        place.leave_out(reader.EMPTY_CHATS)
        return []
    parents = {id: message.get("parentId") for id, message in messages.items()}
    path = reader.path_to(place, parents, history.get("currentId") or reader.newest_leaf(parents))
    place.leave_out(reader.BRANCHES, len(messages) - len(path))
    own_id = around.get("id") or chat.get("id")
    shown = ((places[id], messages[id], reader.external_id("open-webui", own_id, id)) for id in path)
    return reader.read_turns(shown, _turn, time="timestamp", at=place.as_time(around.get("created_at")))


def _turn(here: Place, message: Object) -> tuple[str, str] | None:
    here.leave_out(reader.MEDIA, len(here.list_in(message, "files")))
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant"):
        here.leave_out(reader.SYSTEM if role == "system" else reader.UNKNOWN)
        return None
    if isinstance(content, list):  # OpenAI's list of parts
        text = "\n".join(here.texts_in(content, lambda _: reader.MEDIA))
    else:
        text = here.text_in(message, "content")
    if role == "assistant":
        text = reader.without_thoughts(here, reader.without_details(here, text))
    return str(role), text
