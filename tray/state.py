"""
What the icon shows, as a pure function of what the daemon says.

    /tsubasa/status, generations, confirmations ──view──> look, title, menu

What can't be done is not offered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from daemon.client.schemas.chats import Logging
from daemon.client.schemas.memories import Confirmation
from daemon.client.schemas.nights import Generations, NightState
from daemon.client.schemas.status import Status, Trouble

Look = Literal["down", "asked", "attention", "paused", "off the record", "thinking", "night", "ready"]
Does = Literal["open", "pause", "resume", "night", "use", "allow", "refuse", "start", "quit"]
PAUSES = {30: "For 30 minutes", 120: "For 2 hours", 0: "Until I resume it"}  # 0: no end
MOST_GENERATIONS = 8
LONGEST = 64  # characters of one line
MOST_QUOTED = 3  # memories of one confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What an entry does when it is chosen."""

    does: Does
    to: str = ""  # a path of the page, minutes, a generation, a confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the menu; without action or entries below it is only read."""

    label: str
    action: Action | None = None
    below: tuple["Entry", ...] = ()
    checked: bool | None = None  # None: it is not one of several to choose from
    default: bool = False  # what a click on the icon means


LINE = Entry(label="")  # between groups


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that is shown."""

    look: Look
    title: str  # one line, at the pointer
    menu: tuple[Entry, ...]
    percent: int | None = None  # of the night that runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of the daemon."""

    status: Status | None = None  # None: it does not answer
    why_down: str = "Tsubasa is not running"
    starting: bool = False
    generations: Generations = field(default_factory=lambda: Generations(live=0, generations=[]))
    confirmations: Sequence[Confirmation] = ()


def view(seen: Seen) -> View:
    """What the icon shows."""
    quit_entry = Entry(label="Close this icon (Tsubasa goes on)", action=Action(does="quit"))
    if seen.status is None:
        why = "Tsubasa is starting…" if seen.starting else seen.why_down
        start = (
            ()
            if seen.starting
            else (Entry(label="Start Tsubasa", action=Action(does="start"), default=True),)
        )
        alone = Entry(label="Close this icon", action=Action(does="quit"))
        return View(look="down", title=_short(why), menu=(Entry(label=_short(why)), *start, LINE, alone))
    headline = _headline(seen.status, seen.confirmations)
    menu = (
        Entry(label=_short(headline)),
        *map(_trouble, seen.status["attention"]),
        LINE,
        *map(_confirmation, seen.confirmations),
        LINE,
        Entry(label="Open Tsubasa", action=Action(does="open", to="/"), default=True),
        Entry(label="New private chat", action=Action(does="open", to="/?private=1")),
        LINE,
        _logging(seen.status["logging"]),
        _night(seen.status["work"]["night"]),
        _generations(seen.generations),
        LINE,
        quit_entry,
    )
    return View(
        look=_look(seen.status, seen.confirmations),
        title=_short(f"Tsubasa: {headline[:1].lower()}{headline[1:]}"),
        menu=_without_double_lines(menu),
        percent=_percent(seen.status["work"]["night"]),
    )


def _look(status: Status, confirmations: Sequence[Confirmation]) -> Look:
    """What matters most: a question to the person first, then what is wrong, then what goes on."""
    looks: tuple[tuple[object, Look], ...] = (
        (confirmations, "asked"),
        (status["attention"], "attention"),
        (not status["logging"]["on"], "paused"),
        (status["thinking"]["off_the_record"], "off the record"),
        (status["thinking"]["answers"], "thinking"),
        (status["work"]["night"]["progress"], "night"),
    )
    return next((look for holds, look in looks if holds), "ready")


def _headline(status: Status, confirmations: Sequence[Confirmation]) -> str:
    match _look(status, confirmations):
        case "asked":
            count = len(confirmations)
            return (
                "A program asks for your permission" if count == 1 else f"{count} permissions are asked for"
            )
        case "attention":
            count = len(status["attention"])
            return "Something needs your attention" if count == 1 else f"{count} things need your attention"
        case "paused":
            return f"Logging is paused{_until(status['logging'])}: nothing is kept"
        case "off the record":
            return "Answering off the record"
        case "thinking":
            return "Thinking"
        case "night":
            return _night_line(status["work"]["night"])
    generation = status["generation"]
    return f"Ready, with generation {generation}" if generation else "Ready, with the base model"


def _trouble(trouble: Trouble) -> Entry:
    rest = _lines(trouble["what"])[1:]
    below = (*(Entry(label=line) for line in rest), *(Entry(label=line) for line in _lines(trouble["do"])))
    open_page = Entry(label="Look at the page", action=Action(does="open", to="/"))
    return Entry(label=f"! {_short(trouble['what'], LONGEST - 2)}", below=(*below, LINE, open_page))


def _confirmation(asked: Confirmation) -> Entry:
    quoted = [memory["text"] for memory in asked["memories"]][:MOST_QUOTED]
    more = len(asked["memories"]) - len(quoted)
    lines = [line for text in quoted for line in _lines(f"“{text}”")]
    if more > 0:
        lines.append(f"and {more} more")
    if asked["text"]:
        lines += ["to be put as:", *_lines(f"“{asked['text']}”")]
    allow = "Allow: forget it for good" if asked["act"] == "forget" else "Allow the change"
    return Entry(
        label=f"? {_short(asked['says'], LONGEST - 2)}",
        below=(
            *(Entry(label=line) for line in lines),
            LINE,
            Entry(label=allow, action=Action(does="allow", to=asked["id"])),
            Entry(label="Refuse", action=Action(does="refuse", to=asked["id"])),
            Entry(label="Look at the page first", action=Action(does="open", to="/")),
        ),
    )


def _logging(logging: Logging) -> Entry:
    if not logging["on"]:
        return Entry(label=f"Resume logging (paused{_until(logging)})", action=Action(does="resume"))
    pauses = tuple(
        Entry(label=label, action=Action(does="pause", to=str(minutes))) for minutes, label in PAUSES.items()
    )
    return Entry(label="Pause logging", below=pauses)


def _until(logging: Logging) -> str:
    if not logging["until"]:
        return ""
    return f" until {datetime.fromisoformat(logging['until']).astimezone():%H:%M}"


def _night(night: NightState) -> Entry:
    if night["progress"]:
        return Entry(label=_short(_night_line(night)), action=Action(does="open", to="/nights"))
    return Entry(label="Run a night now", action=Action(does="night"))


def _night_line(night: NightState) -> str:
    percent = _percent(night)
    progress = night["progress"]
    note = (progress and progress["note"]) or "under way"
    return f"Night: {note}" + ("" if percent is None else f", {percent} %")


def _percent(night: NightState) -> int | None:
    """Of the whole night, as the page says it."""
    whole = night["whole"]
    return None if whole is None else int(max(0, min(100, 100 * whole)))


def _generations(found: Generations) -> Entry:
    """The newest generations that can answer, the live one, and the base model; one click goes to any."""
    live = found["live"]
    able = [one for one in found["generations"] if one["why_not"] is None]
    newest = {one["id"] for one in able[-MOST_GENERATIONS:]} | {live}
    shown = [
        Entry(
            label=f"{one['id']}, made {str(one['made_at'])[:10]}",
            action=Action(does="use", to=str(one["id"])),
            checked=one["id"] == live,
        )
        for one in reversed(able)
        if one["id"] in newest
    ]
    base = Entry(label="Base model", action=Action(does="use", to="0"), checked=live == 0)
    return Entry(label=f"Generation: {live or 'base model'}", below=(*shown, base))


def _short(text: str, longest: int = LONGEST) -> str:
    """`text` in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _lines(text: str) -> list[str]:
    """`text` broken between words into at most four lines; what does not fit is cut."""
    found = [""]
    for word in text.split():
        word = _short(word)
        if found[-1] and len(found[-1]) + 1 + len(word) > LONGEST:
            found.append(word)
        else:
            found[-1] = f"{found[-1]} {word}".strip()
    return found if len(found) <= 4 else [*found[:3], found[3][: LONGEST - 1] + "…"]


def _without_double_lines(menu: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(
        entry for before, entry in zip((LINE, *menu), menu, strict=False) if entry != LINE or before != LINE
    )
