"""
`tsubasa export`: everything you told, in one file that is yours.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.markup import escape

from daemon.commands.shared import HomeFlag, daemon_at, out
from daemon.errors import FileTaken, FileUnwritable


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    home_flag: HomeFlag = None,
) -> None:
    """Write all chats, memories and their history into one JSONL file; `tsubasa import` reads it again."""
    if file.exists() and not force:
        raise FileTaken(file)
    with daemon_at(home_flag) as client, _whole(file, force=force) as written:
        lines = 0
        for piece in client.export():
            written.write(piece)
            lines += piece.count(b"\n")
        size = written.tell()
    out.print(f"{escape(str(file))}: {lines} lines, {size:,} bytes, unencrypted, readable by you alone.")


@contextmanager
def _whole(file: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """A file that appears under its name once it is whole and on the disk, and that only its owner can read."""
    unfinished: str | None = None
    try:
        handle, unfinished = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
        with os.fdopen(handle, "wb") as written:
            yield written
            written.flush()
            os.fsync(written.fileno())
        if file.exists() and not force:
            raise FileTaken(file)
        os.replace(unfinished, file)
        unfinished = None
    except OSError as error:
        raise FileUnwritable(file, error.strerror or str(error)) from error
    finally:
        if unfinished is not None:
            os.unlink(unfinished)
