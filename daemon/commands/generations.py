"""
`tsubasa generations`: what the nights made, and which one answers.
"""

import typer
from rich.markup import escape
from rich.table import Table

from daemon.commands.shared import HomeFlag, daemon_at, out

cli = typer.Typer(help="What the nights made, and which one answers.", no_args_is_help=False)


@cli.callback(invoke_without_command=True)
def listed(context: typer.Context, home_flag: HomeFlag = None) -> None:
    """List all generations."""
    if context.invoked_subcommand is not None:
        return
    with daemon_at(home_flag) as client:
        found = client.generations()
    table = Table("", "generation", "made", "state", "lessons", "reason")
    table.add_row("*" if found["live"] == 0 else "", "0", "", "base model", "", "")
    for one in found["generations"]:
        mark = "*" if one["id"] == found["live"] else ""
        made = one["made_at"][:16].replace("T", " ")
        table.add_row(
            mark, str(one["id"]), made, one["state"], str(one["lesson_count"]), escape(one["reason"])
        )
    out.print(table)


@cli.command()
def use(generation: int, home_flag: HomeFlag = None) -> None:
    """Let a generation answer from now on; 0 is the base model. For example: tsubasa generations use 3"""
    with daemon_at(home_flag) as client:
        live = client.use(generation)["live"]
    out.print(f"Generation {live} answers." if live else "The base model answers.")
