"""
`tsubasa import`: take chat exports in, one report per file.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from daemon.commands.shared import HomeFlag, daemon_at, out
from daemon.errors import Refused


def import_files(
    files: Annotated[
        list[Path], typer.Argument(help="JSONL chat logs, LoCoMo's JSON, or an export of Tsubasa.")
    ],
    home_flag: HomeFlag = None,
) -> None:
    """Take exports in. A broken file is reported; nothing of it is stored, and the others go on."""
    failed = False
    with daemon_at(home_flag) as client:
        for file in files:
            try:
                taken = client.import_file(file)
            except Refused as error:
                failed = True
                _complain(str(error))
                continue
            rate = (
                f", {taken['turns'] / taken['seconds']:,.0f} turns/s"
                if taken["turns"] and taken["seconds"]
                else ""
            )
            counts = f"{taken['sessions']} sessions, {taken['turns']} new turns, {taken['skipped']} known"
            held = f", {taken['memories']} memories" if taken["memories"] else ""
            out.print(f"{escape(taken['name'])} ({taken['format']}): {counts}{held}{rate}")
            if taken["refused"]:
                failed = True
                _complain(f"The memories in {taken['name']!r} were not taken in: {taken['refused']}.")
    if failed:
        raise typer.Exit(1)


def _complain(why: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"tsubasa: {why}", markup=False)
