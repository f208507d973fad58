"""
Keys for programs: who has one, what it may, when it was used last; making one, which is shown once, and revoking.
"""

from daemon.client import calls
from daemon.client.schemas.status import KeyOfProgram, Keys
from daemon.client.transport import AsyncClient
from daemon.web.components import dom
from daemon.web.formatting import clock, day


class KeyRoom:
    """The card while somebody is on the page."""

    def __init__(self, backend: AsyncClient) -> None:
        self._backend = backend
        self._may = {"chat"}  # of the key to be made

    def build(self, found: Keys) -> None:
        """The card."""
        with dom.section("Keys for programs", "Each may no more than you say.", classes="keys"):
            self._list = dom.box("key-list", tag="ul")
            self._made = dom.box("key-made").props("aria-live=polite")
            with dom.details("Make a key", "make-key"):
                self._name = dom.Field("For which program?", hint="editor", name="program")
                with dom.box("scopes", tag="fieldset"):
                    dom.text("It may", "field-label", tag="legend")
                    for one in found["scopes"]:
                        self._scope(one["name"], one["may"])
                with dom.box("row"):
                    dom.button("Make it", self._make, kind="main")
        self._show(found)

    def _show(self, found: Keys) -> None:
        self._list.clear()
        with self._list:
            for one in found["keys"]:
                self._row(one)
            if not found["keys"]:
                dom.text("No program has a key of its own.", "soft", tag="li")

    def _row(self, one: KeyOfProgram) -> None:
        used = one["used_at"]
        last = f"used last on {day(used)}, {clock(used)}" if used else "never used"
        with dom.box("model-row", tag="li"):
            with dom.box("model-words"):
                with dom.box("row"):
                    dom.text(one["name"], "name")
                    for scope in one["may"]:
                        dom.chip(scope)
                dom.text(f"made on {day(one['made_at'])}, {last}", "soft small")
            revoke = dom.button("Revoke", lambda: self._revoke(one["name"]), kind="danger")
            revoke.props["aria-label"] = f"Revoke the key of {one['name']}"

    async def _make(self) -> None:
        made = await self._backend.ask(calls.make_key(self._name.value.strip(), sorted(self._may)))
        self._made.clear()
        with self._made, dom.box("new-key"):
            dom.text(f"The key of {made['name']}. It is shown only now:", "name")
            dom.command(made["key"])
        self._show(await self._backend.ask(calls.keys()))

    async def _revoke(self, name: str) -> None:
        words = "It is refused from the next request on. The program needs another one to come back."
        if await dom.confirm(f"Revoke the key of {name}?", words, yes="Revoke", kind="danger"):
            self._show(await self._backend.ask(calls.revoke_key(name)))
            self._made.clear()
            dom.notify("Revoked.")

    def _scope(self, name: str, may: str) -> None:
        with dom.box("also", tag="label"):
            tick = dom.box(tag="input").props("type=checkbox")
            if name in self._may:
                tick.props["checked"] = True
            dom.on(tick, "change", lambda: self._may.symmetric_difference_update({name}))
            dom.text(f"{name}: {may}", tag="span")
