"""
What a program wants to do and a person must allow: asked on whatever page that person is.

What is shown is what will be done. Closing the dialog decides nothing; one decided elsewhere goes away.
"""

from nicegui import ui

from daemon.client import calls
from daemon.client.schemas.memories import Confirmation
from daemon.client.transport import AsyncClient
from daemon.errors import DaemonError
from daemon.text import counted, upright
from daemon.web.components import dom
from daemon.web.formatting import clock

LOOK_S = 3.0


class ConfirmationDialog:
    """Looks every few seconds whether somebody waits, and asks about one at a time."""

    def __init__(self, backend: AsyncClient) -> None:
        self._backend = backend
        self._put_off: set[str] = set()  # closed without a decision: not asked again in this visit
        self._shown: str | None = None
        with dom.dialog("A program asks", "wide confirming") as self._dialog:
            self._body = dom.box("forgetting")
        self._dialog.on("hide", self._closed)
        ui.timer(LOOK_S, self._look, immediate=True)

    async def _look(self) -> None:
        try:
            found = (await self._backend.ask(calls.confirmations()))["confirmations"]
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

    def _ask(self, one: Confirmation) -> None:
        self._shown = one["id"]
        self._body.clear()
        with self._body:
            _describe(one)
            with dom.box("actions"):
                dom.button("Refuse", lambda: self._decide(one["id"], False))
                yes = ("Forget for good", "danger") if one["act"] == "forget" else ("Allow", "main")
                dom.button(yes[0], lambda: self._decide(one["id"], True), kind=yes[1])
        self._dialog.open()

    async def _decide(self, id: str, allow: bool) -> None:
        if self._shown != id:  # the second click of two
            return
        self._shown = None
        self._put_off.add(id)
        self._dialog.close()
        await self._backend.ask(calls.confirm(id, allow))
        dom.notify("Done." if allow else "Refused. Nothing was changed.")

    def _closed(self) -> None:
        if self._shown is not None:
            self._put_off.add(self._shown)
            self._shown = None


def _describe(one: Confirmation) -> None:
    forgets = one["act"] == "forget"
    dom.text(f"{one['asked_by']} wants to {'forget' if forgets else 'reword'} this", tag="h2")
    with dom.box("goes" if forgets else "goes rewords", tag="ul"):
        for memory in one["memories"]:
            dom.text(upright(memory["text"]), tag="li")
    if one["text"]:
        dom.text("It should say:", "soft")
        dom.text(upright(one["text"]), "statement")
    if takes := one["takes"]:
        gone = counted(len(takes["memories"]), "memory", "memories")
        lessons = counted(takes["lessons"], "lesson")
        dom.text(f"Forgetting takes {gone} and {lessons}, and can't be undone.", "warning")
    ends = f"at {clock(one['expires_at'])} the question goes away"
    dom.text(f"Nothing happens unless you allow it; {ends}.", "soft")
