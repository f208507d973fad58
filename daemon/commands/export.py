"""
`tsubasa export`: everything you told, in one file that is yours.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from daemon.commands.shared import HomeFlag, daemon_at, out
from daemon.commands.whole_file import whole
from daemon.errors import FileTaken


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    home_flag: HomeFlag = None,
) -> None:
    """Write all chats, memories and their history into one JSONL file; `tsubasa import` reads it again."""
    if file.exists() and not force:
        raise FileTaken(file)
    with daemon_at(home_flag) as client, whole(file, force=force) as written:
        lines = 0
        for piece in client.export():
            written.write(piece)
            lines += piece.count(b"\n")
        size = written.tell()
    out.print(f"{escape(str(file))}: {lines} lines, {size:,} bytes, unencrypted, readable by you alone.")
