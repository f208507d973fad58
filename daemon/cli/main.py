"""
The command line: loads the one command that was typed, of the table in `front.py`.

Promises: an error that a person can act on is one line on stderr and exit code 1; a bug keeps its traceback; a help
text ends in the example that its docstring ends in. Knows nothing of what the commands do.
"""

import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from daemon.cli import front
from daemon.errors import KNOWN

EXAMPLE = re.compile(
    r"[,:;.]?\s*\b(?:for )?example:\s*(.+)", re.IGNORECASE | re.DOTALL
)  # the end of a docstring


class Root(TyperGroup):
    """The program itself: its commands are imported when they are typed."""

    only_told = False  # nobody runs them: what the table tells will do

    def list_commands(self, ctx: Any) -> list[str]:
        """All names of the table."""
        return list(front.names())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, loaded now; None when there is none."""
        found = front.place(cmd_name)
        if found is not None and self.only_told:
            return TyperCommand(cmd_name, help=front.names()[cmd_name], rich_markup_mode=None)
        return None if found is None else load(cmd_name, found)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """What was typed; or, in the error, what was probably meant."""
        if args and front.place(args[0]) is None and not args[0].startswith("-"):
            near = get_close_matches(args[0], front.names(), n=1, cutoff=0.5)
            meant = f" Did you mean: tsubasa {near[0]}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{meant} All commands: tsubasa --help")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The first page."""
        formatter.write(front.page(is_coloured=front.is_coloured()))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The commands that begin so, told by the table: nothing is imported while a shell waits."""
        self.only_told = True
        return super().shell_complete(ctx, incomplete)


cli = typer.Typer(
    name="tsubasa",
    cls=Root,
    help=front.TITLE,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@cli.callback(invoke_without_command=True)
def tsubasa(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """A private assistant that learns you overnight. For example: tsubasa chat"""
    if version:
        from daemon.version import version as installed

        typer.echo(f"tsubasa {installed()}")
        raise typer.Exit()
    if context.invoked_subcommand is None:
        typer.echo(front.page(is_coloured=front.is_coloured()), nl=False)


def load(name: str, place: str) -> Any:
    """The command `name`; `place`: its module in `daemon/cli` and its function or group there."""
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"daemon.cli.{module}"), attribute)
    holder = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return _with_example(get_group(holder).commands[name])


def _with_example(command: Any) -> Any:
    """The command, and those below it: the example at the end of its docstring stands at the end of its help."""
    said = command.help or ""
    if found := EXAMPLE.search(said):
        command.help = said[: found.start()].rstrip() + "."
        examples = [line.strip() for line in found[1].strip().splitlines() if line.strip()]
        command.epilog = "\n".join(["\b", "Example:", *(f"  {line}" for line in examples)])
    for below in getattr(command, "commands", {}).values():
        _with_example(below)
    return command


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was typed."""
    try:
        cli(arguments, prog_name="tsubasa")
    except KNOWN as error:
        from daemon.cli.terminal import harmless  # loads rich

        typer.echo(f"tsubasa: {harmless(str(error))}", err=True)
        sys.exit(1)
