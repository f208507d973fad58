"""
What the readers of all formats share: places that errors name, paths through branches, and what is left out.

    hi ── hello ── I live in Ghent ── noted
             `─── I live in Oslo ── noted          <- the leaf: only its path is read

No value of another kind than expected goes further, and an error quotes at most a few characters of the file. A circle
of messages is an error, never an endless loop. The time of all this grows with the length of the texts only.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from daemon.inbox.errors import InboxError, broken_export
from store.chats import NewMessage

EMPTY = "empty messages"
EMPTY_CHATS = "empty conversations"
BRANCHES = "messages on other branches"
SYSTEM = "system messages"
HIDDEN = "hidden messages"
ERRORS = "error messages"
THOUGHTS = "thoughts"
TOOLS = "tool calls and results"
MEDIA = "pictures, sounds and files"
UNKNOWN = "messages of an unknown kind"
UNKNOWN_PARTS = "parts of an unknown kind"
FRAGMENTS = "fragments"
OTHER_FILES = "other files of the archive"

UNTITLED = ("new chat", "new conversation", "untitled")  # what a page calls a chat that has no title yet
SECONDS_END = 1e11  # the year 5138; larger numbers are milliseconds, as JavaScript counts
MOST_QUOTED = 40  # characters of a wrong value that an error shows
_SINGULAR = {
    TOOLS: "tool call or result",
    MEDIA: "picture, sound or file",
}  # more than an s is changed in these
_PLURAL = re.compile(r"\b(message|conversation|thought|part|file|line|fragment)s\b")
_DETAILS = {
    '<details type="reasoning"': THOUGHTS,
    '<details type="tool_calls"': TOOLS,
    '<details type="code_interpreter"': TOOLS,
}

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file: errors name it, and what is left out there is counted for the whole file."""

    file: str
    left_out: Counter[str] = field(default_factory=Counter)
    where: str = ""

    def at(self, where: str) -> "Place":
        """A place inside this one."""
        return Place(self.file, self.left_out, f"{self.where}, {where}" if self.where else where)

    def broken(self, why: str) -> InboxError:
        """The error that names this place."""
        return broken_export(self.file, self.where or "whole file", why)

    def leave_out(self, reason: str, count: int = 1) -> None:
        """Count what is not read."""
        self.left_out[reason] += count

    def as_object(self, given: Any) -> dict[str, Any]:
        """`given`, if it is a JSON object."""
        if not isinstance(given, dict):
            raise self.broken("it is no JSON object")
        return given

    def as_list(self, given: Any) -> list[Any]:
        """`given`, if it is a list; None is an empty one."""
        if given is not None and not isinstance(given, list):
            raise self.broken("it is no list")
        return given or []

    def as_text(self, given: Any) -> str:
        """`given`, if it is a text; None is an empty one."""
        if given is not None and not isinstance(given, str):
            raise self.broken("it is no text")
        return given or ""

    def as_time(self, given: Any) -> datetime | None:
        """
        The time (UTC) that `given` says: ISO 8601, or seconds or milliseconds since 1970; None says none.

        A time without a zone is taken as UTC.
        """
        if given is None or given == "":
            return None
        try:
            if isinstance(given, int | float) and not isinstance(given, bool):
                return datetime.fromtimestamp(given / 1000 if given > SECONDS_END else given, UTC)
            moment = datetime.fromisoformat(given)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (TypeError, ValueError, OverflowError, OSError) as error:
            why = f"{given!r:.{MOST_QUOTED}} is no time; write it like 2026-03-05T18:00:00Z"
            raise self.broken(why) from error

    def as_json(self, text: str) -> Any:
        """What `text` says as JSON."""
        try:
            return json.loads(text)
        except RecursionError as error:
            raise self.broken("it is nested too deeply") from error
        except ValueError as error:
            raise self.broken(f"it is no JSON ({error})") from error

    def object_in(self, given: Object, key: str) -> dict[str, Any]:
        """The object under `key`."""
        return self.at(repr(key)).as_object(given.get(key))

    def list_in(self, given: Object, key: str) -> list[Any]:
        """The list under `key`; empty when there is none."""
        return self.at(repr(key)).as_list(given.get(key))

    def text_in(self, given: Object, key: str) -> str:
        """The text under `key`; empty when there is none."""
        return self.at(repr(key)).as_text(given.get(key))

    def texts_in(self, content: Sequence[Any], reason: Callable[[str], str]) -> list[str]:
        """The texts among the parts of a message; `reason` says of another type why it is left out."""
        here = self.at("'content'")
        texts = []
        for part in map(here.as_object, content):
            kind, text = str(part.get("type")), part.get("text")
            if kind == "text":
                texts.append(
                    here.as_text(text["value"] if isinstance(text, dict) and "value" in text else text)
                )
            else:
                self.leave_out(reason(kind))
        return texts


ReadTurn = Callable[[Place, Object], tuple[str, str] | None]  # role and text; None: it is left out


def read_turns(
    shown: Iterable[tuple[Place, Object, str | None]], read_turn: ReadTurn, *, time: str, at: datetime | None
) -> list[NewMessage]:
    """
    The messages of one conversation.

    Args:
        shown: of each message its place, itself and its external id.
        time: the field with its time; a message without one has that of the message before it.
        at: when the conversation began.
    """
    session = []
    for here, message, external_id in shown:
        at = here.as_time(message.get(time)) or at
        if (turn := read_turn(here, message)) is None:
            continue
        role, text = turn
        if text.strip():
            session.append(NewMessage(role=role, text=text, external_id=external_id, said_at=at))
        else:
            here.leave_out(EMPTY)
    return session


def read_each(
    place: Place,
    whole: Any,
    read_one: Callable[[Place, Any], list[NewMessage]],
    *,
    kind: str = "conversation",
) -> list[list[NewMessage]]:
    """The sessions of a list of conversations, or of one alone."""
    every = whole if isinstance(whole, list) else [whole]
    return [
        _titled(read_one(place.at(f"{kind} {number}"), given), given)
        for number, given in enumerate(every, start=1)
    ]


def _titled(messages: list[NewMessage], given: Any) -> list[NewMessage]:
    """The messages of one conversation, the first with the title that the export gives it, if it does."""
    within = given.get("chat") if isinstance(given, dict) else None
    titles = [
        one[key]
        for one in (given, within)
        if isinstance(one, dict)
        for key in ("title", "name")
        if isinstance(one.get(key), str)
    ]
    title = next((one for one in titles if one.strip() and one.strip().lower() not in UNTITLED), "")
    return [replace(messages[0], chat_title=title), *messages[1:]] if messages and title else messages


def read_lines(place: Place, text: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The object in each line that is not blank."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            here = place.at(f"line {number}")
            yield here, here.as_object(here.as_json(line))


def first_object(text: str) -> dict[str, Any]:
    """The object in the first line that is not blank; an empty one when there is none."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    try:
        given = json.loads(first)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def path_to(place: Place, parents: Mapping[str, object], leaf: object) -> list[str]:
    """The messages from the first one to `leaf`; `parents`: of each, the one before it, None for a first one."""
    path: dict[str, None] = {}
    at = leaf
    while at is not None:
        if not isinstance(at, str) or at not in parents:
            raise place.broken(f"its message {at!r:.50} is not in the file")
        if at in path:
            raise place.broken("its messages go in a circle")
        path[at] = None
        at = parents[at]
    return list(reversed(path))


def newest_leaf(parents: Mapping[str, object]) -> str | None:
    """The last message in the file's order that no other one follows; None if there is none."""
    followed = {parent for parent in parents.values() if isinstance(parent, str)}
    return next((message for message in reversed(list(parents)) if message not in followed), None)


def external_id(*parts: object) -> str | None:
    """A message's name beyond its file: format, conversation, message; None if one of them has no name."""
    named = all(isinstance(part, str | int) and not isinstance(part, bool) and part != "" for part in parts)
    return ":".join(map(str, parts)) if named else None


def first_of(given: Object, names: Sequence[str]) -> Any:
    """The first of these values that is there."""
    return next((given[name] for name in names if given.get(name) is not None), None)


def without_thoughts(place: Place, text: str) -> str:
    """`text` without the <think> block that it begins with."""
    begins = text.lstrip()
    end = begins.find("</think>")
    if not begins.startswith("<think>") or end < 0:
        return text
    place.leave_out(THOUGHTS)
    return begins[end + len("</think>") :].lstrip()


def without_details(place: Place, text: str) -> str:
    """`text` without the <details> blocks in which Open WebUI keeps thoughts and tool output."""
    kept, at = [], 0
    while (begin := text.find("<details type=", at)) >= 0 and (end := text.find("</details>", begin)) >= 0:
        reason = next((why for mark, why in _DETAILS.items() if text.startswith(mark, begin)), None)
        end += len("</details>")
        kept.append(text[at : begin if reason else end])
        if reason:
            place.leave_out(reason)
        at = end
    return "".join([*kept, text[at:]]).strip() if at else text


def format_left_out(left_out: Mapping[str, int]) -> str:
    """What was left out, most first: "12 tool calls and results, 1 thought"."""
    most_first = sorted(left_out.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{number:,} {_one(reason) if number == 1 else reason}" for reason, number in most_first)


def _one(reason: str) -> str:
    return _SINGULAR.get(reason) or _PLURAL.sub(r"\1", reason, count=1)
