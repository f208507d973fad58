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
    files: Annotated[list[Path], typer.Argument(help="JSONL chat logs, or LoCoMo's JSON.")],
    home_flag: HomeFlag = None,
) -> None:
    """Take chat exports in. A broken file is reported; nothing of it is stored, and the others go on."""
    failed = False
    with daemon_at(home_flag) as client:
        for file in files:
            try:
                taken = client.import_file(file)
            except Refused as error:
                failed = True
                Console(stderr=True, soft_wrap=True, highlight=False).print(f"tsubasa: {error}", markup=False)
                continue
            rate = (
                f", {taken['turns'] / taken['seconds']:,.0f} turns/s"
                if taken["turns"] and taken["seconds"]
                else ""
            )
            counts = f"{taken['sessions']} sessions, {taken['turns']} new turns, {taken['skipped']} known"
            out.print(f"{escape(taken['name'])} ({taken['format']}): {counts}{rate}")
    if failed:
        raise typer.Exit(1)
