"""
One icon for each home, and one word about a missing tray. A folder that is no home yet is left alone.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from daemon.errors import HomeNotUsable
from daemon.home import Home

LOCK, TOLD = "tray.lock", "tray.told"


@contextmanager
def alone(home: Home) -> Iterator[bool]:
    """Whether no other icon of this home is there; none comes until the block is left."""
    if not home.api_key.exists():  # nothing to put a lock into
        yield True
        return
    lock = FileLock(
        home.path / LOCK, mode=0o600, thread_local=False
    )  # the system frees it when the process dies
    try:
        lock.acquire(blocking=False)
    except Timeout:
        pass
    except OSError as error:
        raise HomeNotUsable(home.path, error.strerror or str(error)) from error
    try:
        yield lock.is_locked
    finally:
        lock.release()


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


def _write(file: Path, text: str) -> None:
    with open(file, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.write(text)
