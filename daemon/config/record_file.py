"""
Record files: a list of records as JSON in the home, small enough to be read and written whole.

    a command or the daemon ──> write ──> the file is another one ──> current() of the daemon's next request reads it

What a broken file means differs by what it holds, so whoever owns it says so (`unreadable`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from daemon.atomic_file import replacing
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


class RecordFile(Generic[Record]):
    """One file of records."""

    def __init__(
        self,
        file: Path,
        record: Callable[[Mapping[str, Any]], Record],
        *,
        unreadable: Callable[[str], DaemonError],
    ) -> None:
        """
        Args:
            record: makes one of its JSON object; raises `KeyError`, `TypeError` or `ValueError` for none of ours.
            unreadable: the error of a file that can't be read, by the reason.
        """
        self._file, self._record, self._unreadable = file, record, unreadable
        self._seen: tuple[int, ...] | None = None  # the file that `_known` is of
        self._known: list[Record] = []

    def read(self) -> list[Record]:
        """All of them, in the file's order; none where there is no file. Raises what `unreadable` makes."""
        try:
            return [self._record(one) for one in json.loads(self._file.read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._unreadable(getattr(error, "strerror", None) or "it is none of ours") from error

    def current(self) -> list[Record]:
        """The same, read again only when the file has changed."""
        try:
            found = self._file.stat()
            seen: tuple[int, ...] = (found.st_mtime_ns, found.st_ino, found.st_size)
        except FileNotFoundError:
            seen = ()
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from error
        if seen != self._seen:
            self._known = self.read()
            self._seen = seen
        return self._known

    def write(self, every: Sequence[Record]) -> None:
        """Put these in place of all. Raises `DaemonError`."""
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_json(self._file, [asdict(one) for one in every])
        except OSError as error:
            raise DaemonError(f"Can't write {self._file}: {error.strerror or error}.") from error


def write_json(file: Path, value: object) -> None:
    """Replace `file` by this value, whole or not at all; raises `OSError`."""
    with replacing(file) as written:
        written.write(json.dumps(value, indent=1).encode() + b"\n")
