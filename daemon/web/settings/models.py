"""
The models: which one answers, what each can do, how quick it was here, and fetching another one.

A download goes on whoever leaves the page; who comes back finds it as far as it is.
"""

from functools import partial

from nicegui import ui

from daemon.client import calls
from daemon.client.schemas.status import ModelHere, Models, Pull
from daemon.client.transport import AsyncClient
from daemon.errors import DaemonError
from daemon.text import can_learn, format_bytes, spell
from daemon.web.components import dom
from daemon.web.settings.restart import waits

LOOK_S = 1.0
STEPS = {
    "asking": "Asking where it lies …",
    "fetching": "Fetching",
    "checking": "Checking it: header, tokenizer, chat template, a first answer …",
}
OVER = ("done", "stopped", "failed")


class ModelRoom:
    """The card while somebody is on the page."""

    def __init__(self, backend: AsyncClient) -> None:
        self._backend = backend

    def build(self, found: Models) -> None:
        """The card."""
        lead = "Memories stay with you, whichever answers. What a night taught belongs to the model that it taught."
        with dom.section("Models", lead, classes="models"):
            self._pull = dom.box("pull-place").props("aria-live=polite")
            self._list = dom.box("model-list", tag="ul")
            with dom.details("Download another model", "another-model"):
                self._known = dom.box("model-list", tag="ul")
                self._another()
        self._timer = ui.timer(LOOK_S, self._look, active=False)
        self._show(found)

    def _show(self, found: Models) -> None:
        for place, is_here in ((self._list, True), (self._known, False)):
            place.clear()
            with place:
                for one in found["models"]:
                    if bool(one["file"]) is is_here:
                        self._row(one)
        self._show_pull(found["pull"])
        if any(one["chosen"] and not one["serves"] for one in found["models"]):
            with self._pull:
                waits(self._backend, "The model that you chose answers from the next start on.")

    def _row(self, one: ModelHere) -> None:
        with dom.box("model-row", tag="li"):
            with dom.box("model-words"):
                with dom.box("row"):
                    dom.text(one["title"], "name")
                    _chips(one)
                dom.text(_what(one), "soft small")
                if one["file"]:
                    dom.text(one["file"], "soft small mono path")
                if one["wrong"]:
                    dom.problem(one["wrong"])
            with dom.box("row model-actions"):
                self._buttons(one)

    def _buttons(self, one: ModelHere) -> None:
        if not one["file"]:
            fetch = dom.button("Download", partial(self._start, one["name"], True), picture="download")
            fetch.props["aria-label"] = f"Download {one['title']}"
            return
        if one["wrong"]:
            return
        if not one["chosen"]:
            use = dom.button("Use", partial(self._use, one["file"]), kind="main")
            use.props["aria-label"] = f"Use {one['title']}"
        if one["tokens_per_s"] is None:
            measure = dom.button("Measure", partial(self._start, one["file"], False), kind="link")
            measure.props["aria-label"] = f"Measure how quick {one['title']} is here"

    def _another(self) -> None:
        with dom.box("row another"):
            field = dom.Field("Any other chat model of the hub", hint="OWNER/REPOSITORY", name="repository")
            dom.button("Download", lambda: self._typed(field), picture="download")
        dom.text("A GGUF file of your own, or another address, is taken in a terminal:", "soft small")
        dom.command("tsubasa pull FILE.gguf")

    async def _typed(self, field: dom.Field) -> None:
        if wanted := field.value.strip():
            await self._start(wanted, True)

    async def _start(self, model: str, use: bool) -> None:
        self._show_pull((await self._backend.ask(calls.start_pull(model, use=use)))["pull"])

    async def _stop(self) -> None:
        self._show_pull((await self._backend.ask(calls.stop_pull()))["pull"])

    async def _use(self, file: str) -> None:
        self._show(await self._backend.ask(calls.use_model(file)))
        dom.notify("Written into config.toml.")

    async def _look(self) -> None:
        try:
            found = (await self._backend.ask(calls.pull()))["pull"]
            if found is None or found["step"] in OVER:
                self._timer.deactivate()
                self._show(await self._backend.ask(calls.local_models()))
            else:
                self._show_pull(found)
        except DaemonError:
            return  # the chip in the corner says so; the next look may do better

    def _show_pull(self, found: Pull | None) -> None:
        self._pull.clear()
        if found is None:
            return
        with self._pull:
            if found["step"] == "failed":
                dom.problem(found["error"] or "The download failed.")
            elif found["step"] == "stopped":
                dom.text(f"{found['model']} was stopped. The next download of it goes on from there.", "soft")
            elif found["step"] not in OVER:
                self._under_way(found)
        self._timer.active = found["step"] not in OVER

    def _under_way(self, found: Pull) -> None:
        with dom.box("pull"):
            with dom.box("row spread"):
                dom.text(found["file"].rpartition("/")[2] or found["model"], "name")
                dom.button("Cancel", self._stop)
            words = how_far(found)
            if found["total"] and found["step"] == "fetching":
                dom.bar(found["done"] / found["total"], words)
            dom.text(words, "soft small number")


def how_far(found: Pull) -> str:
    """ "Fetching: 1.2 GB of 2.5 GB, 48 %, 3 minutes left"."""
    if found["step"] != "fetching":
        return STEPS[found["step"]]
    done, total = found["done"], found["total"]
    parts = [f"{format_bytes(done)} of {format_bytes(total)}" if total else format_bytes(done)]
    if total:
        parts.append(f"{100 * done // total} %")
    if found["left_s"] is not None:
        parts.append(f"{spell(found['left_s'])} left")
    if found["note"]:
        parts.append(found["note"])
    return "Fetching: " + ", ".join(parts)


def _chips(one: ModelHere) -> None:
    if one["serves"]:
        dom.chip("answers now", "good")
    if one["chosen"] and not one["serves"]:
        dom.chip("from the next start on", "warm")
    if one["learns"] is not None:
        dom.chip("learns" if one["learns"] else "answers only", "wing" if one["learns"] else "")


def _what(one: ModelHere) -> str:
    size = format_bytes(one["bytes"]) if one["bytes"] else ""
    memory = f"{one['memory_gb']:g} GB of memory" if one["memory_gb"] else ""
    speed = f"{one['tokens_per_s']:.0f} tokens a second, measured here" if one["tokens_per_s"] else ""
    learns = f"It {can_learn(one['cannot_learn'])}" if one["cannot_learn"] else ""
    return " · ".join(filter(None, [size, memory, speed, learns]))
