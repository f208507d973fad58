"""
How the morning report looks in the terminal; `client/report_text.py` words it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table

from daemon.client.report_text import headline, paragraphs, sections
from daemon.client.schemas.nights import NightReport
from daemon.text import WHY_WAITING

COLOURS = {
    "adopted": "green",
    "refused": "yellow",
    "nothing": "bright_black",
    "failed": "red",
    "interrupted": "yellow",
    "running": "cyan",
}
TITLES = {
    "adopted": "generation {generation} is live",
    "refused": "generation {generation} was refused",
    "nothing": "nothing to do",
    "failed": "failed",
    "interrupted": "interrupted",
    "running": "running",
}
MOST_LINES = 20  # of one section; --json has all


def show(out: Console, found: NightReport) -> None:
    """One report, section by section; what is empty is left out."""
    colour = "yellow" if is_gone(found) else COLOURS[found["outcome"]]
    out.print(
        Rule(
            f"[bold]Night {found['night']}[/]  [dim]{moment(found['began_at'])}[/]  [bold {colour}]{titled(found)}[/]",
            align="left",
            style="bright_blue",
        ),
        soft_wrap=False,
    )
    _put(out, f"[{colour}]{escape(headline(found))}[/]")
    for paragraph in paragraphs(found):
        _put(out, escape(paragraph))
    for kind, title, entries in sections(found):
        style, entry = SECTIONS[kind]
        _section(out, title, style, [(one.get("id", ""), entry(one)) for one in entries])
    _cost(out, found)


def moment(text: str) -> str:
    """A time of the wire as a local one: "2026-03-05 03:00"."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"


def titled(found: NightReport) -> str:
    """ "generation 3 is live", "failed" …"""
    title = "generation {generation} no longer answers" if is_gone(found) else TITLES[found["outcome"]]
    return title.format(generation=found["generation"]) if found["generation"] else title.split(" {")[0]


def is_gone(found: NightReport) -> bool:
    """Whether what the night made answered once, and had learned something that was forgotten since."""
    return found["gave_way_to"] is not None


def duration(seconds: float) -> str:
    """ "42 s", "3 min 20 s", "2 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _section(out: Console, title: str, colour: str, lines: Sequence[tuple[object, str]]) -> None:
    if not lines:
        return
    out.print()
    out.print(f"  [bold {colour}]{title}[/] [dim]{len(lines)}[/]")
    shown = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    shown.add_column(justify="right", style="dim", no_wrap=True, min_width=4)
    shown.add_column(ratio=1, overflow="fold")
    for number, line in lines[:MOST_LINES]:
        shown.add_row(str(number), line)
    out.print(Padding(shown, (0, 0, 0, 2)), soft_wrap=False)
    if len(lines) > MOST_LINES:
        out.print(
            f"       [dim]and {len(lines) - MOST_LINES} more; all of them: tsubasa night report --json[/]"
        )


def _corrected(one: Mapping[str, Any]) -> str:
    was = f"\n[dim]instead of[/] [dim strike]{escape(one['was'])}[/]" if one["was"] else ""
    return f"{escape(one['line'])}{was}"


def _missed(one: Mapping[str, Any]) -> str:
    said = one["said"]
    lines = [f"asked  {escape(one['question'])}"]
    lines += [] if said is None else [f"[dim]said[/]   {escape(said) or '[dim]nothing[/]'}"]
    lines += [f"[dim]right[/]  {escape(one['wanted'])}"] if one["wanted"] else []
    return "\n".join(lines)


def _line(one: Mapping[str, Any]) -> str:
    return escape(one["line"])


def _waiting(one: Mapping[str, Any]) -> str:
    return f"{escape(one['line'])}  [dim]{escape(WHY_WAITING.get(one['reason'], one['reason']))}[/]"


def _cost(out: Console, found: NightReport) -> None:
    """The numbers that the prose leaves out."""
    cost = found["cost"]
    parts = []
    if cost.get("tokens_per_s"):
        parts.append(f"{cost['tokens_per_s']:,.0f} tokens/s")
    if cost.get("backend") not in (None, "", "unknown"):
        parts.append(escape(cost["backend"]))
    if cost.get("peak_mb"):
        parts.append(f"{cost['peak_mb']:,.0f} MB at most")
    if cost.get("resumed_from"):
        parts.append(f"went on from step {cost['resumed_from']}")
    if cost.get("total_s") is not None and parts:
        out.print()
        _put(out, f"[bold blue]cost[/]  {'; '.join(parts)}")


def _put(out: Console, text: str) -> None:
    out.print(Padding(text, (0, 0, 0, 2)), soft_wrap=False)


SECTIONS = {  # kind -> colour, and how an entry is shown
    "learned": ("green", _line),
    "corrected": ("magenta", _corrected),
    "not_yet": ("yellow", _line),
    "not_asked": ("cyan", _line),
    "gone": ("magenta", _line),
    "missed": ("yellow", _missed),
    "waits": ("cyan", _waiting),
}
