"""
Read what another assistant keeps of a person: the memories.json in the exports of Claude and ChatGPT.

    [{"conversations_memory": "**Work context**\\n\\nLena is a baker.", "project_memories": {"id": "…"}}]     Claude
    [{"id": ..., "content": "Is a baker.", "created_at": ...}]                                              ChatGPT

They are its words and not the person's: nothing of them is taken in by itself. They are offered, sentence by sentence,
and wait for the person's word (`store/proposals.py`).
"""

import json
import re
from collections.abc import Iterator

from daemon.inbox.formats.reader import KEPT_ELSEWHERE, Place

FORMAT = "Claude export"  # of which a file with nothing else in it is a part
MOST = 500  # that are offered
_HEADING = re.compile(r"\s*(?:#{1,6}\s.*|\*\*[^*]{1,80}\*\*:?)\s*$")
_ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")
_TEXTS = ("conversations_memory", "content", "text", "memory", "value")


def read(place: Place, data: bytes) -> list[str]:
    """The sentences, counted as left out; none of a file of another shape."""
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        return []
    found = list(dict.fromkeys(line for text in _texts(whole, depth=4) for line in _lines(text)))[:MOST]
    place.leave_out(KEPT_ELSEWHERE, len(found))
    return found


def read_alone(place: Place, data: bytes) -> list[str]:
    """The same of a memories.json of Claude that was taken out of its export; none of any other file."""
    return read(place, data) if b'"conversations_memory"' in data[:100_000] else []


def _texts(given: object, *, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(given, list):
        for one in given:
            yield from [one] if isinstance(one, str) else _texts(one, depth=depth - 1)
    elif isinstance(given, dict):
        yield from (given[key] for key in _TEXTS if isinstance(given.get(key), str))
        projects = given.get("project_memories")
        if isinstance(projects, dict):
            yield from (text for text in projects.values() if isinstance(text, str))
        if isinstance(given.get("memories"), list):
            yield from _texts(given["memories"], depth=depth - 1)


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        bare = _ITEM.sub("", line).strip()
        if bare and not _HEADING.match(line):
            yield bare
