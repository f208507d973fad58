"""
Files that commands write: whole or absent, and their owner's alone.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from daemon.errors import FileTaken, FileUnwritable


def is_there(file: Path) -> bool:
    """Whether a file has that name; raises `FileUnwritable` where none can have it, nobody may look, or it is none."""
    try:
        found = file.exists()
        is_other = found and not file.is_file()
    except OSError as error:
        raise FileUnwritable(file, error.strerror or str(error)) from error
    if is_other:
        raise FileUnwritable(file, "it is no ordinary file")  # a device would be gone
    return found


@contextmanager
def whole(file: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """A file that appears under its name once it is whole and on the disk, and that only its owner can read."""
    unfinished: str | None = None
    is_there(file)
    try:
        handle, unfinished = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
        with os.fdopen(handle, "wb") as written:
            yield written
            written.flush()
            os.fsync(written.fileno())
        if is_there(file) and not force:
            raise FileTaken(file)
        os.replace(unfinished, file)
        unfinished = None
    except OSError as error:
        raise FileUnwritable(file, error.strerror or str(error)) from error
    finally:
        if unfinished is not None:
            os.unlink(unfinished)
