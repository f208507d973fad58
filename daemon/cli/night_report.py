"""
How the morning report looks. Knows nothing of where it comes from.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table

from daemon.cli.output import format_counts
from daemon.text import WHY_WAITING, counted, gave_way

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
MISSED = "answered wrongly in the exam"


def show(out: Console, found: Mapping[str, Any]) -> None:
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
    if found["reason"]:
        _put(out, f"[{colour}]{escape(_sentence(found['reason']))}[/]")
    if is_gone(found):
        _put(out, f"[yellow]{gave_way(found['gave_way_to'])}[/]")
    would = "would have " if found["outcome"] == "refused" else ""
    _section(out, f"{would}learned", "green", [(one["id"], escape(one["line"])) for one in found["learned"]])
    _section(
        out, f"{would}corrected", "magenta", [(one["id"], _corrected(one)) for one in found["corrected"]]
    )
    _section(
        out, "no longer true", "magenta", [(one["id"], escape(one["line"])) for one in found["taken_back"]]
    )
    _section(out, MISSED, "yellow", [("", _missed(one)) for one in found["missed"]])
    _section(out, "waiting", "cyan", [(one["id"], _waiting(one)) for one in found["waiting"]])
    _forgot(out, found)
    _cost(out, found)


def moment(text: str) -> str:
    """A time of the wire as a local one: "2026-03-05 03:00"."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"


def titled(found: Mapping[str, Any]) -> str:
    """ "generation 3 is live", "failed" …"""
    title = "generation {generation} no longer answers" if is_gone(found) else TITLES[found["outcome"]]
    return title.format(generation=found["generation"]) if found["generation"] else title.split(" {")[0]


def is_gone(found: Mapping[str, Any]) -> bool:
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


def _waiting(one: Mapping[str, Any]) -> str:
    return f"{escape(one['line'])}  [dim]{escape(WHY_WAITING.get(one['reason'], one['reason']))}[/]"


def _forgot(out: Console, found: Mapping[str, Any]) -> None:
    counts = {name: n for name, n in found["forgot"].items() if n}
    told = format_counts(counts)
    if found.get("probed"):
        _title(out, "in the weights", "red", found["probed"])
    since = found["forgotten_since"]
    if told:
        _title(out, "forgot", "red", f"{told}; nothing of them is in what answers now")
    if since:
        _title(out, "forgotten after this night", "red", f"{since} of its lines are shown no more")


def _cost(out: Console, found: Mapping[str, Any]) -> None:
    cost = found["cost"]
    if cost.get("total_s") is None:
        return
    parts = [f"{duration(cost['total_s'])}, of that training {duration(cost['train_s'])}"]
    parts.append(
        f"{counted(found['lessons'], 'lesson')} from {counted(found['memories'], 'memory', 'memories')}"
    )
    if cost.get("tokens_per_s"):
        parts.append(f"{cost['tokens_per_s']:,.0f} tokens/s")
    if cost.get("backend") not in (None, "", "unknown"):
        parts.append(escape(cost["backend"]))
    if cost.get("peak_mb"):
        parts.append(f"{cost['peak_mb']:,.0f} MB at most")
    if cost.get("pauses"):
        parts.append(f"paused {_times(cost['pauses'])} for {duration(cost['paused_s'])}")
    if cost.get("resumed_from"):
        parts.append(f"went on from step {cost['resumed_from']}")
    if cost.get("swap_ms") is not None:
        parts.append(f"swapped in {cost['swap_ms']:.1f} ms")
    _title(out, "cost", "blue", "; ".join(parts))


def _title(out: Console, title: str, colour: str, text: str) -> None:
    out.print()
    _put(out, f"[bold {colour}]{title}[/]  {text}")


def _put(out: Console, text: str) -> None:
    out.print(Padding(text, (0, 0, 0, 2)), soft_wrap=False)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" if text else text


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
