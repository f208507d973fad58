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
BEGINNINGS = "missing beginnings of conversations"
BROKEN = "broken conversations"
BROKEN_LINES = "broken lines"
BROKEN_FILES = "broken files of the archive"
PASTED = "attachments, read as pasted text"
KEPT_ELSEWHERE = "memories that another assistant keeps"
PROJECTS = "projects"

UNTITLED = ("new chat", "new conversation", "untitled")  # what a page calls a chat that has no title yet
SECONDS_END = 1e11  # the year 5138; larger numbers are milliseconds, as JavaScript counts
MOST_NAMED = 20  # broken parts of a file that its report names
MOST_QUOTED = 40  # characters of a wrong value that an error shows
_SINGULAR = {
    TOOLS: "tool call or result",
    MEDIA: "picture, sound or file",
    PASTED: "attachment, read as pasted text",
    KEPT_ELSEWHERE: "memory that another assistant keeps",
}  # more than an s is changed in these
_PLURAL = re.compile(r"\b(message|conversation|thought|part|file|line|fragment|project|attachment)s\b")
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
    unread: list[str] = field(default_factory=list)  # what could not be read, and why; the first of them
    strict: bool = False  # refuse the whole file for one broken place

    def at(self, where: str) -> "Place":
        """A place inside this one."""
        return replace(self, where=f"{self.where}, {where}" if self.where else where)

    def give_up(self, reason: str, error: InboxError) -> None:
        """Go on without a broken part, which is counted and named; of a file that is read strictly, raise `error`."""
        if self.strict:
            raise error
        self.leave_out(reason)
        if len(self.unread) < MOST_NAMED:
            self.unread.append(error.why)

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

        A time without a zone is that of this machine's zone (setting `time_zone`), as it was on that day.
        """
        if given is None or given == "":
            return None
        try:
            if isinstance(given, int | float) and not isinstance(given, bool):
                return datetime.fromtimestamp(given / 1000 if given > SECONDS_END else given, UTC)
            return datetime.fromisoformat(given).astimezone(UTC)
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

    def objects(self, given: Any, kind: str) -> Iterator[tuple["Place", dict[str, Any]]]:
        """The objects of a list, each at its place: "message 3". None is an empty list."""
        for number, one in enumerate(self.as_list(given), start=1):
            here = self.at(f"{kind} {number}")
            yield here, here.as_object(one)

    def object_in(self, given: Object, key: str) -> dict[str, Any]:
        """The object under `key`; an empty one where there is none, unless the file is read strictly."""
        found = given.get(key)
        return {} if found is None and not self.strict else self.at(repr(key)).as_object(found)

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
    """The sessions of a list of conversations, or of one alone; of what is broken, none."""
    every = whole if isinstance(whole, list) else [whole]
    sessions: list[list[NewMessage]] = []
    for number, given in enumerate(every, start=1):
        try:
            sessions.append(_titled(read_one(place.at(f"{kind} {number}"), given), given))
        except InboxError as error:
            if len(every) == 1:
                raise
            place.give_up(BROKEN, error)
    return sessions


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
    """The object in each line that is not blank, and not broken."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            here = place.at(f"line {number}")
            try:
                given = here.as_object(here.as_json(line))
            except InboxError as error:
                place.give_up(BROKEN_LINES, error)
            else:
                yield here, given


def first_object(text: str) -> dict[str, Any]:
    """The object in the first line that is not blank; an empty one when there is none."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    try:
        given = json.loads(first)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def path_to(place: Place, parents: Mapping[str, object], leaf: object) -> list[str]:
    """
    The messages from the first one to `leaf`; `parents`: of each, the one before it, None for a first one.

    What hangs together is read: from the newest leaf where this one is not there, and up to the first that is missing.
    """
    if not place.strict and (not isinstance(leaf, str) or leaf not in parents):
        leaf = newest_leaf(parents)
    path: dict[str, None] = {}
    at = leaf
    while at is not None:
        if not isinstance(at, str) or at not in parents:
            if path and not place.strict:
                place.leave_out(BEGINNINGS)
                break
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


def pasted(name: str, text: str) -> str:
    """A document as it stands in a message, so that nobody takes it for the writer's word (`strip_quotes.py`)."""
    inside = text.replace("</attachment", "< /attachment").strip()
    title = "".join(letter for letter in name if letter not in '<>"\n')[:MOST_QUOTED]
    return f'<attachment name="{title}">\n{inside}\n</attachment>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message of a conversation, as the reader of a format finds it."""

    place: Place
    role: str  # as the format has it
    text: object
    id: object = None
    before: object = None  # the id of the message before it
    time: object = None
    speaker: str = ""


ROLES = {
    **dict.fromkeys(("user", "human", "prompter", "you", "request"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "model", "bot", "ai", "chatgpt", "bing", "bard", "response"), "assistant"
    ),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "observation", "function_call"), "tool"),
}


def read_said(
    place: Place, said: Sequence[Said], *, name: str, chat: object, leaf: object = None, at: object = None
) -> list[NewMessage]:
    """
    The messages of one conversation, from a format that has a role, a text and a time for each.

    Args:
        name: of the format, as external ids begin.
        chat: the conversation's own id.
        leaf: the message that was last looked at; None: the last one. Only where messages name the one before them.
        at: when the conversation began.
    """
    if not said:
        place.leave_out(EMPTY_CHATS)
        return []
    shown = _path_of(place, said, leaf)
    place.leave_out(BRANCHES, len(said) - len(shown))
    session, moment = [], place.as_time(at)
    for one in shown:
        here = one.place
        moment = here.as_time(one.time) or moment
        role = ROLES.get(one.role.lower())
        if role in (None, "system", "tool"):
            here.leave_out(SYSTEM if role == "system" else TOOLS if role == "tool" else UNKNOWN)
            continue
        text = here.as_text(one.text)
        text = without_thoughts(here, text) if role == "assistant" else text
        if not text.strip():
            here.leave_out(EMPTY)
            continue
        own_id = external_id(name, chat, one.id)
        session.append(
            NewMessage(role=str(role), text=text, external_id=own_id, said_at=moment, speaker=one.speaker)
        )
    return session


def _path_of(place: Place, said: Sequence[Said], leaf: object) -> list[Said]:
    """The messages that are read: all of them, where none names the one before it."""
    by_id = {one.id: one for one in said if isinstance(one.id, str)}
    if len(by_id) < len(said) or not any(isinstance(one.before, str) for one in said):
        return list(said)
    parents = {id: one.before if one.before in by_id else None for id, one in by_id.items()}
    if leaf is None or leaf not in by_id:
        leaf = said[-1].id
    return [by_id[id] for id in path_to(place, parents, leaf)]
