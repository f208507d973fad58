"""
Read what smaller pages and programs export, each in a shape of a few keys: Mistral, AnythingLLM, Cherry Studio,
SillyTavern, and Gemini's part of Google's Takeout.

    [{"id": ..., "chatId": ..., "role": "user", "content": "hi", "createdAt": ...}]                       Mistral
    [{"id": ..., "prompt": "hi", "response": "hello", "sent_at": ...}]                                    AnythingLLM
    {"indexedDB": {"topics": [{"id": ..., "messages": [...]}], "message_blocks": [...]}}                  Cherry Studio
    {"user_name": "Ann", "character_name": "Aragorn"} / {"name": "Ann", "is_user": true, "mes": "hi"}     SillyTavern
    [{"header": "Gemini Apps", "title": "Prompted hi", "time": ..., "safeHtmlItem": [{"html": ...}]}]     Takeout

Their makers publish no schemas; the shapes are those of published converters. What is played in SillyTavern is said by
a persona, which is named, and never by the person.
"""

import html
import re
from collections.abc import Mapping
from typing import Any

from daemon.inbox.formats import reader
from daemon.inbox.formats.reader import Object, Place, Said
from store.chats import NewMessage

_TAG = re.compile(r"<(?:br|/p|/li|/h\d|/div|/tr)\b[^<>]*>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]{1,500}>")
_BLOCKS = {"thinking": reader.THOUGHTS, "tool": reader.TOOLS, "image": reader.MEDIA, "file": reader.MEDIA}


def _first(whole: object) -> Mapping[str, Any]:
    first = whole[0] if isinstance(whole, list) and whole else None
    return first if isinstance(first, dict) else {}


def is_mistral(whole: object) -> bool:
    """Whether this is a list of messages that name their chat."""
    first = _first(whole)
    return "chatId" in first and "role" in first


def read_mistral(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions, one for each chat."""
    chats: dict[str, list[Said]] = {}
    for here, one in place.objects(whole, "message"):
        here.leave_out(reader.MEDIA, len(here.list_in(one, "files")))
        said = Said(
            place=here,
            role=str(one.get("role")),
            text=one.get("content"),
            id=one.get("id"),
            before=one.get("parentId"),
            time=one.get("createdAt"),
        )
        chats.setdefault(str(one.get("chatId")), []).append(said)
    return [
        reader.read_said(
            place.at(f"chat {id}"), sorted(said, key=lambda one: str(one.time)), name="mistral", chat=id
        )
        for id, said in chats.items()
    ]


def is_anything_llm(whole: object) -> bool:
    """Whether this is a list of prompts, each with its response."""
    first = _first(whole)
    return isinstance(first.get("prompt"), str) and "response" in first


def read_anything_llm(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions, one for each workspace and thread."""
    chats: dict[str, list[Said]] = {}
    for number, (here, one) in enumerate(place.objects(whole, "chat"), start=1):
        answer = one.get("response")
        answer = answer.get("text") if isinstance(answer, dict) else answer
        workspace = reader.first_of(one, ("workspace", "workspace_name"))
        key = f"{workspace or ''}:{reader.first_of(one, ('thread_id', 'thread')) or ''}"
        at = reader.first_of(one, ("sent_at", "sentAt", "createdAt"))
        said = chats.setdefault(key, [])
        for role, text in (("user", one["prompt"] if "prompt" in one else None), ("assistant", answer)):
            said.append(Said(place=here, role=role, text=text, time=at, id=f"{one.get('id', number)}-{role}"))
    return [
        reader.read_said(place, said, name="anythingllm", chat=key.strip(":") or "chat")
        for key, said in chats.items()
    ]


def is_cherry_studio(whole: object) -> bool:
    """Whether this is a backup's data.json."""
    base = whole.get("indexedDB") if isinstance(whole, dict) else None
    return isinstance(base, dict) and isinstance(base.get("topics"), list)


def read_cherry_studio(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions, one for each topic."""
    base = place.object_in(place.as_object(whole), "indexedDB")
    blocks: dict[object, list[Object]] = {}
    for given in place.list_in(base, "message_blocks"):
        block = place.at("'message_blocks'").as_object(given)
        blocks.setdefault(block.get("messageId"), []).append(block)

    def session(here: Place, given: Any) -> list[NewMessage]:
        topic = here.as_object(given)
        said = []
        for inner, message in here.objects(here.list_in(topic, "messages"), "message"):
            texts = [message.get("content")]
            for block in blocks.get(message.get("id"), []):
                if block.get("type") == "main_text":
                    texts.append(block.get("content"))
                elif block.get("type") != "unknown":
                    inner.leave_out(_BLOCKS.get(str(block.get("type")), reader.UNKNOWN_PARTS))
            text = "\n\n".join(text for text in texts if isinstance(text, str) and text)
            role, at = str(message.get("role")), message.get("createdAt")
            said.append(Said(place=inner, role=role, text=text, id=message.get("id"), time=at))
        return reader.read_said(here, said, name="cherry-studio", chat=topic.get("id"))

    return reader.read_each(place, place.list_in(base, "topics"), session, kind="topic")


def is_silly_tavern(text: str) -> bool:
    """Whether the first line is the head of a chat with a character."""
    first = reader.first_object(text)
    return "character_name" in first and "user_name" in first


def read_silly_tavern(place: Place, text: str) -> list[list[NewMessage]]:
    """The one session; the version of an answer that was shown is in `mes`."""
    said = []
    for here, line in reader.read_lines(place, text):
        if "mes" not in line:
            continue
        here.leave_out(reader.BRANCHES, max(0, len(here.list_in(line, "swipes")) - 1))
        role = "system" if line.get("is_system") else "user" if line.get("is_user") else "assistant"
        name = str(line.get("name") or "persona")
        at = line.get("send_date")
        time = (
            at
            if isinstance(at, int) or (isinstance(at, str) and at[:4].isdecimal() and "@" not in at)
            else None
        )
        said.append(Said(place=here, role=role, text=line.get("mes"), speaker=name, time=time))
    return [reader.read_said(place, said, name="sillytavern", chat=None)]


def is_takeout(whole: object) -> bool:
    """Whether this is Gemini's activity."""
    first = _first(whole)
    products = first.get("products")
    return (
        "time" in first
        and "title" in first
        and any(
            isinstance(one, str) and ("Gemini" in one or "Bard" in one)
            for one in [first.get("header"), *(products if isinstance(products, list) else [])]
        )
    )


def read_takeout(place: Place, whole: Any) -> list[list[NewMessage]]:
    """The sessions, one for each question; what was asked stands behind the first word of the title."""
    sessions = []
    for here, one in place.objects(whole, "activity"):
        answers = here.list_in(one, "safeHtmlItem")
        verb, _, asked = here.text_in(one, "title").partition(" ")
        if not answers or not asked:
            here.leave_out(reader.UNKNOWN)
            continue
        text = "\n\n".join(_plain(here.text_in(here.as_object(item), "html")) for item in answers)
        here.leave_out(reader.MEDIA, len(here.list_in(one, "attachedFiles")))
        at = one.get("time")
        said = [Said(place=here, role="user", text=asked.lstrip(": "), id="q", time=at)]
        said += [Said(place=here, role="assistant", text=text, id="a", time=at)]
        sessions.append(reader.read_said(here, said, name="gemini", chat=at))
    return sessions


def _plain(marked: str) -> str:
    """The words of a page."""
    text = html.unescape(_ANY_TAG.sub("", _TAG.sub("\n", marked)))
    return "\n".join(line.strip() for line in text.split("\n") if line.strip())
