"""
The morning reports: one night as one would tell it, next to the list of all nights.

What was forgotten since is in no report; each line leads to its memory.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nicegui import ui

from daemon.client import calls
from daemon.client.report_text import OUTCOMES, headline, paragraphs, sections
from daemon.client.schemas.nights import GenerationDetail, NightReport
from daemon.client.transport import AsyncClient
from daemon.text import WHY_WAITING
from daemon.web.components import dom
from daemon.web.formatting import clock, day, weekday
from daemon.web.nights.exam_table import exam_table
from daemon.web.nights.loss_chart import curve_svg

FOR_EXPERTS = ("missed",)  # kinds of lines that are folded away
MOST_LINES = 12  # of one list, before the rest is folded away
Entry = Mapping[str, Any]  # of a section: a `Line` of some kind, or a `MissedLesson`


class Reports:
    """The reports of past nights."""

    def __init__(self, backend: AsyncClient, first: str) -> None:
        """`first`: the number of the night to show; "" = the latest."""
        self._backend, self._first = backend, first
        self._rows: dict[int, ui.element] = {}
        with dom.box("mornings"):
            with dom.box("report card", tag="article") as self._report:
                dom.loading()
            self._list = dom.box("nights-list")

    async def load(self) -> None:
        """Look up all nights, and show the one that was asked for, or the latest."""
        await dom.fill(self._report, self._load)

    async def _load(self) -> None:
        found = (await self._backend.ask(calls.past_nights()))["nights"]
        if not found:
            self._show_nothing()
            return
        self._show_list(found)
        known = [one["night"] for one in found]
        asked = int(self._first) if self._first.isdigit() else 0
        await self._open(asked if asked in known else known[0])

    async def _open(self, night: int) -> None:
        report = await self._backend.ask(calls.report(night))
        number = report["generation"]
        made = await self._backend.ask(calls.generation(number)) if number else None
        for id, row in self._rows.items():
            row.props["aria-current"] = "true" if id == night else "false"
            row.update()
        self._report.clear()
        with self._report:
            _show_report(report, made)

    def _show_nothing(self) -> None:
        self._list.clear()
        self._report.clear()
        self._report.classes(remove="card", add="alone")
        with self._report:
            dom.empty(
                "nights",
                "No night yet",
                "While you sleep I go over what you told me until I know it by heart. In the morning you read "
                "here what I learned.",
            )

    def _show_list(self, found: Sequence[NightReport]) -> None:
        self._list.clear()
        days = Counter(day(one["began_at"]) for one in found)
        with self._list:
            dom.text("All nights", tag="h2")
            with dom.box("nights", tag="ol"):
                for one in found:
                    with dom.box(tag="li"):
                        self._row(one, alone=days[day(one["began_at"])] == 1)

    def _row(self, one: NightReport, *, alone: bool) -> None:
        """`alone`: no other night began on its day."""
        words, kind = OUTCOMES[one["outcome"]]
        night = one["night"]
        with dom.plain_button("night", lambda: self._open(night)) as self._rows[night]:
            dom.box(f"moon {kind or 'plain'}", tag="span").props("aria-hidden=true")
            with dom.box("night-words", tag="span"):
                hour = "" if alone else f", {clock(one['began_at'])}"
                dom.text(weekday(one["began_at"]) + hour, "when", tag="span")
                dom.text(headline(one), "soft small", tag="span")
            dom.text(words, "unseen", tag="span")


def _show_report(report: NightReport, made: GenerationDetail | None) -> None:
    words, kind = OUTCOMES[report["outcome"]]
    with dom.box("report-head"):
        dom.chip(words, kind)
        dom.text(f"{weekday(report['began_at'])}, {clock(report['began_at'])}", "soft", tag="time")
    dom.text(headline(report), "headline", tag="h2")
    with dom.box("told-prose"):
        for paragraph in paragraphs(report):
            dom.text(paragraph)
    told = sections(report)
    for kind, title, entries in told:
        if kind not in FOR_EXPERTS:
            _lines(kind, title, entries, ENTRIES[kind])
    exam = made["generation"]["exam"].get("parts") if made else None
    curve = report["curve"] if report["curve"] and report["curve"]["train"] else None
    if not (exam or curve or report["missed"]):
        return
    with dom.details("Details", "for-experts"):
        for kind, title, entries in told:
            if kind in FOR_EXPERTS:
                _lines(kind, title, entries, ENTRIES[kind])
        if curve:
            dom.text("How it was learned", tag="h3")
            ui.html(curve_svg(curve), sanitize=False)
        if exam:
            dom.text("The exam", tag="h3")
            exam_table(exam, had_live=bool(report["was_live"]))


def _lines(kind: str, title: str, found: Sequence[Entry], show: Callable[[Entry], None]) -> None:
    if not found:
        return
    with dom.box(f"told {kind}", tag="section"):
        dom.text(title, tag="h3")
        _list(found[:MOST_LINES], show)
        if len(found) > MOST_LINES:
            with dom.details(f"and {len(found) - MOST_LINES} more"):
                _list(found[MOST_LINES:], show)


def _list(found: Sequence[Entry], show: Callable[[Entry], None]) -> None:
    with dom.box(tag="ul"):
        for one in found:
            with dom.box(tag="li"):
                show(one)


def _learned(one: Entry) -> None:
    when, words = _split(one["line"])
    dom.memory_link(words, one["id"])
    dom.text(when, "soft small", tag="span")


def _corrected(one: Entry) -> None:
    _learned(one)
    if one["was"]:
        dom.text(_split(one["was"])[1], "was", tag="s")


def _missed(one: Entry) -> None:
    dom.text(f"Asked: {one['question']}", "line", tag="span")
    if one["said"] is not None:
        dom.text(f"I said: {one['said'] or 'nothing'}", "small answer", tag="span")
    if one["wanted"]:
        dom.text(f"Right is: {one['wanted']}", "soft small answer", tag="span")


def _waits(one: Entry) -> None:
    dom.memory_link(_split(one["line"])[1], one["id"])
    dom.text(str(WHY_WAITING.get(one["reason"], one["reason"])), "soft small", tag="span")


def _split(line: str) -> tuple[str, str]:
    """When a line was said, and what it says: "2026-03-05: The user sings."."""
    when, _, words = line.partition(": ")
    return (day(when), words) if words and when[:4].isdigit() else ("", line)


ENTRIES = {
    "learned": _learned,
    "corrected": _corrected,
    "not_yet": _learned,
    "not_asked": _learned,
    "gone": _learned,
    "missed": _missed,
    "waits": _waits,
}
