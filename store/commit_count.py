"""
The count of commits, beside the store: what was acknowledged and is missing when the store is opened is told.

    commit (synced log) ──> the number it has in the store is written here, and synced ──> acknowledged
    open ── the store's number is lower ──> its log was lost or damaged, or an older copy stands in its place

One line, overwritten where it stands: whose store, the number, a check sum. A file that is missing, torn or of another
store tells nothing and is written anew.
"""

import hashlib
import logging
import os
from pathlib import Path

ENDING = "-commits"  # of its name, behind that of the store
LINE = 64  # bytes; within one sector, so that it is written whole or not
log = logging.getLogger(__name__)


class CommitCount:
    """The file with the number of the last acknowledged commit, open for as long as the store."""

    def __init__(self, path: Path, store_id: str) -> None:
        """`store_id`: 16 letters that no other store has."""
        self._store_id = store_id
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(path, flags, 0o600)
        self._has_failed = False

    def read(self) -> int:
        """The number of the last acknowledged commit; 0 where the file does not tell it."""
        os.lseek(self._file, 0, os.SEEK_SET)
        line = os.read(self._file, LINE)
        parts = line.decode("ascii", "replace").split()
        if len(parts) != 3 or parts[0] != self._store_id or not parts[1].isdigit():
            return 0
        return int(parts[1]) if line == self._line(int(parts[1])) else 0

    def write(self, number: int) -> None:
        """Note that this commit is on the disk; a disk that refuses is logged once: the commit stands."""
        try:
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, self._line(number))
            getattr(os, "fdatasync", os.fsync)(self._file)
        except OSError as error:
            if not self._has_failed:
                log.warning("The count of commits can't be written: %s", error.strerror)
            self._has_failed = True

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)

    def _line(self, number: int) -> bytes:
        told = f"{self._store_id} {number}"
        check = hashlib.sha256(told.encode()).hexdigest()[:16]
        return f"{told} {check}".ljust(LINE - 1).encode() + b"\n"
