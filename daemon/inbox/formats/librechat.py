"""
Read a conversation that LibreChat exported as JSON.

    {"conversationId": ..., "title": ..., "recursive": true, "messagesTree": [
        {"messageId": ..., "parentMessageId": ..., "isCreatedByUser": true, "text": "hi",
         "createdAt": "2024-04-09T14:32:05.230Z", "children": [...]}]}

Without "recursive" the messages lie flat in `messages`. Of branches the newest is read at each fork, as the
page shows it. Replies of agents have `content` parts instead of `text`. Thoughts, tool calls, files and errors
are counted and left out. A message's external id is "librechat:<conversation>:<message>". A recursive export of
some hundred messages is nested more deeply than is read; export it without "recursive" then.
Source: LibreChat, client/src/hooks/Conversations/useExportConversation.ts and api/server/utils/import.
"""

from collections.abc import Mapping
from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place
from store.chats import NewMessage

_REASONS = {
    "think": reader.THOUGHTS,
    "tool_call": reader.TOOLS,
    "error": reader.ERRORS,
    "image_file": reader.MEDIA,
    "image_url": reader.MEDIA,
}


def looks_like(whole: object) -> bool:
    """Whether this is a conversation with messages, or a list of such."""
    first = whole[0] if isinstance(whole, list) and whole else whole
    return (
        isinstance(first, dict)
        and "conversationId" in first
        and any(isinstance(first.get(field), list) for field in ("messagesTree", "messages"))
    )


def read(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions of all conversations."""
    return reader.read_each(place, whole, _session)


def _session(place: Place, given: Any) -> list[NewMessage]:
    conversation = place.as_object(given)
    parents, messages = _flat(place, reader.first_of(conversation, ("messagesTree", "messages")))
    if not messages:
        place.leave_out(reader.EMPTY_CHATS)
        return []
    if None not in parents.values():
        raise place.broken("its messages go in a circle")
    path = reader.path_to(place, parents, _newest(parents))
    place.leave_out(reader.BRANCHES, len(messages) - len(path))
    own_id = conversation.get("conversationId")
    shown = (
        (place.at(f"message {id!r}"), messages[id], reader.external_id("librechat", own_id, id))
        for id in path
    )
    return reader.read_turns(shown, _turn, time="createdAt", at=None)


def _flat(place: Place, given: Any) -> tuple[dict[str, str | None], dict[str, Object]]:
    """The message before each message, and the messages by their ids, in the file's order."""
    waiting: list[tuple[Any, str | None]] = [
        (one, None) for one in reversed(place.at("messages").as_list(given))
    ]
    parents: dict[str, str | None] = {}
    messages: dict[str, Object] = {}
    while waiting:
        given, above = waiting.pop()
        here = place.at(f"message {len(messages) + 1}")
        message = here.as_object(given)
        id = message.get("messageId")
        if not isinstance(id, str) or id in messages:
            raise here.broken("it has no id of its own")
        messages[id] = message
        before = above or message.get("parentMessageId")
        parents[id] = before if isinstance(before, str) else None
        waiting += [(child, id) for child in reversed(here.list_in(message, "children"))]
    return {id: before if before in messages else None for id, before in parents.items()}, messages


def _newest(parents: Mapping[str, str | None]) -> str | None:
    """The end of the path that takes the last message at each fork."""
    last = {before: id for id, before in parents.items()}
    at = last.get(None)
    for _ in parents:  # as many steps as there are messages: no circle can trap it
        if at not in last:
            break
        at = last[at]
    return at


def _turn(here: Place, message: Object) -> tuple[str, str] | None:
    content, by_user = message.get("content"), message.get("isCreatedByUser")
    if isinstance(content, list):  # an agent's reply
        parts = [part for part in content if part]
        texts = here.texts_in(parts, lambda kind: _REASONS.get(kind, reader.MEDIA))
        text = "\n\n".join(one for one in texts if one.strip())
    else:
        text = here.text_in(message, "text")
    if message.get("error") is True or not isinstance(by_user, bool):
        here.leave_out(reader.ERRORS if message.get("error") is True else reader.UNKNOWN)
        return None
    return "user" if by_user else "assistant", text
