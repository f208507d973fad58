"""
The first page of the program, and the table of all commands: what `tsubasa` and `tsubasa --help` print.

Promises: the first page and the version appear before anything else is loaded, no command's module is imported for
them. Knows nothing of what the commands do: `main.py` loads the one that was typed.
"""

import gc
import os
import sys

from daemon.cli.std_streams import streams

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {  # heading -> name -> (what in daemon/cli, one line)
    "Begin": {
        "up": ("up:up", "Start the daemon, and serve until Ctrl-C"),
        "pull": ("pull:pull", "Download a model, or take a GGUF file into use"),
        "doctor": ("doctor:doctor", "What is in order on this machine, and what to do about the rest"),
        "open": ("open:open_page", "Open the page in your browser, signed in"),
        "tray": ("tray:tray", "Show the icon beside the clock"),
        "status": ("status:status", "What runs, what is held, where each setting came from"),
        "demo": ("demo:demo", "Watch one night end to end, in a few minutes"),
    },
    "Talk": {
        "chat": ("chat:chat", "Talk in the terminal"),
        "pause": ("pause:pause", "Keep no chats for a while"),
        "resume": ("pause:resume", "Keep chats again"),
        "import": ("imports:import_files", "Take in your chats from elsewhere, or take an import back"),
        "export": ("export:export", "Write everything you told into one file that is yours"),
    },
    "Memories": {
        "memories": ("memories:cli", "What is remembered: list, search, add, edit, undo, audit"),
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
        "mcp": ("mcp:mcp", "Your memories as tools for other assistants"),
    },
}
TITLE = "A private assistant that learns you overnight."
OPTIONS = {
    "--version": "Print the version",
    "--install-completion": "Let the shell complete commands and options",
    "--help": "This page; behind a command: what that one takes",
}
EXAMPLE = "tsubasa chat"
PAGE_ASKED: tuple[list[str], ...] = ([], ["--help"], ["-h"], ["help"])


def names() -> dict[str, str]:
    """Each command and the line that tells of it."""
    return {name: told for group in COMMANDS.values() for name, (_, told) in group.items()}


def place(name: str) -> str | None:
    """Where in `daemon/cli` a command is, as "module:object"; None for an unknown one."""
    return next((group[name][0] for group in COMMANDS.values() if name in group), None)


def page(*, is_coloured: bool = False) -> str:
    """The first page, headings in bold on a terminal."""
    bold, plain = ("\033[1m", "\033[0m") if is_coloured else ("", "")
    width = max(map(len, (*names(), *OPTIONS))) + 2
    lines = [TITLE, "", f"{bold}Usage:{plain} tsubasa COMMAND …"]
    shown = {
        heading: {name: told for name, (_, told) in group.items()} for heading, group in COMMANDS.items()
    }
    for heading, group in (shown | {"Options": OPTIONS}).items():
        lines += [
            "",
            f"{bold}{heading}{plain}",
            *(f"  {name:<{width}}{told}" for name, told in group.items()),
        ]
    lines += ["", f"{bold}Example:{plain} {EXAMPLE}"]
    return "\n".join(lines) + "\n"


def is_coloured() -> bool:
    """Whether whoever reads what we print sees bold letters."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def main() -> None:
    """The program `tsubasa`."""
    with streams():
        _run()


def _run() -> None:
    typed = sys.argv[1:]
    completing = "_TSUBASA_COMPLETE" in os.environ
    if typed in PAGE_ASKED and not completing:
        sys.stdout.write(page(is_coloured=is_coloured()))
        return
    if typed == ["--version"] and not completing:
        from daemon.version import version

        sys.stdout.write(f"tsubasa {version()}\n")
        return
    gc.disable()  # nothing that is imported is garbage, and looking takes a sixth of the time
    from daemon.cli.main import main as run  # typer, and then the one command that was typed

    gc.enable()
    run()
