"""
Read a chat written down as Markdown.

    # A title, or anything else before the first turn           counted and left out
    Date: 2026-03-05                                            or: created, exported; else the turns have no time

    ## User (2026-03-05 18:00)                                  or: **You:** hi        or: You: hi
    hi

    ## Assistant
    hello

There is no published shape. The line that begins the first turn says how turns begin in this file: with a
heading, in bold, or plainly with a colon; other lines, and all lines in a code block, are text. A turn without
a time of its own follows the file's date by its place in seconds. Messages have no ids: a transcript that grew
is known again by its beginning.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from daemon.inbox.formats.reader import EMPTY, SYSTEM, Place
from store.chats import NewMessage

_ROLES = {
    "user": "user you human prompt",
    "assistant": "assistant ai bot response chatgpt gpt claude gemini cursor perplexity llama qwen mistral copilot "
    "tsubasa",
    "system": "system",
}
_ROLE = {word: role for role, words in _ROLES.items() for word in words.split()}
_NAME = rf"(?P<name>{'|'.join(sorted(_ROLE, key=len, reverse=True))})(?: said)?"
_TIME = r"\d{4}-\d\d-\d\d[T ]?[\d:.+Z-]{0,30}"
_WHEN = rf"(?:\s*[(\[—–-]\s*(?P<when>{_TIME})\s*[)\]]?)?"
_THEN = _WHEN.replace("when", "then")
_BOLD = r"(?:\*\*|__)"
_STYLES = (
    re.compile(rf"#{{1,6}}\s+\**{_NAME}\**{_WHEN}(?:\s*:)?\s*(?P<rest>)", re.IGNORECASE),
    re.compile(rf"{_BOLD}{_NAME}{_WHEN}(?:\s*:)?\s*{_BOLD}:?{_THEN}:?\s*(?P<rest>.*)", re.IGNORECASE),
    re.compile(rf"{_NAME}{_WHEN}:(?!\S)\s*(?P<rest>.*)", re.IGNORECASE),
)
_DATE = re.compile(
    rf"\W{{0,4}}(?:date|created|created at|exported)\W{{1,6}}(?P<when>{_TIME})\W{{0,4}}", re.IGNORECASE
)
_MOST_BEFORE = 40  # lines in which the date is looked for


def looks_like(text: str) -> bool:
    """Whether both a user and an assistant begin a turn in it."""
    roles = {role for role, _, _ in _turns(Place(""), text)}
    return {"user", "assistant"} <= roles


def read(place: Place, text: str) -> list[list[NewMessage]]:
    """The one session."""
    began = _began(place, text)
    session = []
    for number, (role, when, said) in enumerate(_turns(place, text), start=1):
        if role == "system" or not said:
            place.leave_out(EMPTY if role != "system" else SYSTEM)
            continue
        own = place.at(f"turn {number}").as_time(when)
        later = began + timedelta(seconds=number - 1) if began else None
        session.append(NewMessage(role=role, text=said, said_at=own or later))
    return [session]


def _turns(place: Place, text: str) -> Iterator[tuple[str, str | None, str]]:
    """Role, time and text of each turn."""
    style: re.Pattern[str] | None = None
    role, when, said, fence = "", None, [""], ""
    for line in _lines(text):
        bare = line.strip()
        if fence or bare.startswith(("```", "~~~")):
            fence = "" if fence and bare.startswith(fence) else fence or bare[:3]
            found = None
        else:
            found = _begins(bare, style)
        if found is None:
            said.append(line)
            continue
        if role:
            yield role, when, _closed(said)
        else:
            place.leave_out("lines before the first turn", sum(bool(one.strip()) for one in said))
        style = found.re
        role, said = _ROLE[found["name"].lower()], [found["rest"]]
        when = found["when"] or found.groupdict().get("then")
    if role:
        yield role, when, _closed(said)


def _begins(line: str, style: re.Pattern[str] | None) -> re.Match[str] | None:
    """How `line` begins a turn, in this style or, if there is none yet, in any; None if it doesn't."""
    for pattern in (style,) if style else _STYLES:
        found = pattern.fullmatch(line)
        if found and (not found["rest"] or ":" in line[: found.start("rest")]):  # "**User** rights" is text
            return found
    return None


def _closed(said: list[str]) -> str:
    """The text of a turn without the blank lines and rulers around it."""
    lines = list(said)
    while lines and lines[-1].strip() in ("", "---", "***", "___"):
        lines.pop()
    return "\n".join(lines).strip()


def _began(place: Place, text: str) -> datetime | None:
    """The date that stands before the first turn."""
    for line in _lines(text)[:_MOST_BEFORE]:
        if _begins(line.strip(), None):
            return None
        if found := _DATE.fullmatch(line.strip()):
            return place.at("its date").as_time(found["when"].strip())
    return None


def _lines(text: str) -> list[str]:
    return [line.removesuffix("\r") for line in text.split("\n")]
