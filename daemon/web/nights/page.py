"""
The nights: the one that comes or runs, the reports of the others, the generations that they made.

A night under way is followed as it goes, its loss as it falls; when it ends, its report is there.
"""

from collections.abc import Awaitable, Callable

from nicegui import ui

from daemon.client import calls
from daemon.client.report_text import foretold
from daemon.client.schemas import nights as schemas
from daemon.client.transport import AsyncClient
from daemon.errors import DaemonError
from daemon.text import can_learn, sentence, spell
from daemon.web.components import dom
from daemon.web.layout import Visit
from daemon.web.nights.generations import Generations
from daemon.web.nights.loss_chart import curve_svg
from daemon.web.nights.reports import Reports

TABS = (("mornings", "Mornings"), ("generations", "Generations"))
LOOK_S = 1.0
WITHOUT_NIGHTS = "What you tell is remembered and recalled all the same; nights wait for a model that can."
STAGES = ("Study", "Teacher", "Learn", "Exam")


def build(visit: Visit) -> None:
    """Build the page."""
    dom.heading("Nights", "What I learn while you sleep, and what became of it.")
    asked = visit.query
    is_generation = "generation" in asked or asked.get("tab") == "generations"
    first = "generations" if is_generation else "mornings"
    tabs: dict[str, ui.element] = {}

    async def choose(key: str) -> None:
        for name, tab in tabs.items():
            tab.set_visibility(name == key)

    async def load() -> None:
        await reports.load()
        await generations.load()

    current = CurrentNight(visit.backend, on_end=load)
    dom.Tabs("What to show", TABS, first, choose)
    with dom.box("tab-page") as tabs["mornings"]:
        reports = Reports(visit.backend, asked.get("night", ""))
    with dom.box("tab-page") as tabs["generations"]:
        generations = Generations(visit.backend, asked.get("generation", ""))
    for name, tab in tabs.items():
        tab.set_visibility(name == first)
    ui.timer(0.01, load, once=True)
    current.follow()


class CurrentNight:
    """The card at the head: the night that comes or runs, and the button that begins one now."""

    def __init__(self, backend: AsyncClient, *, on_end: Callable[[], Awaitable[None]]) -> None:
        """`on_end`: called when a night that was seen running is over."""
        self._backend, self._on_end = backend, on_end
        self._ran = False
        self._by_itself: bool | None = None  # whether nights begin by themselves; None: not looked up yet
        self._cannot_learn: str | None = None  # why the model that answers has no nights
        self._costs = ""  # what the next night would cost, in words
        self._can_measure = False  # that is not known yet
        self._shown: object = None
        with dom.box("card tonight", tag="section").props("aria-live=polite"):
            self._body = dom.box("tonight-body")
            self._chart = ui.html("", sanitize=False)
        self._chart.set_visibility(False)

    def follow(self) -> None:
        """Look now, and every second from now on."""
        ui.timer(LOOK_S, self._look, immediate=True)

    async def _look(self) -> None:
        try:
            if self._by_itself is None:
                status = await self._backend.ask(calls.status())
                self._cannot_learn = status["model"]["cannot_learn"]
                self._by_itself = any(one["key"] == "night" and one["value"] for one in status["settings"])
            found = await self._backend.ask(calls.nights())
        except DaemonError as error:
            words = str(error)
            self._show_once(words, lambda: dom.problem(words))
            return
        progress = found["progress"]
        runs = progress is not None
        self._chart.set_visibility(runs and bool(found["curve"]["train"]))
        if progress is not None:
            running = progress
            told = (running, found["warning"], found["whole"], _left(found["left_s"]))
            self._show_once(told, lambda: _under_way(found, running, self._stop))
            if found["curve"]["train"]:
                self._chart.set_content(curve_svg(found["curve"]))
        else:
            job = found["job"]
            if self._shown is None or self._ran:  # nothing is looked up every second
                self._tell(await self._backend.ask(calls.night_estimate()))
            of_job = job and (job["id"], job["state"], job["error"])
            state = (of_job, found["waiting"], self._costs, self._can_measure)
            self._show_once(state, lambda: self._at_rest(found))
        if self._ran and not runs:
            await self._on_end()
        self._ran = runs

    def _show_once(self, state: object, show: Callable[[], object]) -> None:
        """Show what is new; what is shown already stays, so that nothing flickers."""
        if state == self._shown:
            return
        self._shown = state
        self._body.clear()
        with self._body:
            show()

    def _at_rest(self, found: schemas.CurrentNight) -> None:
        job = found["job"]
        error = job["error"] if job else None
        is_ordered = job is not None and job["state"] in ("waiting", "running") and not error
        with dom.box("row spread"):
            with dom.box("tonight-words"):
                dom.text("Tonight", tag="h2")
                if self._cannot_learn:
                    dom.text(f"The model {can_learn(self._cannot_learn)}. {WITHOUT_NIGHTS}", "soft")
                else:
                    dom.text(_next_night(found["waiting"], is_ordered, self._by_itself is not False), "soft")
                    dom.text(self._costs, "soft small")
                    if self._can_measure and not is_ordered:
                        dom.button("Measure", self._measure, kind="link")
            if not is_ordered and not self._cannot_learn:
                dom.button("Run a night now", self._order, picture="nights", kind="main")
        if error:
            dom.problem(sentence(f"The last night failed: {error}"))

    def _tell(self, found: schemas.NightEstimate) -> None:
        self._costs = foretold(found)
        self._can_measure = not found["why_none"] and not found["cost"]["by"]

    async def _measure(self) -> None:
        """Can take minutes: the words say so, and the button is gone meanwhile."""
        before = self._costs
        self._costs, self._can_measure = "Measuring this machine …", False
        await self._look()
        try:
            self._tell(await self._backend.ask(calls.night_estimate(measure=True)))
        except DaemonError:
            self._costs, self._can_measure = before, True
            raise
        await self._look()

    async def _stop(self) -> None:
        words = "Nothing of it is kept, and what answers stays as it is. None begins by itself today."
        if await dom.confirm("Stop this night?", words, yes="Stop it", kind="danger"):
            await self._backend.ask(calls.stop_night())
            dom.notify("Stopped. What answers is as it was.")
            await self._look()

    async def _order(self) -> None:
        await self._backend.ask(calls.night())
        dom.notify("Good night.")
        await self._look()


def _under_way(
    found: schemas.CurrentNight, progress: schemas.Progress, stop: Callable[[], Awaitable[None]]
) -> None:
    paused = found["paused"]
    now = _stage(progress)
    part = progress["done"] / progress["total"] if progress["total"] else 0.0
    note = str(progress["note"] or "beginning")
    if progress["total"]:
        note = f"{progress['done']:,} of {progress['total']:,} {progress['unit']}"
    with dom.box("row spread"):
        with dom.box("tonight-words"):
            dom.text("A night is under way", tag="h2")
            percent = f"{int(100 * (found['whole'] or 0))} % of it is over"
            dom.text(", ".join(filter(None, [percent, _left(found["left_s"])])) + ".", "soft number")
        with dom.box("row"):
            dom.chip(f"paused: {paused}", "warm") if paused else dom.chip(note, "wing")
            dom.button("Stop", stop, picture="stop")
    with dom.box("stages", tag="ol"):
        for place, name in enumerate(STAGES):
            state = "over" if place < now else "now" if place == now else "coming"
            done = {"over": 1.0, "now": part, "coming": 0.0}[state]
            with dom.box(f"stage {state}", tag="li"):
                dom.text(name, tag="span")
                dom.bar(done, f"{name}: {state}", kind="dawn")
    if found["warning"]:
        dom.text(sentence(f"It goes on although: {found['warning']}"), "warning")


def _left(seconds: float | None) -> str:
    """ "about 12 minutes left"; nothing while that is not known."""
    return f"about {spell(max(60.0, 60 * round(seconds / 60)))} left" if seconds is not None else ""


def _stage(progress: schemas.Progress) -> int:
    """Which of STAGES it is in."""
    if progress["unit"] in ("questions", "steps"):
        return 3 if progress["unit"] == "questions" else 2
    return (
        1
        if progress["unit"] == "lessons" and progress["note"] != "preparing the lessons" and progress["total"]
        else 0
    )


def _next_night(waits: str | None, is_ordered: bool, by_itself: bool) -> str:
    if is_ordered:
        return "A night is ordered, and begins in a moment."
    if not by_itself:
        return "Nights begin only when you ask for one."
    if not waits:
        return "A night begins by itself when it is time."
    if waits.startswith("until "):
        when = waits.removeprefix("until ")
        return f"The next night begins by itself at {when}, if the machine is at rest."
    return sentence(f"No night begins by itself now: {waits}")
