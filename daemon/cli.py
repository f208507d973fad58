"""
The command line: one file per noun in `commands/`, put together here.

Promises: an error that a person can act on is one line on stderr and exit code 1; a bug keeps its traceback.
Knows nothing of what the commands do.
"""

import sys

import typer
from rich.console import Console

from daemon.commands import (
    chat,
    demo,
    export,
    forget,
    generations,
    imports,
    memories,
    memory_changes,
    night,
    open_page,
    status,
    take_out,
    up,
)
from daemon.known_errors import KNOWN

cli = typer.Typer(
    name="tsubasa",
    help="A private assistant that learns you overnight.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
cli.command()(up.up)
cli.command()(demo.demo)
cli.command()(status.status)
cli.command()(chat.chat)
cli.command("open")(open_page.open_page)
cli.command("import")(imports.import_files)
cli.command()(export.export)
for change in (memory_changes.add, memory_changes.edit, memory_changes.undo, memory_changes.audit):
    memories.cli.command()(change)
cli.add_typer(memories.cli, name="memories")
cli.command()(memories.why)
cli.command()(forget.forget)
cli.add_typer(night.cli, name="night")
generations.cli.command()(take_out.export)
cli.add_typer(generations.cli, name="generations")


def main() -> None:
    """The program `tsubasa`."""
    try:
        cli()
    except KNOWN as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"tsubasa: {error}", markup=False)
        sys.exit(1)
