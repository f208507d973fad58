"""
Further furniture of the rooms: labelled choices, days, tabs, a place that waits.

Promises: as `basic.py`: plain elements, each with a label. Knows nothing of the rooms.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from nicegui import ui

from daemon.errors import DaemonError
from daemon.web.components import basic
from daemon.web.components.basic import Handler

_VALUE = "(event) => emit(event.target.value)"


def labelled_choice(
    label: str, options: Sequence[tuple[str, str]], value: str, on_change: Handler
) -> ui.element:
    """A select with its label above it; `on_change` gets the event, the value in `.args`."""
    with basic.box("field") as made:
        basic.text(label, "field-label").props("aria-hidden=true")
        basic.choice(label, options, value, on_change)
    return made


class DateField:
    """A day to choose, empty at first; its words are in `.value`, "2026-03-05" or ""."""

    def __init__(self, label: str, *, latest: str = "", on_change: Handler | None = None) -> None:
        self.value = ""
        self._on_change = on_change
        with basic.box("field"):
            words = basic.text(label, "field-label", tag="label")
            self._input = basic.box("choice date", tag="input").props("type=date")
            self._input.props["max"] = latest
            self._input.props["id"] = f"d{self._input.id}"
            words.props["for"] = f"d{self._input.id}"
            basic.on(self._input, "change", self._changed, js_handler=_VALUE)

    async def _changed(self, event: Any) -> None:
        self.value = str(event.args or "")
        if self._on_change is not None:
            await self._on_change(self.value)


class Tabs:
    """Names in a row, one of them chosen; `on_choose` is told its key."""

    def __init__(self, label: str, names: Sequence[tuple[str, str]], chosen: str, on_choose: Handler) -> None:
        self._on_choose = on_choose
        self._tabs: dict[str, ui.element] = {}
        with basic.box("tabs").props("role=group") as group:
            group.props["aria-label"] = label
            for key, words in names:
                with basic.box("tab", tag="button").props("type=button") as tab:
                    basic.text(words, tag="span")
                basic.on(tab, "click", lambda _, key=key: self._choose(key))
                self._tabs[key] = tab
        self._mark(chosen)

    async def _choose(self, key: str) -> None:
        self._mark(key)
        await self._on_choose(key)

    def _mark(self, chosen: str) -> None:
        for key, tab in self._tabs.items():
            tab.props["aria-pressed"] = "true" if key == chosen else "false"
            tab.update()


def waiting(words: str = "One moment …") -> ui.element:
    """What stands where something is being fetched."""
    return basic.text(words, "one-moment soft")


def bar(part: float, label: str, *, kind: str = "") -> ui.element:
    """How much of a whole, 0 to 1, as a bar that also says it."""
    with basic.box(f"bar {kind}").props("role=img") as made:
        made.props["aria-label"] = label
        basic.box("fill").style(f"width: {max(0.0, min(1.0, part)):.1%}")
    return made


def facts(pairs: Sequence[tuple[str, str]], *, classes: str = "") -> ui.element:
    """Names and what belongs to each, in two columns; an empty one is left out."""
    with basic.box(f"pairs {classes}", tag="dl") as made:
        for name, value in pairs:
            if value:
                basic.text(name, tag="dt")
                basic.text(value, tag="dd")
    return made


def way(words: str, to: str, *, kind: str = "main") -> ui.element:
    """A link that looks like a button, to another room."""
    made = basic.box(f"button {kind}", tag="a")
    made.props["href"] = to
    with made:
        basic.text(words, tag="span")
    return made


async def fill(place: ui.element, load: Callable[[], Awaitable[None]]) -> None:
    """Have `load` fill a place; where the daemon can't tell, say so there, with a way to try again."""
    try:
        await load()
    except DaemonError as error:
        place.clear()
        with place:
            basic.problem(str(error))
            basic.button("Try again", lambda: fill(place, load), picture="retry", classes="again")


def put_away(dialog: ui.dialog) -> None:
    """Remove a dialog that is over; whoever left the room has taken it away already."""
    if not dialog.is_deleted:
        dialog.delete()
