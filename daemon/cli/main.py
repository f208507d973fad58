"""
The program `tsubasa`: a lazy group. A command is imported when it is typed, so help and completion load none.

    streams in order ──> group ──> the one command ──> an error for a person is one line on stderr and exit code 1

A bug keeps its traceback. The help of each command ends in the example that its docstring ends in.
"""

import errno
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from daemon.errors import KNOWN
from daemon.sandbox import telemetry
from daemon.sandbox.memory_guard import forbid_dumps

COMMANDS: dict[
    str, dict[str, tuple[str, str]]
] = {  # heading -> name -> (module:object in daemon/cli, short help)
    "Begin": {
        "up": ("up:up", "Start the daemon, and serve until Ctrl-C"),
        "pull": ("pull:pull", "Download a model, or take a GGUF file into use"),
        "doctor": ("doctor:doctor", "What is in order on this machine, and what to do about the rest"),
        "open": ("open:open_page", "Open the page in your browser, signed in"),
        "tray": ("open:tray", "Show the icon beside the clock"),
        "status": ("status:status", "What runs, what is kept, where each setting came from"),
        "demo": ("demo:demo", "Watch one night end to end, in a few minutes"),
    },
    "Talk": {
        "chat": ("chat:chat", "Talk in the terminal"),
        "pause": ("status:pause", "Keep no chats for a while"),
        "resume": ("status:resume", "Keep chats again"),
        "import": ("imports:import_files", "Take in your chats from elsewhere, or take an import back"),
        "export": ("imports:export", "Write everything you told into one file that is yours"),
        "backup": ("backups:backup", "Copy the store, encrypted and checked; list copies, try one"),
        "restore": ("backups:restore", "Make the store of a backup"),
    },
    "Memories": {
        "memories": ("proposals:cli", "What is remembered: list, search, add, edit, undo, audit"),
        "why": ("memories:why", "What a memory was drawn from"),
        "forget": ("forget:forget", "Take memories and all that came of them out, for good"),
        "confirm": ("confirm:confirm", "Decide what a program may forget or edit"),
    },
    "Nights": {
        "night": ("night:cli", "Learn now; list past nights, read a morning's report"),
        "generations": ("generations:cli", "What the nights made: show, compare, use, roll back, export"),
    },
    "This machine": {
        "service": ("service:cli", "Start with your session: install, uninstall, status, logs"),
        "profiles": ("profiles:cli", "Other people on this machine, each with a memory of their own"),
        "keys": ("keys:cli", "Keys for other programs, each with what it may do"),
        "mcp": ("mcp:mcp", "Your memories as tools for other assistants"),
        "uninstall": ("uninstall:uninstall", "What lies where, and away with it when you ask"),
    },
}
EXAMPLE = re.compile(r"[,:;.]?\s*\b(?:for )?example:\s*(.+)", re.IGNORECASE | re.DOTALL)  # ends a docstring
OF_A_PROFILE = (  # what --profile goes with; all else is about the machine, or the main person
    "status chat pause resume import export backup restore memories why forget confirm night generations open"
).split()
WRITE_FAILED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


class LazyGroup(TyperGroup):
    """The commands of the table; each is imported when it is typed."""

    is_completing = False  # nobody runs the commands then: their short help will do

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: TyperCommand(name, help=short, rich_markup_mode=None)
            for group in COMMANDS.values()
            for name, (_, short) in group.items()
        }

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, imported now; None when there is none."""
        if self.is_completing or cmd_name not in self.commands:
            return self.commands.get(cmd_name)
        return load(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table, heading by heading."""
        for heading, group in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, short) for name, (_, short) in group.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The commands that begin so, by the table: nothing is imported while a shell waits."""
        self.is_completing = True
        return super().shell_complete(ctx, incomplete)


cli = typer.Typer(
    name="tsubasa",
    cls=LazyGroup,
    help="A private assistant that learns you overnight.",
    epilog="\b\nExample:\n  tsubasa chat",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@cli.callback(invoke_without_command=True)
def tsubasa(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            envvar="TSUBASA_PROFILE",
            show_envvar=False,
            help="Another person's memories and chats: tsubasa profiles.",
        ),
    ] = None,
) -> None:
    """The program without a command: its version, or its help."""
    if profile is not None:
        command = context.invoked_subcommand
        if command is not None and command not in OF_A_PROFILE:
            raise typer.BadParameter(
                f"{command!r} is not about one person: leave it out.", param_hint="--profile"
            )
        os.environ["TSUBASA_PROFILE"] = profile
    if version:
        from daemon.version import version as installed

        typer.echo(f"tsubasa {installed()}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def load(name: str) -> Any:
    """The command `name` of the table, imported."""
    place = next(group[name][0] for group in COMMANDS.values() if name in group)
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"daemon.cli.{module}"), attribute)
    holder = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return _with_example(get_group(holder).commands[name])


def _with_example(command: Any) -> Any:
    """The command, and those below it: the example at the end of a docstring stands at the end of the help."""
    text = command.help or ""
    if found := EXAMPLE.search(text):
        command.help = text[: found.start()].rstrip() + "."
        examples = [line.strip() for line in found[1].strip().splitlines() if line.strip()]
        command.epilog = "\n".join(["\b", "Example:", *(f"  {line}" for line in examples)])
    for below in getattr(command, "commands", {}).values():
        _with_example(below)
    return command


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was typed."""
    forbid_dumps()
    telemetry.switch_off()
    typed = list(sys.argv[1:] if arguments is None else arguments)
    with _streams():
        try:
            cli(["--help"] if typed in ([], ["help"]) else typed, prog_name="tsubasa")
        except KNOWN as error:
            from daemon.cli.output import harmless  # loads rich

            typer.echo(f"tsubasa: {harmless(str(error))}", err=True)
            sys.exit(1)


@contextmanager
def _streams() -> Iterator[None]:
    """Put something in the place of streams that are closed, and see to it that what was printed arrived."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # in this order: each takes its own number
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        _leave()
    except OSError as error:
        if error.filename is not None or error.errno not in WRITE_FAILED:
            raise
        sys.stderr.write(
            f"tsubasa: The result can't be written: {error.strerror}. Send it elsewhere, or make room.\n"
        )
        _leave()


def _leave() -> None:
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())  # the interpreter writes the rest at its end
    sys.exit(1)
