"""
Our own export: a header line, then one JSON object a line for every chat, message, memory and event.

    {"tsubasa": "export", "version": 1, "chats": 1, "messages": 2, "memories": 1, "events": 1}
    {"kind": "message", "chat": 1, "parent": null, "role": "user", "text": "I live in Ghent", ...}

A number that points at another line (chat, parent, sources, ...) counts the lines of that kind, from 1.
The same archive gives the same text. A file that is cut short or was edited wrongly is refused, with the line that
is wrong.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from datetime import date, datetime
from typing import Any

from daemon.inbox.formats.reader import Place
from daemon.text import shorten
from store.database import stamp
from store.export import Archive, KeptChat, KeptEvent, KeptMemory, KeptMessage
from store.memory_events import MAKING
from store.memory_queries import KINDS

FORMAT = "Tsubasa export"
VERSION = 1
_KINDS: dict[str, tuple[str, type]] = {  # kind: where it stands in an archive, its record
    "chat": ("chats", KeptChat),
    "message": ("messages", KeptMessage),
    "memory": ("memories", KeptMemory),
    "event": ("events", KeptEvent),
}
_TIMES = ("started_at", "last_stored_at", "said_at", "stored_at", "at", "recalled_at")
_DAYS = ("told_on", "valid_from", "valid_to")
_POINTS_AT = {  # field: the kind that its numbers count
    "chat": "chat",
    "parent": "message",
    "sources": "message",
    "superseded_by": "memory",
    "memory": "memory",
    "replaced": "memory",
    "beside": "memory",
    "undoes": "event",
}
_FROM_0 = ("recalled", "pinned")  # numbers that may be 0
_ONE_OF = {
    "op": (*MAKING, "IGNORE", "UNDO"),
    "trust": ("user", "assistant", "import", "untrusted"),
    "memory_kind": KINDS,
}


def write(archive: Archive) -> Iterator[str]:
    """The lines of the file, each with its end."""
    counts = {where: len(getattr(archive, where)) for where, _ in _KINDS.values()}
    yield _line({"tsubasa": "export", "version": VERSION, **counts})
    for kind, (where, _) in _KINDS.items():
        for one in getattr(archive, where):
            yield _line({"kind": kind, **asdict(one)})


def looks_like(data: bytes) -> bool:
    """Whether the first line is our header."""
    try:
        given = json.loads(data.split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(given, dict) and given.get("tsubasa") == "export"


def read(name: str, data: bytes) -> Archive:
    """The archive in the file `name`, which looks like one; raises `InboxError`, which names the line."""
    place = Place(name)
    try:
        first, *rest = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise place.at(f"byte {error.start}").broken("it is no UTF-8 text") from error
    header = place.at("line 1").as_json(first)
    if header.get("version") != VERSION:
        why = f"its format has version {header.get('version')!r}, this program reads {VERSION}"
        raise place.at("line 1").broken(why)
    found: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
    places = {kind: [place] for kind in _KINDS}  # per kind, the line of each, which begin with number 1
    for number, line in enumerate(rest, start=2):
        if line.strip():
            here = place.at(f"line {number}")
            kind, record = _record(here, line)
            found[kind].append(record)
            places[kind].append(here)
    for kind, (where, _) in _KINDS.items():
        if header.get(where) != len(found[kind]):
            many = f"{len(found[kind])} {where} instead of {header.get(where)!r}"
            raise place.broken(f"it has {many}, as if it was cut short")
    taken: set[tuple[str, int]] = set()
    for kind, records in found.items():
        for number, record in enumerate(records, start=1):
            wrong = _wrong(kind, number, record, found, taken)
            if wrong is not None:
                raise places[kind][number].broken(wrong)
    return Archive(**{where: tuple(found[kind]) for kind, (where, _) in _KINDS.items()})


def _line(given: Mapping[str, Any]) -> str:
    return json.dumps(given, ensure_ascii=False) + "\n"


def _record(here: Place, line: str) -> tuple[str, Any]:
    """The kind and the record of one line."""
    given = here.as_json(line)
    kind = given.get("kind") if isinstance(given, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise here.broken(f"its kind is {kind!r}, none of {', '.join(_KINDS)}")
    made: dict[str, Any] = {}
    for field in fields(_KINDS[kind][1]):
        if field.name not in given and field.default is not MISSING:
            continue  # of an archive from before there was such a field
        if field.name not in given:
            raise here.broken(f"its {field.name!r} is missing")
        try:
            made[field.name] = _value(field.name, field.type, given[field.name])
        except (ValueError, OverflowError, TypeError) as error:
            shown = shorten(repr(given[field.name]), 41)
            raise here.broken(f"its {field.name!r} can't be {shown}") from error
    return kind, _KINDS[kind][1](**made)


def _value(name: str, kind: Any, given: Any) -> Any:
    """What was given for a field, checked; raises ValueError and the like."""
    if kind == tuple[int, ...]:
        if not isinstance(given, list):
            raise TypeError
        return tuple(_value(name, int, one) for one in given)
    if not isinstance(given, kind) or isinstance(given, bool):
        raise TypeError
    if given is None:
        return None
    if name in _TIMES:
        return stamp(datetime.fromisoformat(given))
    if name in _DAYS:
        return date.fromisoformat(given).isoformat()
    if isinstance(given, int) and not (name not in _FROM_0) <= given < 2**63:
        raise ValueError
    if name in _ONE_OF and given not in _ONE_OF[name]:
        raise ValueError
    return given


def _wrong(
    kind: str,
    place: int,
    record: Any,
    found: Mapping[str, list[Any]],
    taken: set[tuple[str, int]],
) -> str | None:
    """
    What the numbers of a record point at, and should not; None when all is well.

    Args:
        taken: what was replaced by a memory or undone by an event so far; this record's is added.
    """
    for field, points_at in _POINTS_AT.items():
        given = getattr(record, field, None)
        for number in given if isinstance(given, tuple) else (given,):
            if number is not None and number > len(found[points_at]):
                return f"its {field!r} is {number}, and there are {len(found[points_at])} of them"
    if kind == "message" and record.parent is not None and record.parent >= place:
        return f"its parent, message {record.parent}, comes after it"
    if kind == "memory":
        return _wrong_memory(place, record, found["memory"], taken)
    if kind == "event":
        return _wrong_event(place, record, taken)
    return None


def _wrong_memory(
    place: int, record: KeptMemory, every: Sequence[KeptMemory], taken: set[tuple[str, int]]
) -> str | None:
    if (record.recalled > 0) != (record.recalled_at is not None):
        return "its 'recalled' and 'recalled_at' do not fit together"
    newer = record.superseded_by
    if newer is None or newer == place:
        return None
    if newer < place:
        return f"memory {newer}, which superseded it, is older"
    if every[newer - 1].superseded_by == newer:
        return f"memory {newer}, which superseded it, was taken back"
    if ("memory", newer) in taken:
        return f"memory {newer}, which superseded it, superseded another one too"
    taken.add(("memory", newer))
    return None


def _wrong_event(place: int, record: KeptEvent, taken: set[tuple[str, int]]) -> str | None:
    if record.op in MAKING and record.memory is None:
        return f"it is an {record.op} of no memory"
    if record.undoes is None:
        return None
    if record.op != "UNDO" or record.undoes >= place or ("event", record.undoes) in taken:
        return f"it can't undo event {record.undoes}"
    taken.add(("event", record.undoes))
    return None
