"""
Read state.vscdb, the SQLite file in which Cursor keeps its chats.

    cursorDiskKV   composerData:<chat> {"name", "createdAt", "fullConversationHeadersOnly": [{"bubbleId"}]}
                   bubbleId:<chat>:<message> {"type": 1 (the person) | 2, "text", "createdAt"}
                   before 2025: the messages stand in the chat itself, under "conversation"
    ItemTable      workbench.panel.aichat.view.aichat.chatdata {"tabs": [{"bubbles": [{"type": "user", "text"}]}]}

Its makers publish no schema; the shapes are those of published readers. Thoughts and tool calls are counted and left
out. VS Code keeps its state in the same way, without chats of these kinds.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from daemon.inbox.errors import InboxError
from daemon.inbox.formats import not_readable, reader, sqlite_file
from daemon.inbox.formats.reader import Object, Place, Said
from store.chats import NewMessage

FORMAT = "Cursor chats"
TABLES = ("cursorDiskKV", "ItemTable")
_ROLES = {"1": "user", "2": "assistant"}
_TABS = "workbench.panel.aichat.view.aichat.chatdata"
_KEPT = ("composerData:", "bubbleId:", _TABS)
Values = Mapping[str, object]


def read(place: Place, data: bytes) -> list[list[NewMessage]]:
    """The sessions of all chats."""
    try:
        with closing(sqlite_file.open_copy(place, data)) as db:
            values = dict(_values(db))
    except (sqlite3.Error, OverflowError, MemoryError, UnicodeError) as error:
        why = getattr(error, "sqlite_errorname", "a value in it can't be read")  # its message quotes the file
        raise place.broken(f"the database is damaged ({why})") from error
    sessions: list[list[NewMessage]] = []
    for key, value in values.items():
        try:
            if key.startswith("composerData:"):
                sessions.append(_composer(place.at(key), value, values))
            elif key == _TABS:
                sessions += _tabs(place.at("its tabs"), value)
        except InboxError as error:
            place.give_up(reader.BROKEN, error)
    if not any(sessions) and not place.unread:
        raise place.broken(not_readable.name_of_database({*TABLES}) or "there is no chat in it")
    return sessions


def _values(db: sqlite3.Connection) -> Iterator[tuple[str, object]]:
    for table in TABLES:
        if table in sqlite_file.tables(db):
            for row in sqlite_file.rows(db, table, ("key", "value")):
                if isinstance(row["key"], str) and row["key"].startswith(_KEPT) and row["value"] is not None:
                    yield row["key"], row["value"]


def _composer(place: Place, value: object, values: Values) -> list[NewMessage]:
    whole = _object(place, value)
    chat = place.where.partition("composerData:")[2]
    bubbles = [*place.objects(whole.get("conversation"), "message")]
    for here, header in place.objects(whole.get("fullConversationHeadersOnly"), "message"):
        stored = values.get(f"bubbleId:{chat}:{header.get('bubbleId')}")
        if stored is None:
            place.leave_out(reader.EMPTY)
        else:
            bubbles.append((here, _object(here, stored)))
    said = [_said(here, bubble) for here, bubble in bubbles]
    found = reader.read_said(place, said, name="cursor", chat=chat, at=_time(whole.get("createdAt")))
    return _titled(found, whole.get("name"))


def _said(here: Place, bubble: Object) -> Said:
    here.leave_out(reader.THOUGHTS, bool(bubble.get("thinking")))
    here.leave_out(reader.TOOLS, bool(bubble.get("toolFormerData")))
    kind = str(bubble.get("type"))
    return Said(
        place=here,
        role=_ROLES.get(kind, kind),
        text=bubble.get("text") or bubble.get("rawText") or "",
        id=bubble.get("bubbleId") or bubble.get("id"),
        time=_time(bubble.get("createdAt")),
    )


def _tabs(place: Place, value: object) -> list[list[NewMessage]]:
    sessions = []
    for here, tab in place.objects(_object(place, value).get("tabs"), "tab"):
        said = [_said(inner, bubble) for inner, bubble in here.objects(tab.get("bubbles"), "message")]
        at = _time(tab.get("lastSendTime"))
        found = reader.read_said(here, said, name="cursor", chat=tab.get("tabId"), at=at)
        sessions.append(_titled(found, tab.get("chatTitle")))
    return sessions


def _titled(messages: list[NewMessage], title: object) -> list[NewMessage]:
    if messages and isinstance(title, str) and title.strip():
        return [replace(messages[0], chat_title=title), *messages[1:]]
    return messages


def _time(given: object) -> Any:
    """A moment; None for what counts from the start of the program, as older versions did."""
    if isinstance(given, int | float) and given < reader.SECONDS_END:
        return None
    return given if isinstance(given, int | float | str) else None


def _object(place: Place, value: object) -> dict[str, Any]:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else place.as_text(value)
    whole = place.as_json(text)
    return place.as_object(json.loads(whole) if isinstance(whole, str) and whole.startswith("{") else whole)
