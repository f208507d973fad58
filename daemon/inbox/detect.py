"""
What is read out of a dropped file: sessions of messages. And who can read it: by content, never by name.

    bytes ──> ZIP: each file in it ──> SQLite? JSON? lines of JSON? Markdown? ──> the one reader that knows it

Promises: a file is read whole before anything of it is stored; what can't be read is counted by reason when it
is a single message of another kind, and refuses the whole file when the file itself is broken; every error
names the file and the place.
Knows nothing of the store's file or of folders.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from daemon.inbox.errors import BrokenExport, ExportTooLarge, UnknownFormat
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
from daemon.inbox.formats.skipped import OTHER_FILES
from store.chats import NewMessage

Sessions = Sequence[Sequence[NewMessage]]
JSONL, LOCOMO, JAN, LLM, MARKDOWN = "JSONL chat log", "LoCoMo JSON", "Jan thread", "llm logs.db", "Markdown"
_JSON: dict[str, tuple[Callable[[object], bool], Callable[[str, Any, Counter[str]], Sessions]]] = {
    "ChatGPT export": (chatgpt.looks_like, chatgpt.read),
    "Claude export": (claude.looks_like, claude.read),
    "Open WebUI export": (open_webui.looks_like, open_webui.read),
    "LM Studio conversation": (lm_studio.looks_like, lm_studio.read),
    "LibreChat conversation": (librechat.looks_like, librechat.read),
}
FORMATS = (JSONL, LOCOMO, *_JSON, JAN, LLM, MARKDOWN)


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
    def days(self) -> tuple[date, date] | None:
        """The days (UTC) of the first and the last message that has a time; None if none has."""
        times = [turn.said_at for session in self.sessions for turn in session if turn.said_at]
        return (min(times).date(), max(times).date()) if times else None


def read_export(name: str, data: bytes, *, largest: int) -> Export:
    """
    The sessions in `data`, of `largest` bytes at most, also when it is unpacked.

    Raises:
        ExportTooLarge, ArchiveRefused, UnknownFormat, BrokenExport: each names `name`.
    """
    if len(data) > largest:
        raise ExportTooLarge(name, len(data), largest)
    left_out: Counter[str] = Counter()
    if zip_archive.looks_like(data):
        found, sessions = _archive(name, data, left_out, largest)
    else:
        found, sessions = _single(name, data, left_out)
    if not any(sessions):
        raise BrokenExport(name, "whole file", "there is no message in it")
    return Export(
        name=name,
        format=found,
        digest=hashlib.sha256(data).hexdigest(),
        sessions=tuple(tuple(session) for session in sessions if session),
        left_out=dict(+left_out),
    )


def _archive(name: str, data: bytes, left_out: Counter[str], largest: int) -> tuple[str, Sessions]:
    """All files of a ZIP that a reader knows."""
    formats: dict[str, None] = {}
    sessions: list[Sequence[NewMessage]] = []
    for entry, inside in zip_archive.contents(name, data, left_out, largest=largest):
        place = f"{name}: {entry}"
        try:
            found, more = _single(place, inside, left_out)
        except UnknownFormat:
            _check_unknown(place, entry, inside)
            left_out[OTHER_FILES] += 1
            continue
        formats[found] = None
        sessions += more
    if not formats:
        raise UnknownFormat(name, "no file in the archive is a chat", FORMATS)
    return " and ".join(formats), sessions


def _check_unknown(place: str, entry: str, inside: bytes) -> None:
    """Raise for a file of an archive that should have been known: chats by their name, or JSON cut short."""
    try:
        whole = json.loads(inside) if entry.lower().endswith(".json") else None
    except (ValueError, RecursionError) as error:
        raise BrokenExport(place, "whole file", "it is no JSON, or nested too deeply") from error
    if zip_archive.is_chats(entry) and whole != []:
        raise UnknownFormat(place, "it is JSON, but none of the known shapes", FORMATS)


def _single(name: str, data: bytes, left_out: Counter[str]) -> tuple[str, Sessions]:
    if data.startswith(sqlite_file.MAGIC):
        return LLM, llm_logs.read(name, data, left_out)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnknownFormat(name, f"no UTF-8 text at byte {error.start}", FORMATS) from error
    if not text.strip():
        raise UnknownFormat(name, "the file is empty", FORMATS)
    return _text(name, text, left_out)


def _why_no_json(text: str, error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError) and text.lstrip().startswith(("{", "[")):
        if error.msg.startswith("Extra data"):
            return "it begins as JSON, but has none of the known shapes"
        return f"it begins as JSON, but line {error.lineno} is damaged or cut short"
    return "it is neither JSON nor JSON lines nor a chat in Markdown"


def _text(name: str, text: str, left_out: Counter[str]) -> tuple[str, Sessions]:
    try:
        whole = json.loads(text)
    except RecursionError as error:
        raise UnknownFormat(name, "it is nested too deeply", FORMATS) from error
    except ValueError as error:
        if found := _lines(name, text, left_out):
            return found
        if markdown.looks_like(text):
            return MARKDOWN, markdown.read(name, text, left_out)
        raise UnknownFormat(name, _why_no_json(text, error), FORMATS) from error
    if locomo.looks_like(whole):
        return LOCOMO, locomo.read(name, whole)
    for kind, (looks_like, read) in _JSON.items():
        if looks_like(whole):
            return kind, read(name, whole, left_out)
    if found := _lines(name, text, left_out):
        return found
    raise UnknownFormat(name, "it is JSON, but none of the known shapes", FORMATS)


def _lines(name: str, text: str, left_out: Counter[str]) -> tuple[str, Sessions] | None:
    """What is read line by line; None if it is no such file."""
    if jan.looks_like(text):
        return JAN, jan.read(name, text, left_out)
    if jsonl.looks_like(text):
        return JSONL, jsonl.read(name, text)
    return None
