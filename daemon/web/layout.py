"""
What every page has around it: the way to the other pages, the state of the daemon, the switch for light and dark.

One frame for all screens, a rail on wide ones and a bar on narrow ones; all of it can be reached by keyboard.
"""

import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from nicegui import ui

from daemon.client import calls
from daemon.client.schemas.status import Status
from daemon.client.transport import AsyncClient
from daemon.errors import DaemonError, NotRunning
from daemon.web.components import dom, icons
from daemon.web.confirmations import ConfirmationDialog

LOOK_S = 3.0
STATIC = Path(__file__).parent / "static"
HEAD = """
<link rel="stylesheet" href="/page/style.css?v={v}">
<link rel="stylesheet" href="/page/rooms.css?v={v}">
<link rel="stylesheet" href="/page/chat.css?v={v}">
<meta name="theme-color" content="#faf8f4">
<script src="/page/page.js?v={v}"></script>
"""
FIRST_PAINT = """
<div class="first-paint brand" aria-hidden="true"><span class="icon wing"><svg viewBox="0 0 24 24" fill="none"
stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">{wing}</svg></span>Tsubasa</div>
"""  # what is seen until the scripts have built the page; style.css takes it away then


@dataclass(frozen=True, slots=True)
class View:
    """One page that the rail leads to."""

    path: str
    name: str
    picture: str


VIEWS = (
    View("/", "Chat", "chat"),
    View("/memories", "Memories", "memories"),
    View("/nights", "Nights", "nights"),
    View("/inbox", "Inbox", "inbox"),
    View("/privacy", "Privacy", "privacy"),
    View("/settings", "Settings", "settings"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page is built with: one browser's visit to it."""

    backend: AsyncClient
    query: Mapping[str, str]  # what stands behind the ? of the address


@dataclass(frozen=True, slots=True)
class State:
    """How the daemon is, in a word."""

    kind: str  # "good", "busy", "night", "paused" or "bad"
    words: str
    more: str  # a sentence, for who wants to know
    leads_to: str = "/privacy"  # the page that tells the rest


@contextmanager
def frame(backend: AsyncClient, path: str, query: Mapping[str, str]) -> Generator[Visit]:
    """The layout around the page at `path`; the page is built inside."""
    ui.add_head_html(HEAD.format(v=_version()))
    ui.add_body_html(FIRST_PAINT.format(wing=icons.strokes("wing")))
    ui.on_exception(show_error)
    with ui.context.client.layout:
        skip = dom.link("Skip to content", "#room", classes="link skip")
        rail = _rail(backend, path)
    rail.move(target_index=0)
    skip.move(target_index=0)
    with dom.box(f"room room-{path.strip('/') or 'chat'}").props("id=room tabindex=-1"):
        ConfirmationDialog(backend)
        yield Visit(backend, query)


def favicon() -> str:
    """The wing, as SVG."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#6a67e0" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round">{icons.strokes("wing")}</svg>'
    )


@cache
def _version() -> str:
    """Changes with our style and script, so that a browser fetches them again after an update."""
    files = sorted(path for path in STATIC.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def show_error(error: Exception) -> None:
    """Say to the visitor what went wrong; NiceGUI has logged a bug, with its traceback."""
    bug = "Something inside Tsubasa went wrong; its log says what. Nothing that was kept is lost."
    dom.notify(str(error) if isinstance(error, DaemonError) else bug, "bad")


def _rail(backend: AsyncClient, path: str) -> ui.element:
    with dom.box("rail", tag="nav", label="Rooms") as rail:
        with dom.box("brand", tag="a", label="Tsubasa, to the chat").props("href=/"):
            icons.icon("wing", classes="wing")
            dom.text("Tsubasa", tag="span")
        with dom.box("rooms", tag="ul"):
            for view in VIEWS:
                with ui.element("li"):
                    link = dom.link(view.name, view.path, classes="door", picture=view.picture)
                if view.path == path:
                    link.props["aria-current"] = "page"
        with dom.box("rail-foot"):
            _StatusChip(backend)
            with dom.plain_button("icon-button theme", name="Switch between light and dark") as theme:
                icons.icon("sun", classes="if-dark")
                icons.icon("moon", classes="if-light")
            theme.on("click", js_handler="() => tsubasa.switchTheme()")
    return rail


class _StatusChip:
    """How the daemon is, looked up every few seconds; leads to where more is said."""

    def __init__(self, backend: AsyncClient) -> None:
        self._backend = backend
        self._whose = ""  # the profile's name, on a page that is not the main person's
        with dom.box("live").props("role=status"):
            with dom.box("status", tag="a").props("href=/privacy") as self._link:
                dom.box("dot", tag="span").props("aria-hidden=true")
                self._words = dom.text("…", tag="span")
        ui.timer(LOOK_S, self._look, immediate=True)

    async def _look(self) -> None:
        try:
            status = await self._backend.ask(calls.status())
            state, self._whose = state_of(status), status["profile"]
        except DaemonError as error:
            is_silent = isinstance(error, NotRunning)
            state = State("bad", "Not answering" if is_silent else "Trouble", str(error))
        words = f"{self._whose} · {state.words}" if self._whose else state.words
        if self._words.text == words and self._link.props.get("title") == state.more:
            return
        self._words.set_text(words)
        self._link.props["title"] = state.more
        self._link.props["href"] = state.leads_to
        self._link.classes(replace=f"status {state.kind}")
        self._link.update()


def state_of(status: Status) -> State:
    """What matters most: needs attention > logging paused > night running > thinking > making vectors > ready."""
    if status["attention"]:
        trouble = status["attention"][0]
        return State("bad", "Needs attention", f"{trouble['what']} {trouble['do']}")
    if not is_logging(status):
        return State("paused", "Paused", paused_until(status), "/")
    if progress := status["work"]["night"]["progress"]:
        whole = status["work"]["night"]["whole"]
        percent = f" {int(100 * whole)} %" if whole else ""
        return State("night", f"Night{percent}", f"A night is under way: {progress['note']}.", "/nights")
    if status["thinking"]["answers"]:
        return State("busy", "Thinking", "An answer is under way.", "/")
    if status["reindex"]:
        more = "All vectors are being made anew; what is held is found by its words meanwhile."
        return State("busy", "Indexing", more)
    generation = status["generation"]
    return State(
        "good", "Ready", f"Generation {generation} answers." if generation else "The base model answers."
    )


def is_logging(status: Status) -> bool:
    """Whether chats are kept."""
    return bool(status["logging"]["on"])


def paused_until(status: Status) -> str:
    """That logging is paused, and until when."""
    until = status["logging"]["until"]
    if not until:
        return "Logging is paused, until you resume it: nothing that is said now is kept."
    at = datetime.fromisoformat(until).astimezone()
    return f"Logging is paused until {at:%H:%M}: nothing that is said now is kept."
