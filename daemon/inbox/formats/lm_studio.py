"""
Read a conversation of LM Studio: a *.conversation.json from its conversations folder, or a ZIP of that folder.

    {"name": ..., "createdAt": 1756000000000, "messages": [
        {"currentlySelected": 0, "versions": [
            {"type": "singleStep", "role": "user", "content": [{"type": "text", "text": "hi"}]}]},
        {"currentlySelected": 0, "versions": [
            {"type": "multiStep", "role": "assistant", "steps": [
                {"type": "contentBlock", "content": [{"type": "text", "text": "hello"}]}]}]}]}

The version that was selected is read. There is one time, that of the conversation; its messages follow it a
second each, so that the order of the times is their order. Thoughts, tool calls and files are counted and left
out. Messages have no ids: a conversation that grew is known again by its beginning.
Not confirmed: the makers call the format internal. The shape is that of lm-studio-conversation-converter and of
what others write for LM Studio to open.
"""

from datetime import timedelta
from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place
from store.chats import NewMessage


def looks_like(whole: object) -> bool:
    """Whether this is a conversation whose messages have versions."""
    messages = whole.get("messages") if isinstance(whole, dict) else None
    return isinstance(messages, list) and any(isinstance(one, dict) and "versions" in one for one in messages)


def read(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The one session."""
    conversation = place.as_object(whole)
    began = place.at("'createdAt'").as_time(conversation.get("createdAt"))
    session = []
    every = place.list_in(conversation, "messages")
    place.leave_out(reader.EMPTY_CHATS, not every)
    for number, (here, given) in enumerate(place.objects(every, "message"), start=1):
        version = _selected(here, given)
        role, text = version.get("role"), _text(here, version)
        if role not in ("user", "assistant") or not text.strip():
            here.leave_out(
                reader.SYSTEM if role == "system" else reader.EMPTY if not text.strip() else reader.UNKNOWN
            )
            continue
        said_at = began + timedelta(seconds=number - 1) if began else None
        session.append(NewMessage(role=str(role), text=text, said_at=said_at))
    return [session]


def _selected(here: Place, message: Object) -> Object:
    """The version of a message that the page showed."""
    versions, chosen = here.list_in(message, "versions"), message.get("currentlySelected", 0)
    if not isinstance(chosen, int) or not 0 <= chosen < len(versions):
        if here.strict:
            raise here.broken("its selected version is not in the file")
        if not versions:
            return {}
        chosen = len(versions) - 1
    here.leave_out(reader.BRANCHES, len(versions) - 1)
    return here.at(f"version {chosen + 1}").as_object(versions[chosen])


def _text(here: Place, version: Object) -> str:
    if "steps" not in version:
        text = _content(here, version)
        return reader.without_thoughts(here, text) if version.get("role") == "assistant" else text
    texts = []
    for inner, step in here.objects(here.list_in(version, "steps"), "step"):
        style = step.get("style")
        if isinstance(style, dict) and style.get("type") == "thinking":
            here.leave_out(reader.THOUGHTS)
        elif step.get("type") == "contentBlock":
            texts.append(reader.without_thoughts(inner, _content(inner, step)))
        elif step.get("type") != "debugInfoBlock":
            here.leave_out(reader.TOOLS)
    return "\n\n".join(text for text in texts if text.strip())


def _content(here: Place, given: Object) -> str:
    """The parts that are text; files and tool calls are counted."""
    if isinstance(given.get("content"), str):
        return str(given["content"])
    parts = here.list_in(given, "content")
    return "\n".join(
        here.texts_in(parts, lambda kind: reader.TOOLS if kind.startswith("toolCall") else reader.MEDIA)
    )
