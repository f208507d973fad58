"""
The unfinished file of a download: it grows, survives an interruption, and gets its name when it is whole.

    .NAME.part        the bytes so far, 0600, locked by the process that writes it
    .NAME.part.json   which file they are of: address, checksum, ETag, length

Promises: bytes of two files are never mixed; what has its name is whole, and on the disk. Knows nothing of HTTP.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon.downloads.errors import DiskFilled, FileNotWritten, NoRoom, UnderWay

GIVEN_BACK = 16 << 20  # bytes that a full disk gets back, so that everything else can go on
FULL = (errno.ENOSPC, errno.EDQUOT)


class Part:
    """An open unfinished file; made by `opened`."""

    def __init__(self, file: Path, handle: int) -> None:
        self.file = file
        self.path = _part(file)
        self.size = os.fstat(handle).st_size
        self._handle = handle
        self._hash = hashlib.sha256()
        self._hashed = 0

    @property
    def origin(self) -> dict[str, object]:
        """What the bytes are of, as noted; empty when nothing is."""
        try:
            found = json.loads(_note(self.file).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def begin(self, origin: dict[str, object]) -> None:
        """Throw away what is there and note what comes now."""
        self._cut(0)
        with open(_note(self.file), "w", encoding="utf-8", opener=_private) as note:
            json.dump(origin, note)

    def check_room(self, total: int) -> None:
        """Raise `NoRoom` unless a file of `total` bytes fits, with a twentieth to spare."""
        needed, free = total - self.size + total // 20, shutil.disk_usage(self.file.parent).free
        if needed > free:
            raise NoRoom(self.file.parent, needed, free)

    def append(self, piece: bytes) -> None:
        """Add bytes at the end. Raises `DiskFilled`, `FileNotWritten`."""
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            self._cut(max(self.size - GIVEN_BACK, 0))
            if error.errno in FULL:
                raise DiskFilled(self.path, self.size) from error
            raise FileNotWritten(self.path, error.strerror or str(error)) from error
        if self._hashed == self.size:
            self._hash.update(piece)
            self._hashed += len(piece)
        self.size += len(piece)

    def sha256(self) -> str:
        """Of all bytes so far; those of an earlier process are read once."""
        with open(self.path, "rb") as file:
            file.seek(self._hashed)
            while piece := file.read(1 << 20):
                self._hash.update(piece)
        self._hashed = self.size
        return self._hash.hexdigest()

    def finish(self, name: Path) -> None:
        """Give the file its name, in the folder where it lies."""
        os.fsync(self._handle)
        self.path.replace(name)
        _note(self.file).unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove it: it is of no use."""
        self.path.unlink(missing_ok=True)
        _note(self.file).unlink(missing_ok=True)

    def _cut(self, length: int) -> None:
        os.ftruncate(self._handle, length)
        self.size = length
        if self._hashed > length:
            self._hash, self._hashed = hashlib.sha256(), 0


@contextmanager
def opened(file: Path) -> Iterator[Part]:
    """
    The unfinished file for `file`, with the bytes that an earlier process left.

    Raises:
        UnderWay: another process writes it.
        FileNotWritten, DiskFilled: the disk does not take it.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(_part(file), os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise FileNotWritten(_part(file), error.strerror or str(error)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Part(file, handle)
    except BlockingIOError:
        raise UnderWay(file) from None
    except OSError as error:
        if error.errno in FULL:
            raise DiskFilled(_part(file), os.fstat(handle).st_size) from error
        raise FileNotWritten(file, error.strerror or str(error)) from error
    finally:
        if os.fstat(handle).st_size == 0:  # nothing came: nothing is left behind
            _part(file).unlink(missing_ok=True)
            _note(file).unlink(missing_ok=True)
        os.close(handle)


def _part(file: Path) -> Path:
    return file.with_name(f".{file.name}.part")


def _note(file: Path) -> Path:
    return file.with_name(f".{file.name}.part.json")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
