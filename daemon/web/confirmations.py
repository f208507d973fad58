"""
What a program wants to do that a person must allow: asked in whatever room that person is.

Promises: what is shown is what will be done; closing the dialog decides nothing; one decided elsewhere goes away.
Knows nothing of the rooms.
"""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from daemon.errors import DaemonError
from daemon.text import counted, upright
from daemon.web.backend import Desk
from daemon.web.components import basic
from daemon.web.formatting import clock

LOOK_S = 3.0
Found = Mapping[str, Any]


class Confirming:
    """Looks every few seconds whether somebody waits, and asks about one at a time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._put_off: set[str] = set()  # closed without a decision: not asked again in this visit
        self._shown: str | None = None
        with ui.dialog() as self._dialog, basic.box("dialog wide confirming"):
            self._body = basic.box("forgetting")
        self._dialog.props["aria-label"] = "A program asks"
        self._dialog.on("hide", self._closed)
        ui.timer(LOOK_S, self._look, immediate=True)

    async def _look(self) -> None:
        try:
            found = (await self._desk.ask(lambda client: client.confirmations()))["confirmations"]
        except DaemonError:  # the state in the corner says that nobody answers
            return
        waiting = {one["id"]: one for one in found}
        if self._shown is not None:
            if self._shown not in waiting:
                self._shown = None
                self._dialog.close()
            return
        wanted = next((one for id, one in waiting.items() if id not in self._put_off), None)
        if wanted is not None:
            self._ask(wanted)

    def _ask(self, one: Found) -> None:
        self._shown = one["id"]
        self._body.clear()
        with self._body:
            _say(one)
            with basic.box("actions"):
                basic.button("Refuse", lambda: self._decide(one["id"], False))
                yes = ("Forget for good", "danger") if one["act"] == "forget" else ("Allow", "main")
                basic.button(yes[0], lambda: self._decide(one["id"], True), kind=yes[1])
        self._dialog.open()

    async def _decide(self, id: str, allow: bool) -> None:
        if self._shown != id:  # the second click of two
            return
        self._shown = None
        self._put_off.add(id)
        self._dialog.close()
        await self._desk.ask(lambda client: client.confirm(id, allow))
        basic.say("Done." if allow else "Refused. Nothing was changed.")

    def _closed(self) -> None:
        if self._shown is not None:
            self._put_off.add(self._shown)
            self._shown = None


def _say(one: Found) -> None:
    forgets = one["act"] == "forget"
    basic.text(f"{one['asked_by']} wants to {'forget' if forgets else 'reword'} this", tag="h2")
    with basic.box("goes" if forgets else "goes rewords", tag="ul"):
        for memory in one["memories"]:
            basic.text(upright(memory["text"]), tag="li")
    if one["text"]:
        basic.text("It should say:", "soft")
        basic.text(upright(one["text"]), "statement")
    takes = one["takes"]
    if takes:
        gone = counted(len(takes["memories"]), "memory", "memories")
        lessons = counted(takes["lessons"], "lesson")
        basic.text(f"Forgetting takes {gone} and {lessons}, and can't be taken back.", "warning")
    basic.text(
        f"Nothing happens unless you allow it; at {clock(one['expires_at'])} the question goes away.", "soft"
    )
