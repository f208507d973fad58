"""
The mornings: the report of one night as one would tell it, beside the list of all nights.

Promises: what was forgotten since is in no report; each line leads to its memory. Knows nothing of the night that runs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nicegui import ui

from daemon.client.report_text import OUTCOMES, headline, paragraphs, sections
from daemon.text import WHY_WAITING
from daemon.web.backend import Desk
from daemon.web.components import basic
from daemon.web.components.inputs import fill, waiting
from daemon.web.formatting import clock, day, weekday
from daemon.web.nights.exam_table import exam_table
from daemon.web.nights.loss_chart import curve_svg

MOST_LINES = 12  # of one list, before the rest is folded away
Report = Mapping[str, Any]


class Mornings:
    """The part of the room that tells of past nights."""

    def __init__(self, desk: Desk, first: str) -> None:
        """`first`: the number of the night to show; "" = the latest."""
        self._desk, self._first = desk, first
        self._rows: dict[int, ui.element] = {}
        with basic.box("mornings"):
            self._report = basic.box("report card", tag="article")
            self._list = basic.box("nights-list")
        with self._report:
            waiting()

    async def load(self) -> None:
        """Look up all nights, and tell the one that was asked for, or the latest."""
        await fill(self._report, self._load)

    async def _load(self) -> None:
        found = (await self._desk.ask(lambda client: client.past_nights()))["nights"]
        if not found:
            self._show_nothing()
            return
        self._show_list(found)
        known = {one["night"] for one in found}
        wanted = (
            int(self._first) if self._first.isdigit() and int(self._first) in known else found[0]["night"]
        )
        await self.show(wanted)

    async def show(self, night: int) -> None:
        """Tell one night."""
        report = await self._desk.ask(lambda client: client.report(night))
        number = report["generation"]
        made = await self._desk.ask(lambda client: client.generation(number)) if number else None
        for id, row in self._rows.items():
            row.props["aria-current"] = "true" if id == night else "false"
            row.update()
        self._report.clear()
        with self._report:
            self._tell(report, made)

    def _show_nothing(self) -> None:
        self._list.clear()
        self._report.clear()
        self._report.classes(remove="card", add="alone")
        with self._report:
            basic.empty(
                "nights",
                "No night yet",
                "While you sleep I go over what you told me until I know it by heart. In the morning you read "
                "here what I learned.",
            )

    def _show_list(self, found: Sequence[Report]) -> None:
        self._list.clear()
        with self._list:
            basic.text("All nights", tag="h2")
            with basic.box("nights", tag="ol"):
                for one in found:
                    with basic.box(tag="li"):
                        self._entry(one)

    def _entry(self, one: Report) -> None:
        words, kind = OUTCOMES[one["outcome"]]
        entry = basic.box("night", tag="button").props("type=button")
        basic.on(entry, "click", lambda _, night=one["night"]: self.show(night))
        self._rows[one["night"]] = entry
        with entry:
            basic.box(f"moon {kind or 'plain'}", tag="span").props("aria-hidden=true")
            with basic.box("night-words", tag="span"):
                basic.text(weekday(one["began_at"]), "when", tag="span")
                basic.text(headline(one), "soft small", tag="span")
            basic.text(words, "unseen", tag="span")

    def _tell(self, report: Report, made: Report | None) -> None:
        words, kind = OUTCOMES[report["outcome"]]
        with basic.box("report-head"):
            basic.chip(words, kind)
            basic.text(f"{weekday(report['began_at'])}, {clock(report['began_at'])}", "soft", tag="time")
        basic.text(headline(report), "headline", tag="h2")
        with basic.box("told-prose"):
            for paragraph in paragraphs(report):
                basic.text(paragraph)
        for kind, title, entries in sections(report):
            _lines(kind, title, entries, ENTRIES[kind])
        if report["curve"] and report["curve"]["train"]:
            basic.text("How it was learned", tag="h3")
            ui.html(curve_svg(report["curve"]), sanitize=False)
        if made and made["generation"]["exam"].get("parts"):
            basic.text("The exam", tag="h3")
            exam_table(made["generation"]["exam"]["parts"], had_live=bool(report["was_live"]))


def _lines(kind: str, title: str, found: Sequence[Report], show: Callable[[Report], None]) -> None:
    if not found:
        return
    with basic.box(f"told {kind}", tag="section"):
        basic.text(title, tag="h3")
        with basic.box(tag="ul"):
            for one in found[:MOST_LINES]:
                with basic.box(tag="li"):
                    show(one)
        if len(found) > MOST_LINES:
            with basic.box(tag="details"):
                basic.text(f"and {len(found) - MOST_LINES} more", tag="summary")
                with basic.box(tag="ul"):
                    for one in found[MOST_LINES:]:
                        with basic.box(tag="li"):
                            show(one)


def _learned(one: Report) -> None:
    told, words = _split(one["line"])
    basic.link(words, f"/memories?memory={one['id']}", classes="line")
    basic.text(told, "soft small", tag="span")


def _corrected(one: Report) -> None:
    _learned(one)
    if one["was"]:
        basic.text(_split(one["was"])[1], "was", tag="s")


def _missed(one: Report) -> None:
    basic.text(f"Asked: {one['question']}", "line", tag="span")
    if one["said"] is not None:
        basic.text(f"I said: {one['said'] or 'nothing'}", "small answer", tag="span")
    if one["wanted"]:
        basic.text(f"Right is: {one['wanted']}", "soft small answer", tag="span")


def _waits(one: Report) -> None:
    basic.link(_split(one["line"])[1], f"/memories?memory={one['id']}", classes="line")
    basic.text(str(WHY_WAITING.get(one["reason"], one["reason"])), "soft small", tag="span")


def _split(line: str) -> tuple[str, str]:
    """When a line was told, and what it says: "2026-03-05: The user sings."."""
    told, _, words = line.partition(": ")
    return (day(told), words) if words and told[:4].isdigit() else ("", line)


ENTRIES = {
    "learned": _learned,
    "corrected": _corrected,
    "gone": _learned,
    "missed": _missed,
    "waits": _waits,
}
