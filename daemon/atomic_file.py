"""
Files that are written whole or not at all, and that only their owner can read (0600).
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from daemon.errors import FileUnwritable, file_taken


@contextmanager
def replacing(file: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `file` once it is whole and on the disk; raises `OSError`."""
    handle, unfinished = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as written:
            yield written
            written.flush()
            os.fsync(written.fileno())
        os.replace(unfinished, file)
    except BaseException:
        os.unlink(unfinished)
        raise


@contextmanager
def whole(file: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """The same for a file that a user named; raises `DaemonError`s."""
    is_there(file)
    try:
        with replacing(file) as written:
            yield written
            if is_there(file) and not force:
                raise file_taken(file)
    except OSError as error:
        raise FileUnwritable(file, error.strerror or str(error)) from error


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
