"""
The unfinished file of a download: it grows, survives an interruption, and gets its name when it is whole.

    .NAME.part        the bytes so far, 0600, locked by the process that writes it
    .NAME.part.json   which file they are of: address, checksum, ETag, length
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from daemon.downloads.errors import PullError, file_not_written
from daemon.text import format_bytes

GIVEN_BACK = 16 << 20  # bytes that a full disk gets back, so that everything else can go on
FULL = (errno.ENOSPC, errno.EDQUOT)


class PartialFile:
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
        """Raise `PullError` unless a file of `total` bytes fits, with a twentieth to spare."""
        folder = self.file.parent
        needed, free = total - self.size + total // 20, shutil.disk_usage(folder).free
        if needed > free:
            raise PullError(
                f"No room for the model: {format_bytes(needed)} more are needed in {folder}, {format_bytes(free)} are "
                f"free. Make room, or set TSUBASA_HOME to a larger disk."
            )

    def append(self, piece: bytes) -> None:
        """Add bytes at the end. Raises `PullError`."""
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            self._cut(max(self.size - GIVEN_BACK, 0))
            raise _not_taken(self.path, error, self.size) from error
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
def opened(file: Path) -> Iterator[PartialFile]:
    """
    The unfinished file for `file`, with the bytes that an earlier process left.

    Raises:
        PullError: another process writes it, or the disk does not take it.
    """
    part = _part(file)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(part, mode=0o600, blocking=False, fallback_to_soft=False):
            handle = os.open(part, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
            try:
                yield PartialFile(file, handle)
            finally:
                if os.fstat(handle).st_size == 0:  # nothing came: nothing is left behind
                    part.unlink(missing_ok=True)
                    _note(file).unlink(missing_ok=True)
                os.close(handle)
    except Timeout:
        raise PullError(
            f"Another `tsubasa pull` is fetching {file.name} already. Wait for it, or stop it."
        ) from None
    except OSError as error:
        raise _not_taken(part, error, part.stat().st_size if part.is_file() else 0) from error


def _not_taken(part: Path, error: OSError, kept: int) -> PullError:
    if error.errno not in FULL:
        return file_not_written(part, error)
    return PullError(
        f"The disk became full. {format_bytes(kept)} are kept in {part}: make room and give the same command "
        f"again to go on, or remove that file."
    )


def _part(file: Path) -> Path:
    return file.with_name(f".{file.name}.part")


def _note(file: Path) -> Path:
    return file.with_name(f".{file.name}.part.json")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
