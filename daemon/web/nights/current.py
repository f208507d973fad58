"""
The night that comes or runs: when, how far it is, its loss as it falls; and the button that begins one now.

Promises: looked at every second while a night runs; what fails is said in its place. Knows nothing of past nights.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import ui

from daemon.errors import DaemonError
from daemon.text import sentence
from daemon.web.backend import Desk
from daemon.web.components import basic
from daemon.web.components.inputs import bar
from daemon.web.nights.loss_chart import curve_svg

LOOK_S = 1.0
STAGES = ("Study", "Teacher", "Learn", "Exam")
ORDERED = ("waiting", "running")
Found = Mapping[str, Any]


class Tonight:
    """The card at the head of the room."""

    def __init__(self, desk: Desk, *, on_end: Callable[[], Awaitable[None]]) -> None:
        """`on_end`: called when a night that was seen running is over."""
        self._desk, self._on_end = desk, on_end
        self._ran = False
        self._by_itself: bool | None = None  # whether nights begin by themselves; None: not looked up yet
        self._shown: object = None
        self._card = basic.box("card tonight", tag="section").props("aria-live=polite")
        with self._card:
            self._body = basic.box("tonight-body")
            self._chart = ui.html("", sanitize=False)
        self._chart.set_visibility(False)

    def follow(self) -> None:
        """Look now, and every second from now on."""
        ui.timer(LOOK_S, self._look, immediate=True)

    async def _look(self) -> None:
        try:
            if self._by_itself is None:
                self._by_itself = _setting(await self._desk.ask(lambda client: client.status()), "night")
            found = await self._desk.ask(lambda client: client.nights())
        except DaemonError as error:
            words = str(error)
            self._once(words, lambda: basic.problem(words))
            return
        runs = found["progress"] is not None
        self._chart.set_visibility(runs and bool(found["curve"]["train"]))
        if runs:
            self._once((found["progress"], found["warning"]), lambda: _under_way(found))
            if found["curve"]["train"]:
                self._chart.set_content(curve_svg(found["curve"]))
        else:
            job = found["job"] or {}
            state = (job.get("id"), job.get("state"), job.get("error"), found["waiting"])
            self._once(state, lambda: self._at_rest(found))
        if self._ran and not runs:
            await self._on_end()
        self._ran = runs

    def _once(self, state: object, show: Callable[[], object]) -> None:
        """Show what is new; what is shown already stays, so that nothing flickers."""
        if state == self._shown:
            return
        self._shown = state
        self._body.clear()
        with self._body:
            show()

    def _at_rest(self, found: Found) -> None:
        job = found["job"] or {}
        ordered = job.get("state") in ORDERED and not job.get("error")
        with basic.box("row spread"):
            with basic.box("tonight-words"):
                basic.text("Tonight", tag="h2")
                basic.text(_coming(found, ordered, self._by_itself is not False), "soft")
            if not ordered:
                basic.button("Run a night now", self._order, picture="nights", kind="main")
        if job.get("error"):
            basic.problem(sentence(f"The last night failed: {job['error']}"))

    async def _order(self) -> None:
        await self._desk.ask(lambda client: client.night())
        basic.say("Good night.")
        await self._look()


def _under_way(found: Found) -> None:
    progress = found["progress"]
    now = _stage(progress)
    part = progress["done"] / progress["total"] if progress["total"] else 0.0
    with basic.box("row spread"):
        basic.text("A night is under way", tag="h2")
        basic.chip(_note(progress, found["paused"]), "warm" if found["paused"] else "wing")
    with basic.box("stages", tag="ol"):
        for place, name in enumerate(STAGES):
            state = "over" if place < now else "now" if place == now else "coming"
            with basic.box(f"stage {state}", tag="li"):
                basic.text(name, tag="span")
                bar(1.0 if place < now else part if place == now else 0.0, f"{name}: {state}", kind="dawn")
    if found["warning"]:
        basic.text(sentence(f"It goes on although: {found['warning']}"), "warning")


def _stage(progress: Found) -> int:
    if progress["unit"] == "questions":
        return 3
    if progress["unit"] == "steps":
        return 2
    return 1 if progress["unit"] == "lessons" and progress["note"] != "studying" and progress["total"] else 0


def _note(progress: Found, paused: str | None) -> str:
    if paused:
        return f"paused: {paused}"
    if not progress["total"]:
        return str(progress["note"] or "beginning")
    return f"{progress['done']:,} of {progress['total']:,} {progress['unit']}"


def _coming(found: Found, ordered: bool, by_itself: bool) -> str:
    if ordered:
        return "A night is ordered, and begins in a moment."
    waits = found["waiting"]
    if not by_itself:
        return "Nights begin only when you ask for one."
    if waits and waits.startswith("until "):
        return (
            f"The next night begins by itself at {waits.removeprefix('until ')}, if the machine is at rest."
        )
    return (
        sentence(f"No night begins by itself now: {waits}")
        if waits
        else "A night begins by itself when it is time."
    )


def _setting(status: Found, key: str) -> bool:
    return any(one["key"] == key and one["value"] for one in status["settings"])
