"""
One icon for each home, and one word about a missing tray.

Promises: the system gives the place free when the process dies; a folder that is no home yet is left alone.
Knows nothing of the icon.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon.errors import HomeNotUsable
from daemon.home import Home

LOCK, TOLD = "tray.lock", "tray.told"


@contextmanager
def alone(home: Home) -> Iterator[bool]:
    """Whether no other icon of this home is there; none comes until the block is left."""
    if not home.api_key.exists():  # nothing to put a lock into
        yield True
        return
    try:
        lock = os.open(home.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise HomeNotUsable(home.path, error.strerror or str(error)) from error
    try:
        yield _locked(lock)
    finally:
        os.close(lock)


def is_new(home: Home, what: str) -> bool:
    """Whether this was not told before; it counts as told from now on."""
    if not home.api_key.exists():
        return True
    told = home.path / TOLD
    try:
        if told.exists() and told.read_text(encoding="utf-8", errors="replace") == what:
            return False
        _write(told, what)
    except OSError as error:
        raise HomeNotUsable(home.path, error.strerror or str(error)) from error
    return True


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(file: Path, text: str) -> None:
    with open(file, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.write(text)
