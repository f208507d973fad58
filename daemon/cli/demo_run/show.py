"""
How the demo looks: headings, chats, tables. Knows nothing of what happened, only how to show it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from daemon.cli.demo_run.script import Question

OP_COLOURS = {"ADD": "green", "UPDATE": "cyan", "RECONCILE": "magenta", "IGNORE": "bright_black"}
MODES = {
    "base": "before: no memory",
    "recall": "before: recall",
    "generation": "after: no memory",
    "generation_recall": "after: recall",
}


def heading(out: Console, number: int, title: str, note: str) -> None:
    """The beginning of a step."""
    out.print()
    out.print(Rule(f"[bold]{number}  {escape(title)}", align="left", style="bright_blue"))
    out.print(f"[dim]{escape(note)}[/]")


def turn(out: Console, day: str, said: str, reply: str) -> None:
    """One exchange of a chat."""
    out.print(f"  [dim]{day}[/]  [bold cyan]you[/]      {escape(said)}")
    out.print(f"              [bold yellow]tsubasa[/]  {escape(reply)}")


def memories(out: Console, held: Sequence[Mapping[str, Any]], ops: Mapping[str, int]) -> None:
    """The memories that hold, each as recall shows it, and how they came about."""
    table = Table(box=None, padding=(0, 2), show_header=False)
    for memory in held:
        table.add_row(f"[dim]{memory['id']}[/]", escape(memory["narrative"]))
    out.print(table)
    counts = "   ".join(f"[{OP_COLOURS.get(op, 'white')}]{op} {n}[/]" for op, n in sorted(ops.items()))
    out.print(f"  ops: {counts}")


def answers(
    out: Console, questions: Sequence[Question], given: Mapping[str, Sequence[tuple[str, bool]]]
) -> None:
    """A row for each question, a column for each way of asking, right answers in green."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("question")
    for mode in given:
        table.add_column(MODES[mode])
    for row, question in enumerate(questions):
        cells = [
            f"[{'green' if right else 'red'}]{escape(text)}[/]"
            for text, right in (given[mode][row] for mode in given)
        ]
        table.add_row(escape(question.text), *cells)
    totals = [f"[bold]{sum(right for _, right in given[mode])} of {len(questions)}[/]" for mode in given]
    table.add_row("[bold]right[/]", *totals)
    out.print(table)


def exam(out: Console, report: Mapping[str, Any]) -> None:
    """What the night did and how its exam ended."""
    colour = "green" if report["adopted"] else "red"
    verdict = f"generation {report['generation']} is live" if report["adopted"] else "refused"
    out.print(f"  exam: [bold {colour}]{verdict}[/]: {escape(report['reason'])}")
    swap = "" if report["swap_ms"] is None else f", swapped in {report['swap_ms']:.1f} ms while serving"
    out.print(
        f"  {report['lessons']} lessons, {report['train_s']:.0f} s of training, {report['total_s']:.0f} s in all{swap}"
    )
