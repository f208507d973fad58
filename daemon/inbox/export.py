"""
What is read out of a dropped file: sessions of messages. And who can read it: by content, never by name.

Promises: a file is read whole before anything of it is stored; every error names the file and the place.
Knows nothing of the store's file or of folders.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.inbox import jsonl, locomo
from daemon.inbox.errors import BrokenExport, ExportTooLarge, UnknownFormat
from store.chats import NewMessage

FORMATS = ("JSONL chat log", "LoCoMo JSON")


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One file, read."""

    name: str
    format: str
    digest: str  # sha256 of the bytes
    sessions: tuple[tuple[NewMessage, ...], ...]


def read_export(name: str, data: bytes, *, largest: int) -> Export:
    """
    The sessions in `data`, of `largest` bytes at most.

    Raises:
        ExportTooLarge, UnknownFormat, BrokenExport: each names `name`.
    """
    if len(data) > largest:
        raise ExportTooLarge(name, len(data), largest)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnknownFormat(name, f"no UTF-8 text at byte {error.start}", FORMATS) from error
    if not text.strip():
        raise UnknownFormat(name, "the file is empty", FORMATS)
    found, sessions = _read(name, text)
    if not any(sessions):
        raise BrokenExport(name, "whole file", "there is no message in it")
    return Export(
        name=name,
        format=found,
        digest=hashlib.sha256(data).hexdigest(),
        sessions=tuple(tuple(session) for session in sessions if session),
    )


def _read(name: str, text: str) -> tuple[str, Sequence[Sequence[NewMessage]]]:
    try:
        whole = json.loads(text)
    except RecursionError as error:
        raise UnknownFormat(name, "it is nested too deeply", FORMATS) from error
    except ValueError as error:
        if jsonl.looks_like(text):
            return FORMATS[0], jsonl.read(name, text)
        raise UnknownFormat(name, f"neither JSON ({error}) nor JSON lines", FORMATS) from error
    if locomo.looks_like(whole):
        return FORMATS[1], locomo.read(name, whole)
    if jsonl.looks_like(text):
        return FORMATS[0], jsonl.read(name, text)
    raise UnknownFormat(name, "it is JSON, but none of the known shapes", FORMATS)
