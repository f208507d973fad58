"""
What is read out of a dropped file: sessions of messages. Its format is detected by its content, never by its name.

    bytes ──> ZIP: each file in it ──> SQLite? JSON? lines of JSON? Markdown? ──> the one reader that knows it

A file is read whole before anything of it is stored. What is no message of a person or a model is counted by
reason; a broken file is refused whole, by an error that names the file and the place. Each format
is a module of its own in `formats/`, however short, so that a new one touches none of the others.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.inbox.errors import UnknownFormat, broken_export, too_large
from daemon.inbox.formats import (
    chatgpt,
    claude,
    jan,
    jsonl,
    librechat,
    llm_logs,
    lm_studio,
    locomo,
    markdown,
    open_webui,
    sqlite_file,
    zip_archive,
)
from daemon.inbox.formats.reader import OTHER_FILES, Place
from store.chats import NewMessage

Sessions = Sequence[Sequence[NewMessage]]
LLM, MARKDOWN = "llm logs.db", "Markdown"
_JSON: dict[str, tuple[Callable[[object], bool], Callable[[Place, Any], Sessions]]] = {
    "LoCoMo JSON": (locomo.looks_like, locomo.read),
    "ChatGPT export": (chatgpt.looks_like, chatgpt.read),
    "Claude export": (claude.looks_like, claude.read),
    "Open WebUI export": (open_webui.looks_like, open_webui.read),
    "LM Studio conversation": (lm_studio.looks_like, lm_studio.read),
    "LibreChat conversation": (librechat.looks_like, librechat.read),
}
_LINES: dict[str, tuple[Callable[[str], bool], Callable[[Place, str], Sessions]]] = {
    "Jan thread": (jan.looks_like, jan.read),
    "JSONL chat log": (jsonl.looks_like, jsonl.read),
}
FORMATS = (*reversed(_LINES), *_JSON, LLM, MARKDOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One file, read."""

    name: str
    format: str
    digest: str  # sha256 of the bytes
    sessions: tuple[tuple[NewMessage, ...], ...]
    left_out: Mapping[str, int]  # what is no message of a person or a model, by reason

    @property
    def turns(self) -> int:
        """How many messages were read."""
        return sum(map(len, self.sessions))

    @property
    def days(self) -> tuple[str, str] | None:
        """The days (UTC) of the first and the last message that has a time; None if none has."""
        times = [turn.said_at for session in self.sessions for turn in session if turn.said_at]
        return (min(times).date().isoformat(), max(times).date().isoformat()) if times else None


def read_export(name: str, data: bytes, *, largest: int) -> Export:
    """
    The sessions in `data`, of `largest` bytes at most, also when it is unpacked.

    Raises:
        InboxError: it is too large, of no known format, or broken; it names `name`.
    """
    if len(data) > largest:
        raise too_large(name, len(data), largest)
    place = Place(name)
    is_archive = zip_archive.looks_like(data)
    found, sessions = _archive(place, data, largest) if is_archive else _single(place, data)
    if not any(sessions):
        raise place.broken("there is no message in it")
    return Export(
        name=name,
        format=found,
        digest=hashlib.sha256(data).hexdigest(),
        sessions=tuple(tuple(session) for session in sessions if session),
        left_out=dict(+place.left_out),
    )


def _archive(place: Place, data: bytes, largest: int) -> tuple[str, Sessions]:
    """All files of a ZIP that a reader knows."""
    formats: dict[str, None] = {}
    sessions: list[Sequence[NewMessage]] = []
    for entry, inside in zip_archive.contents(place, data, largest=largest):
        name = f"{place.file}: {entry}"
        try:
            found, more = _single(Place(name, place.left_out), inside)
        except UnknownFormat:
            _check_unknown(name, entry, inside)
            place.leave_out(OTHER_FILES)
            continue
        formats[found] = None
        sessions += more
    if not formats:
        raise UnknownFormat(place.file, "no file in the archive is a chat", FORMATS)
    return " and ".join(formats), sessions


def _check_unknown(name: str, entry: str, inside: bytes) -> None:
    """Raise for a file of an archive that should have been known: chats by their name, or JSON cut short."""
    try:
        whole = json.loads(inside) if entry.lower().endswith(".json") else None
    except (ValueError, RecursionError) as error:
        raise broken_export(name, "whole file", "it is no JSON, or nested too deeply") from error
    if zip_archive.is_chats(entry) and whole != []:
        raise UnknownFormat(name, "it is JSON, but none of the known shapes", FORMATS)


def _single(place: Place, data: bytes) -> tuple[str, Sessions]:
    """Format and sessions of a file that is no archive."""
    if data.startswith(sqlite_file.MAGIC):
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
        if found := _lines(place, text):
            return found
        if markdown.looks_like(text):
            return MARKDOWN, markdown.read(place, text)
        raise UnknownFormat(place.file, _why_no_json(text, error), FORMATS) from error
    for kind, (looks_like, read) in _JSON.items():
        if looks_like(whole):
            return kind, read(place, whole)
    if found := _lines(place, text):
        return found
    raise UnknownFormat(place.file, "it is JSON, but none of the known shapes", FORMATS)


def _lines(place: Place, text: str) -> tuple[str, Sessions] | None:
    """What is read line by line; None if it is no such file."""
    for kind, (looks_like, read) in _LINES.items():
        if looks_like(text):
            return kind, read(place, text)
    return None


def _why_no_json(text: str, error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError) and text.lstrip().startswith(("{", "[")):
        if error.msg.startswith("Extra data"):
            return "it begins as JSON, but has none of the known shapes"
        return f"it begins as JSON, but line {error.lineno} is damaged or cut short"
    return "it is neither JSON nor JSON lines nor a chat in Markdown"
