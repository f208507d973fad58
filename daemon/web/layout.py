"""
What every room has around it: the way to the other rooms, the state of the daemon, the switch for the light.

Promises: one frame on all screens, a rail on wide ones and a bar on narrow ones; all of it can be reached by
keyboard; the state is looked up every few seconds, and whoever waits for an MCP tool's confirmation is asked.
Knows nothing of what is in the rooms.
"""

import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nicegui import ui

from daemon.errors import DaemonError, NotRunning
from daemon.web.backend import Desk
from daemon.web.components import basic, icons
from daemon.web.confirmations import Confirming
from daemon.web.status import State, state_of

LOOK_S = 3.0
STATIC = Path(__file__).parent / "static"
FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#6a67e0" stroke-width="2" '
    f'stroke-linecap="round" stroke-linejoin="round">{icons.WING}</svg>'
)
HEAD = """
<link rel="stylesheet" href="/page/style.css?v={v}">
<link rel="stylesheet" href="/page/rooms.css?v={v}">
<link rel="stylesheet" href="/page/chat.css?v={v}">
<script src="/page/page.js?v={v}"></script>
<meta name="theme-color" content="#faf8f4">
"""


@dataclass(frozen=True, slots=True)
class Room:
    """One place of the page."""

    path: str
    name: str
    picture: str


ROOMS = (
    Room("/", "Chat", "chat"),
    Room("/memories", "Memories", "memories"),
    Room("/nights", "Nights", "nights"),
    Room("/inbox", "Inbox", "inbox"),
    Room("/privacy", "Privacy", "privacy"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a room is built with."""

    desk: Desk
    asked: Mapping[str, str]  # what stands behind the ? of the address


@contextmanager
def frame(desk: Desk, path: str, asked: Mapping[str, str]) -> Generator[Visit]:
    """The shell around the room at `path`; the room is built inside."""
    ui.add_head_html(HEAD.format(v=_mark()))
    ui.on_exception(tell)
    client = ui.context.client
    with client.layout:
        skip = basic.link("Skip to the room", "#room", classes="skip")
        rail = _rail(desk, path)
    rail.move(target_index=0)
    skip.move(target_index=0)
    with basic.box(f"room room-{path.strip('/') or 'chat'}") as room:
        room.props("id=room tabindex=-1")
        Confirming(desk)
        yield Visit(desk, asked)


@cache
def _mark() -> str:
    """Changes with our style and script, so that a browser fetches them anew after an update."""
    files = sorted(path for path in STATIC.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def tell(error: Exception) -> None:
    """Say to the visitor what went wrong; NiceGUI has put a bug into the log, with its traceback."""
    if isinstance(error, DaemonError):
        basic.say(str(error), "bad")
    else:
        basic.say(
            "Something inside Tsubasa went wrong; its log says what. Nothing that was kept is lost.", "bad"
        )


def _rail(desk: Desk, path: str) -> ui.element:
    rail = basic.box("rail", tag="nav")
    rail.props["aria-label"] = "Rooms"
    with rail:
        brand = ui.element("a").classes("brand").props("href=/")
        brand.props["aria-label"] = "Tsubasa, to the chat"
        with brand:
            icons.icon("wing", classes="wing")
            basic.text("Tsubasa", tag="span")
        with basic.box("rooms", tag="ul"):
            for room in ROOMS:
                with ui.element("li"):
                    _door(room, is_here=room.path == path)
        with basic.box("rail-foot"):
            _Chip(desk)
            theme = ui.element("button").classes("icon-button theme").props("type=button")
            theme.props["aria-label"] = "Switch between light and dark"
            theme.props["title"] = "Light or dark"
            theme.on("click", js_handler="() => tsubasa.switchTheme()")
            with theme:
                icons.icon("sun", classes="if-dark")
                icons.icon("moon", classes="if-light")
    return rail


def _door(room: Room, *, is_here: bool) -> None:
    door = ui.element("a").classes("door")
    door.props["href"] = room.path
    if is_here:
        door.props["aria-current"] = "page"
    with door:
        icons.icon(room.picture)
        basic.text(room.name, tag="span")


class _Chip:
    """How the daemon is, in a word; leads to where more is said."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asking: set[Any] = set()
        with basic.box("live").props("role=status"):
            self._link = ui.element("a").classes("status").props("href=/privacy")
        with self._link:
            self._dot = basic.box("dot", tag="span").props("aria-hidden=true")
            self._words = basic.text("…", tag="span")
        ui.timer(LOOK_S, self._look, immediate=True)

    async def _look(self) -> None:
        try:
            state = state_of(await self._desk.ask(lambda client: client.status()))
        except DaemonError as error:
            silent = isinstance(error, NotRunning)
            state = State("bad", "Not answering" if silent else "Trouble", str(error), "/privacy")
        self._show(state)

    def _show(self, state: State) -> None:
        if self._words.text == state.words and self._link.props.get("title") == state.more:
            return
        self._words.set_text(state.words)
        self._link.props["title"] = state.more
        self._link.props["href"] = state.leads_to
        self._link.classes(replace=f"status {state.kind}")
        self._link.update()
