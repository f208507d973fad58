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

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from daemon.inbox.errors import BrokenExport
from daemon.inbox.formats import json_fields
from daemon.inbox.formats.markup import without_thoughts
from daemon.inbox.formats.skipped import BRANCHES, EMPTY, EMPTY_CHATS, MEDIA, SYSTEM, THOUGHTS, TOOLS, UNKNOWN
from store.chats import NewMessage


def looks_like(whole: object) -> bool:
    """Whether this is a conversation whose messages have versions."""
    messages = whole.get("messages") if isinstance(whole, dict) else None
    return isinstance(messages, list) and any(isinstance(one, dict) and "versions" in one for one in messages)


def read(name: str, whole: Any, left_out: Counter[str]) -> list[list[NewMessage]]:
    """The one session. Raises `BrokenExport`, which names the place."""
    conversation = json_fields.an_object(name, "whole file", whole)
    began = json_fields.a_moment(name, "'createdAt'", conversation.get("createdAt"))
    session = []
    every = json_fields.a_list(name, "'messages'", conversation.get("messages"))
    left_out[EMPTY_CHATS] += not every
    for number, given in enumerate(every, start=1):
        place = f"message {number}"
        version = _selected(name, place, given, left_out)
        role = version.get("role")
        text = _text(name, place, version, left_out)
        if role not in ("user", "assistant") or not text.strip():
            left_out[SYSTEM if role == "system" else EMPTY if not text.strip() else UNKNOWN] += 1
            continue
        said_at = began + timedelta(seconds=number - 1) if began else None
        session.append(NewMessage(role=str(role), text=text, said_at=said_at))
    return [session]


def _selected(name: str, place: str, given: Any, left_out: Counter[str]) -> dict[str, Any]:
    """The version of a message that the page showed."""
    message = json_fields.an_object(name, place, given)
    versions = json_fields.a_list(name, f"{place}, 'versions'", message.get("versions"))
    chosen = message.get("currentlySelected", 0)
    if not isinstance(chosen, int) or not 0 <= chosen < len(versions):
        raise BrokenExport(name, place, "its selected version is not in the file")
    left_out[BRANCHES] += len(versions) - 1
    return json_fields.an_object(name, f"{place}, version {chosen + 1}", versions[chosen])


def _text(name: str, place: str, version: Mapping[str, Any], left_out: Counter[str]) -> str:
    if "steps" not in version:
        text = _content(name, place, version.get("content"), left_out)
        return without_thoughts(text, left_out) if version.get("role") == "assistant" else text
    said = []
    for number, given in enumerate(json_fields.a_list(name, f"{place}, 'steps'", version["steps"]), start=1):
        here = f"{place}, step {number}"
        step = json_fields.an_object(name, here, given)
        style = step.get("style")
        if isinstance(style, dict) and style.get("type") == "thinking":
            left_out[THOUGHTS] += 1
        elif step.get("type") == "contentBlock":
            said.append(without_thoughts(_content(name, here, step.get("content"), left_out), left_out))
        elif step.get("type") != "debugInfoBlock":
            left_out[TOOLS] += 1
    return "\n\n".join(part for part in said if part.strip())


def _content(name: str, place: str, content: Any, left_out: Counter[str]) -> str:
    """The parts that are text; files and tool calls are counted."""
    if isinstance(content, str):
        return content
    said = []
    for given in json_fields.a_list(name, f"{place}, 'content'", content):
        part = json_fields.an_object(name, f"{place}, 'content'", given)
        kind = str(part.get("type"))
        if kind == "text":
            said.append(json_fields.a_text(name, f"{place}, 'content'", part.get("text")))
        else:
            left_out[TOOLS if kind.startswith("toolCall") else MEDIA] += 1
    return "\n".join(said)
