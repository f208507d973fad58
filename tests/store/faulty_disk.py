"""A disk that fails when it is told to: a VFS below the cipher, so that pages, log and syncs all pass through it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import apsw

NAME = "faulty"
KINDS = ("read", "write", "torn write", "sync", "truncate", "lock", "full")


@dataclass
class Disk:
    """Which call of which kind fails, and which were made."""

    kind: str = ""
    at: int = 0  # the number of the call that fails; 0: none
    lasts: int = 1  # how many calls fail from there on
    room: int | None = None  # bytes that can still be written; None: any
    calls: Counter[str] = field(default_factory=Counter)
    written: int = 0  # bytes
    failed: int = 0

    def fails(self, kind: str) -> bool:
        """Whether this call fails."""
        self.calls[kind] += 1
        fails = kind == self.kind.removeprefix("torn ") and self.at <= self.calls[kind] < self.at + self.lasts
        fails = fails and self.at > 0
        self.failed += fails
        return fails

    def mend(self) -> None:
        """From now on it is well."""
        self.at, self.room = 0, None


class File(apsw.VFSFile):
    """One file on it."""

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self.disk = disk
        super().__init__("unix", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:
        if self.disk.fails("read"):
            raise apsw.IOError("the disk can't read")
        return super().xRead(amount, offset)

    def xWrite(self, data: Any, offset: int) -> None:
        self.disk.written += len(data)
        if self.disk.room is not None:
            self.disk.room -= len(data)
            if self.disk.room < 0:
                self.disk.failed += 1
                raise apsw.FullError("the disk is full")
        if self.disk.fails("write"):
            if self.disk.kind == "torn write":
                super().xWrite(bytes(data)[: len(data) // 2], offset)
            raise apsw.IOError("the disk can't write")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        if self.disk.fails("sync"):
            raise apsw.IOError("the disk can't sync")
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:
        if self.disk.fails("truncate"):
            raise apsw.IOError("the disk can't truncate")
        super().xTruncate(size)

    def xLock(self, level: int) -> None:
        if self.disk.fails("lock"):
            raise apsw.BusyError("somebody holds it")
        super().xLock(level)


class Vfs(apsw.VFS):
    """All files on it; one for the whole process, for SQLite's cipher keeps what it was put above."""

    disk = Disk()

    def __init__(self) -> None:
        super().__init__(NAME, "unix")

    def xOpen(self, name: Any, flags: list[int]) -> File:
        return File(self.disk, name, flags)


@cache
def registered() -> Vfs:
    """It, known to SQLite, with the cipher above it."""
    vfs = Vfs()
    apsw.Connection(":memory:", vfs=f"multipleciphers-{NAME}").close()
    return vfs


@contextmanager
def faulty_disk() -> Iterator[Disk]:
    """Whatever is opened inside lies on this disk."""
    before, vfs = apsw.vfs_names()[0], registered()
    vfs.disk = Disk()
    apsw.set_default_vfs(f"multipleciphers-{NAME}")
    try:
        yield vfs.disk
    finally:
        apsw.set_default_vfs(before)
