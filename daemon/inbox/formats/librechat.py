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

from collections import Counter
from collections.abc import Mapping
from typing import Any

from daemon.inbox.errors import BrokenExport
from daemon.inbox.formats import branches, json_fields
from daemon.inbox.formats.skipped import BRANCHES, EMPTY, EMPTY_CHATS, ERRORS, MEDIA, THOUGHTS, TOOLS, UNKNOWN
from store.chats import NewMessage

_REASONS = {"think": THOUGHTS, "tool_call": TOOLS, "error": ERRORS, "image_file": MEDIA, "image_url": MEDIA}


def looks_like(whole: object) -> bool:
    """Whether this is a conversation with messages, or a list of such."""
    first = whole[0] if isinstance(whole, list) and whole else whole
    return (
        isinstance(first, dict)
        and "conversationId" in first
        and any(isinstance(first.get(field), list) for field in ("messagesTree", "messages"))
    )


def read(name: str, whole: Any, left_out: Counter[str]) -> list[list[NewMessage]]:
    """The sessions of all conversations. Raises `BrokenExport`, which names the place."""
    conversations = whole if isinstance(whole, list) else [whole]
    return [
        _session(name, f"conversation {number}", given, left_out)
        for number, given in enumerate(conversations, start=1)
    ]


def _session(name: str, place: str, given: Any, left_out: Counter[str]) -> list[NewMessage]:
    conversation = json_fields.an_object(name, place, given)
    parents, messages = _flat(name, place, json_fields.first_of(conversation, ("messagesTree", "messages")))
    if not messages:
        left_out[EMPTY_CHATS] += 1
        return []
    if None not in parents.values():
        raise BrokenExport(name, place, "its messages go in a circle")
    shown = branches.path_to(name, place, parents, _newest(parents))
    left_out[BRANCHES] += len(messages) - len(shown)
    at = None
    session = []
    for id in shown:
        message, here = messages[id], f"{place}, message {id!r}"
        at = json_fields.a_moment(name, here, message.get("createdAt")) or at
        text, by_user = _text(name, here, message, left_out), message.get("isCreatedByUser")
        if message.get("error") is True or not isinstance(by_user, bool) or not text.strip():
            left_out[ERRORS if message.get("error") is True else EMPTY if not text.strip() else UNKNOWN] += 1
            continue
        external_id = json_fields.an_id("librechat", conversation.get("conversationId"), id)
        role = "user" if by_user else "assistant"
        session.append(NewMessage(role=role, text=text, external_id=external_id, said_at=at))
    return session


def _flat(name: str, place: str, given: Any) -> tuple[dict[str, str | None], dict[str, dict[str, Any]]]:
    """The message before each message, and the messages by their ids, in the file's order."""
    waiting: list[tuple[Any, str | None]] = [
        (one, None) for one in reversed(json_fields.a_list(name, f"{place}, messages", given))
    ]
    parents: dict[str, str | None] = {}
    messages: dict[str, dict[str, Any]] = {}
    while waiting:
        given, above = waiting.pop()
        message = json_fields.an_object(name, f"{place}, message {len(messages) + 1}", given)
        id = message.get("messageId")
        if not isinstance(id, str) or id in messages:
            raise BrokenExport(name, f"{place}, message {len(messages) + 1}", "it has no id of its own")
        messages[id] = message
        before = above or message.get("parentMessageId")
        parents[id] = before if isinstance(before, str) else None
        children = json_fields.a_list(name, f"{place}, message {id!r}, 'children'", message.get("children"))
        waiting += [(child, id) for child in reversed(children)]
    return {id: before if before in messages else None for id, before in parents.items()}, messages


def _newest(parents: Mapping[str, str | None]) -> str | None:
    """The end of the path that takes the last message at each fork."""
    last = {before: id for id, before in parents.items()}
    at = last.get(None)
    for _ in parents:  # as many steps as there are messages: no circle can hold it
        if at not in last:
            break
        at = last[at]
    return at


def _text(name: str, place: str, message: Mapping[str, Any], left_out: Counter[str]) -> str:
    """The text of a message: plain, or the parts of an agent's reply."""
    content = message.get("content")
    if not isinstance(content, list):
        return json_fields.a_text(name, f"{place}, 'text'", message.get("text"))
    said = []
    for given in content:
        part = json_fields.an_object(name, f"{place}, 'content'", given or {})
        text = part.get("text")
        if part.get("type") == "text":
            value = text.get("value") if isinstance(text, dict) else text
            said.append(json_fields.a_text(name, f"{place}, 'content'", value))
        elif part:
            left_out[_REASONS.get(str(part.get("type")), MEDIA)] += 1
    return "\n\n".join(one for one in said if one.strip())
