"""
What is read out of a dropped file: sessions of messages. Its format is detected by its content, never by its name.

    bytes ──> ZIP: each file in it ──> SQLite? JSON? lines of JSON? Markdown? ──> the one reader that knows it

A file is read whole before anything of it is stored, conversation by conversation: what is broken is counted and
named, and takes nothing from the others. What is no message of a person or a model is counted by reason. Each format of
some size is a module of its own in `formats/`, so that a new one touches none of the others.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from daemon.inbox.errors import InboxError, UnknownFormat, broken_export, too_large
from daemon.inbox.formats import (
    agent_sessions,
    chatgpt,
    claude,
    cursor,
    deepseek,
    grok,
    jan,
    jsonl,
    kept_elsewhere,
    librechat,
    llama_cpp,
    llm_logs,
    lm_studio,
    locomo,
    markdown,
    messengers,
    not_readable,
    open_webui,
    other_pages,
    perplexity,
    sharegpt,
    sqlite_file,
    zip_archive,
)
from daemon.inbox.formats.reader import (
    BROKEN,
    BROKEN_FILES,
    OTHER_FILES,
    Place,
    first_object,
    read_lines,
)
from store.chats import NewMessage

Sessions = Sequence[Sequence[NewMessage]]
BY_LINE = (
    "llama.cpp conversation",
    "ShareGPT conversations",
    "ChatGPT export",
    "Claude export",
)  # may be lines, too
_BETWEEN = re.compile(r"[\s,]*")
LLM, MARKDOWN, WHATSAPP = "llm logs.db", "Markdown", messengers.WHATSAPP
_JSON: dict[str, tuple[Callable[[object], bool], Callable[[Place, Any], Sessions]]] = {
    "LoCoMo JSON": (locomo.looks_like, locomo.read),
    "llama.cpp conversation": (llama_cpp.looks_like, llama_cpp.read),
    "DeepSeek export": (deepseek.looks_like, deepseek.read),
    "ChatGPT export": (chatgpt.looks_like, chatgpt.read),
    "Claude export": (claude.looks_like, claude.read),
    "Open WebUI export": (open_webui.looks_like, open_webui.read),
    "LM Studio conversation": (lm_studio.looks_like, lm_studio.read),
    "LibreChat conversation": (librechat.looks_like, librechat.read),
    "Grok export": (grok.looks_like, grok.read),
    "Telegram chat": (messengers.looks_like_telegram, messengers.read_telegram),
    "Cherry Studio backup": (other_pages.is_cherry_studio, other_pages.read_cherry_studio),
    "Gemini activity": (other_pages.is_takeout, other_pages.read_takeout),
    "Mistral chat": (other_pages.is_mistral, other_pages.read_mistral),
    "AnythingLLM chats": (other_pages.is_anything_llm, other_pages.read_anything_llm),
    "ShareGPT conversations": (sharegpt.looks_like, sharegpt.read),
}
_LINES: dict[str, tuple[Callable[[str], bool], Callable[[Place, str], Sessions]]] = {
    "Jan thread": (jan.looks_like, jan.read),
    "Claude Code session": (agent_sessions.is_claude_code, agent_sessions.read_claude_code),
    "Codex session": (agent_sessions.is_codex, agent_sessions.read_codex),
    "SillyTavern chat": (other_pages.is_silly_tavern, other_pages.read_silly_tavern),
    "JSONL chat log": (jsonl.looks_like, jsonl.read),
}
FORMATS = (*reversed(_LINES), *_JSON, LLM, cursor.FORMAT, MARKDOWN, perplexity.FORMAT, WHATSAPP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One file, read."""

    name: str
    format: str
    digest: str  # sha256 of the bytes
    sessions: tuple[tuple[NewMessage, ...], ...]
    left_out: Mapping[str, int]  # what is no message of a person or a model, by reason
    unread: tuple[str, ...] = ()  # what is broken, and why; the first of it
    offered: tuple[str, ...] = ()  # memories that another assistant keeps; none is taken in by itself

    @property
    def turns(self) -> int:
        """How many messages were read."""
        return sum(map(len, self.sessions))

    @property
    def days(self) -> tuple[str, str] | None:
        """The days (here) of the first and the last message that has a time; None if none has."""
        times = [turn.said_at for session in self.sessions for turn in session if turn.said_at]
        return (_day(min(times)), _day(max(times))) if times else None


def _day(moment: datetime) -> str:
    try:
        return moment.astimezone().date().isoformat()
    except OverflowError:  # within a day of the first or last moment that there is
        return moment.date().isoformat()


def read_export(name: str, source: bytes | Path, *, largest: int, strict: bool = False) -> Export:
    """
    The sessions in `source`, of which `largest` bytes are read at most, also when they are unpacked.

    Args:
        source: the file, or its bytes. An archive is read where it lies, and only its chats.
        strict: refuse it for one broken conversation, in place of reading the others.

    Raises:
        InboxError: it is too large, of no known format, or broken; it names `name`.
    """
    place = Place(name, strict=strict)
    offered: list[str] = []
    sessions: Sessions
    if zip_archive.looks_like(_head(source)):
        found, sessions = _archive(place, source, largest, offered)
    else:
        data = _whole(name, source, largest)
        offered += kept_elsewhere.read_alone(place, data)
        found, sessions = (kept_elsewhere.FORMAT, ()) if offered else _single(place, data)
    if not any(sessions) and not offered:
        raise place.broken("there is no message in it")
    return Export(
        name=name,
        format=found,
        digest=_digest(source),
        sessions=tuple(tuple(session) for session in sessions if session),
        left_out=dict(+place.left_out),
        unread=tuple(place.unread),
        offered=tuple(offered),
    )


def _head(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source[:16]
    with source.open("rb") as file:
        return file.read(16)


def _whole(name: str, source: bytes | Path, largest: int) -> bytes:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > largest:
        raise too_large(name, size, largest)
    return source if isinstance(source, bytes) else source.read_bytes()


def _digest(source: bytes | Path) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _archive(place: Place, source: bytes | Path, largest: int, offered: list[str]) -> tuple[str, Sessions]:
    """All files of a ZIP that a reader knows; `offered` gets the memories that it holds."""
    formats: dict[str, None] = {}
    sessions: list[Sequence[NewMessage]] = []
    for entry, inside in zip_archive.contents(place, source, largest=largest):
        name = f"{place.file}: {entry}"
        if zip_archive.is_memories(entry):
            offered += kept_elsewhere.read(place.at(entry), inside)
            continue
        try:
            found, more = _single(replace(place, file=name), inside)
        except UnknownFormat:
            _check_unknown(place, name, entry, inside)
            place.leave_out(OTHER_FILES)
            continue
        except InboxError as error:
            place.give_up(BROKEN_FILES, error)
            continue
        formats[found] = None
        sessions += more
    if not formats and offered:
        return kept_elsewhere.FORMAT, ()
    if not formats:
        if place.unread:
            raise place.broken(place.unread[0])
        raise UnknownFormat(place.file, "no file in the archive is a chat", FORMATS)
    return " and ".join(formats), sessions


def _check_unknown(place: Place, name: str, entry: str, inside: bytes) -> None:
    """Give up a file of an archive that is JSON cut short; raise for one that should have been known, by its name."""
    try:
        whole = json.loads(inside) if entry.lower().endswith(".json") else None
    except (ValueError, RecursionError):
        place.give_up(BROKEN_FILES, broken_export(name, entry, "it is no JSON, or nested too deeply"))
        return
    if zip_archive.is_chats(entry) and whole != []:
        raise UnknownFormat(name, "it is JSON, but none of the known shapes", FORMATS)


def _single(place: Place, data: bytes) -> tuple[str, Sessions]:
    """Format and sessions of a file that is no archive."""
    if data.startswith(sqlite_file.MAGIC):
        if sqlite_file.has_any(place, data, cursor.TABLES):
            return cursor.FORMAT, cursor.read(place, data)
        return LLM, llm_logs.read(place, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnknownFormat(place.file, f"no UTF-8 text at byte {error.start}", FORMATS) from error
    if not text.strip():
        raise UnknownFormat(place.file, "the file is empty", FORMATS)
    try:
        whole = json.loads(text)
    except RecursionError as error:
        raise UnknownFormat(place.file, "it is nested too deeply", FORMATS) from error
    except ValueError as error:
        return _no_json(place, text, error)
    return _json(place, text, whole)


def _json(place: Place, text: str, whole: object) -> tuple[str, Sessions]:
    for kind, (looks_like, read) in _JSON.items():
        if looks_like(whole):
            return kind, read(place, whole)
    if found := _lines(place, text):
        return found
    raise UnknownFormat(place.file, "it is JSON, but none of the known shapes", FORMATS)


def _no_json(place: Place, text: str, error: ValueError) -> tuple[str, Sessions]:
    """Lines of JSON, a text, or the whole beginning of a list that was cut short."""
    if found := _lines(place, text):
        return found
    if perplexity.looks_like(text):
        return perplexity.FORMAT, perplexity.read(place, text)
    if messengers.looks_like_whatsapp(text):
        return WHATSAPP, messengers.read_whatsapp(place, text)
    if markdown.looks_like(text):
        return MARKDOWN, markdown.read(place, text)
    if (known := not_readable.name_of(text)) is not None:
        raise UnknownFormat(place.file, known, FORMATS)
    if begun := [] if place.strict else _begun(text):
        found = _json(place, "", begun)
        place.give_up(BROKEN, broken_export(place.file, "whole file", _why_no_json(text, error)))
        return found
    raise UnknownFormat(place.file, _why_no_json(text, error), FORMATS)


def _begun(text: str) -> list[Any]:
    """The first objects of a list that is damaged or cut short further on."""
    decoder, found = json.JSONDecoder(), list[Any]()
    at = len(text) - len(text.lstrip())
    if text[at : at + 1] != "[":
        return []
    try:
        while True:
            at = _BETWEEN.match(text, at + 1 if not found else at).end()  # type: ignore[union-attr]
            one, at = decoder.raw_decode(text, at)
            found.append(one)
    except (ValueError, RecursionError, AttributeError):
        return found


def _lines(place: Place, text: str) -> tuple[str, Sessions] | None:
    """What is read line by line; None if it is no such file."""
    if found := _objects(place, text):
        return found
    for kind, (looks_like, read) in _LINES.items():
        if looks_like(text):
            return kind, read(place, text)
    return None


def _objects(place: Place, text: str) -> tuple[str, Sessions] | None:
    """What is a list elsewhere, with one object a line."""
    first = first_object(text)
    kinds = [kind for kind in BY_LINE if first and "\n" in text.strip() and _JSON[kind][0](first)]
    if not kinds:
        return None
    every = [given for _, given in read_lines(place, text)]
    return kinds[0], _JSON[kinds[0]][1](place, every)


def _why_no_json(text: str, error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError) and text.lstrip().startswith(("{", "[")):
        if error.msg.startswith("Extra data"):
            return "it begins as JSON, but has none of the known shapes"
        return f"it begins as JSON, but line {error.lineno} is damaged or cut short"
    return "it is neither JSON nor JSON lines nor a chat in Markdown"
