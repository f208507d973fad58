"""
What every command needs: the home it means, and a client for the daemon there.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from daemon import home
from daemon.cli.terminal import Terminal
from daemon.home import Home
from daemon.text import counted, generations, who_answers

if TYPE_CHECKING:
    from daemon.client.client import Client

HomeFlag = Annotated[
    Path | None,
    typer.Option("--home", help="The folder that holds everything; else TSUBASA_HOME, else ~/.tsubasa."),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
out = Terminal(highlight=False, soft_wrap=True)


def chosen(flag: Path | None) -> Home:
    """The home that this command means."""
    return home.where(os.environ, flag)


def daemon_at(flag: Path | None) -> "Client":
    """A client for the daemon of that home; raises `NotRunning`."""
    from daemon.client import client  # loads httpx, which no help text needs

    return client.connect(chosen(flag))


def is_alone(context: typer.Context, json: bool, flag: Path | None) -> bool:
    """Whether a group was typed without a command below it, so that the group's own options are meant."""
    if context.invoked_subcommand is None:
        return True
    if json or flag is not None:
        option = "--json" if json else "--home"
        raise typer.BadParameter(f"Put {option} behind {context.invoked_subcommand!r}.")
    return False


def table(*columns: str) -> Table:
    """An empty table without lines around it; the last column takes the room that is left."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in columns[:-1]:
        made.add_column(name, no_wrap=True)
    made.add_column(columns[-1], ratio=1, overflow="fold")
    return made


def show(made: Table) -> None:
    """Print a table, wrapped to the window."""
    out.print(made, soft_wrap=False)


def as_json(found: Any) -> None:
    """Print what the daemon told, for scripts."""
    typer.echo(_written(found, indent=2))


def as_line(found: Any) -> None:
    """Print what the daemon told as one line of JSON, for scripts and logs."""
    typer.echo(_written(found))


def _written(found: Any, *, indent: int | None = None) -> str:
    text = json.dumps(found, indent=indent, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # names of files need be no text
        return json.dumps(found, indent=indent)
    return text


def told_counts(counts: Mapping[str, int]) -> str:
    """ "1 memory, 2 messages" of the counts of a report by their names in the plural."""
    ones = {"memories": "memory"}
    return ", ".join(counted(n, ones.get(many, many.removesuffix("s")), many) for many, n in counts.items())


def takes(found: Mapping[str, Any]) -> str:
    """What a preview says would go for good, in one or two sentences."""
    counts = {
        "memories": len(found["memories"]),
        "messages": found["messages"],
        "lessons": found["lessons"],
        "generations": len(found["generations"]),
    }
    told = f"This takes {told_counts(counts)}."
    if found["generations"]:
        have = "have" if len(found["generations"]) > 1 else "has"
        told += f" {generations(found['generations'])} {have} learned it and will answer no more."
    return told


def tainted(numbers: Sequence[int], now_live: int) -> str:
    """Which generations had learned what is gone now, and what answers in their place."""
    are, answer = ("are", "answer") if len(numbers) > 1 else ("is", "answers")
    return (
        f"{generations(numbers)} had learned it, {are} tainted and {answer} no more; "
        f"{who_answers(now_live)} answers until the next night."
    )
