"""
`tsubasa export`: everything you told, in one file that is yours.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from daemon.atomic_file import is_there, whole
from daemon.cli.output import HomeFlag, JsonFlag, as_json, daemon_at, out, waiting
from daemon.errors import FileTaken


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Write all chats, memories and their history into one JSONL file; `tsubasa import` reads it again.

    For example: tsubasa export everything.jsonl
    """
    if is_there(file) and not force:
        raise FileTaken(file)
    with daemon_at(home_flag) as client, whole(file, force=force) as written:
        lines = size = 0
        with waiting("exporting", quiet=json) as bar:
            for piece in client.export():
                written.write(piece)
                lines, size = lines + piece.count(b"\n"), size + len(piece)
                bar.update(f"exporting: {lines:,} lines, {size / 1e6:.1f} MB")
    if json:
        return as_json({"file": str(file), "lines": lines, "bytes": size})
    out.print(f"{escape(str(file))}: {lines} lines, {size:,} bytes, unencrypted, readable by you alone.")
