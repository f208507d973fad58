"""
Read Claude's export: conversations.json.

    [{"uuid": ..., "name": ..., "created_at": "2026-03-05T18:00:00.123456Z", "chat_messages": [
        {"uuid": ..., "sender": "human", "text": "hi", "content": [{"type": "text", "text": "hi"}],
         "created_at": ..., "attachments": [], "files": []}, ...]}]

The text is that of the `content` blocks of type text; older exports have only `text`. The extracted text of an
attachment follows it in a tag of its own, as pasted. Thoughts, tool calls and files are counted and left out. A
message's external id is "claude:<conversation>:<message>".
The maker publishes no schema; the shape is that of LibreChat's importer and of published type definitions. Not
confirmed: `parent_message_uuid`, which some exports carry. Where two messages name the same one before them,
the path to `current_leaf_message_uuid`, or else to the last message, is read, and all of them otherwise.
"""

from collections.abc import Sequence
from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place
from store.chats import NewMessage

_ROLES = {"human": "user", "user": "user", "assistant": "assistant"}
_REASONS = {
    "thinking": reader.THOUGHTS,
    "redacted_thinking": reader.THOUGHTS,
    "tool_use": reader.TOOLS,
    "tool_result": reader.TOOLS,
    "token_budget": reader.TOOLS,
    "image": reader.MEDIA,
    "document": reader.MEDIA,
}


def looks_like(whole: object) -> bool:
    """Whether this is a list of conversations with `chat_messages`, or one of them."""
    every = whole if isinstance(whole, list) else [whole]
    return any(isinstance(one, dict) and isinstance(one.get("chat_messages"), list) for one in every)


def read(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions of all conversations."""
    return reader.read_each(place, whole, _session)


def _session(place: Place, given: Any) -> list[NewMessage]:
    conversation = place.as_object(given)
    if "chat_messages" not in conversation:
        raise place.broken("it has no 'chat_messages'")
    every = place.list_in(conversation, "chat_messages")
    places = [place.at(f"message {number}") for number in range(1, len(every) + 1)]
    messages = [here.as_object(one) for here, one in zip(places, every, strict=True)]
    if not messages:
        place.leave_out(reader.EMPTY_CHATS)
        return []
    path = _path(place, conversation, messages)
    place.leave_out(reader.BRANCHES, len(messages) - len(path))
    own_id = conversation.get("uuid")
    shown = (
        (places[number], messages[number], reader.external_id("claude", own_id, messages[number].get("uuid")))
        for number in path
    )
    return reader.read_turns(
        shown, _turn, time="created_at", at=place.as_time(conversation.get("created_at"))
    )


def _path(place: Place, conversation: Object, messages: Sequence[Object]) -> Sequence[int]:
    """The numbers, from 0, of the messages that are read: all of them, unless they branch."""
    numbers = {str(message.get("uuid")): number for number, message in enumerate(messages)}
    before = [str(message.get("parent_message_uuid")) for message in messages]
    known = [uuid for uuid in before if uuid in numbers]
    if len(numbers) < len(messages) or len(known) == len(set(known)):
        return range(len(messages))
    parents = {
        uuid: before[number] if before[number] in numbers else None for uuid, number in numbers.items()
    }
    leaf = conversation.get("current_leaf_message_uuid") or list(numbers)[-1]
    return [numbers[uuid] for uuid in reader.path_to(place, parents, leaf)]


def _turn(here: Place, message: Object) -> tuple[str, str] | None:
    pasted = _pasted(here, message)
    here.leave_out(reader.MEDIA, len(here.list_in(message, "files")))
    role = _ROLES.get(str(message.get("sender")))
    text = "\n\n".join(filter(None, [_text(here, message), *pasted]))
    if role is None:
        here.leave_out(reader.UNKNOWN)
        return None
    return role, text


def _text(here: Place, message: Object) -> str:
    blocks = here.list_in(message, "content")
    if not blocks:
        return here.text_in(message, "text")
    texts = here.texts_in(blocks, lambda kind: _REASONS.get(kind, reader.UNKNOWN_PARTS))
    return "\n\n".join(text for text in texts if text.strip())


def _pasted(here: Place, message: Object) -> list[str]:
    """The texts of attachments, each in a tag: what was pasted is nobody's word."""
    texts = []
    for given in here.list_in(message, "attachments"):
        attached = here.at("'attachments'").as_object(given)
        text = attached.get("extracted_content")
        is_text = isinstance(text, str) and bool(text.strip())
        here.leave_out(reader.PASTED if is_text else reader.MEDIA)
        if is_text:
            texts.append(reader.pasted(str(attached.get("file_name") or ""), str(text)))
    return texts
