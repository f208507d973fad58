"""
Files that somebody dropped onto the page: held in memory until it is decided whether they are imported.

    uploads/FOLDER/NAME ──> /proc/self/fd/N ──> a file in memory that has no name in any folder

Nothing of their content lies on the disk. They are found again by whoever opens the page, and gone once they were
imported or put away, a day later, or with the daemon's process. Where the system has no such files, each is a file for
its owner alone (0600, in a folder of 0700). A module of its own, without NiceGUI, because the names come from outside.
"""

import os
import secrets
import shutil
import time
from pathlib import Path

from daemon.errors import DaemonError, HomeNotUsable
from daemon.home import UPLOADS as FOLDER
from daemon.home import UPLOADS_KEPT_S, drop_upload, held_upload
from daemon.text import format_bytes

LONGEST_NAME = 120  # bytes
MOST_HELD = 2**30  # bytes in all


class TooManyWait(DaemonError):
    """What waits for a decision takes all the memory that it may."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is not taken: with it more than {format_bytes(MOST_HELD)} would wait for your decision. "
            f"Import or skip what is there, then drop it again."
        )


def save(home: Path, name: str, data: bytes) -> Path:
    """
    Hold a file; its path, which only this process can read.

    Raises:
        HomeNotUsable: it can't be held there.
        TooManyWait: too much waits already.
    """
    plain = plain_name(name)
    if sum(map(_size, waiting(home))) + len(data) > MOST_HELD:
        raise TooManyWait(plain)
    folder = home / FOLDER / secrets.token_hex(8)
    try:
        folder.mkdir(mode=0o700, parents=True)
        file = folder / plain
        _hold(file, data)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise HomeNotUsable(home, f"the file can't be kept ({error.strerror or error})") from error
    return file


def waiting(home: Path) -> list[Path]:
    """The files that nobody decided about, the oldest first; what is older than a day is put away."""
    found = []
    for file in (home / FOLDER).glob("*/*"):
        try:
            at = file.lstat().st_mtime
        except OSError:  # somebody else was quicker
            continue
        if time.time() - at > UPLOADS_KEPT_S:
            drop_upload(file)
        elif not file.is_symlink() or held_upload(file) is not None:
            found.append((at, file))
    return [file for _, file in sorted(found)]


def plain_name(name: str) -> str:
    """A name of one file, whatever was sent: no folders, nothing that can't be printed, not too long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).strip(". ")
    return plain.encode()[-LONGEST_NAME:].decode(errors="ignore").strip(". ") or "file"


def _hold(file: Path, data: bytes) -> None:
    if not hasattr(os, "memfd_create"):
        with open(file, "wb", opener=_private) as out:
            out.write(data)
        return
    number = os.memfd_create(file.parent.name)
    try:
        with open(number, "wb", closefd=False) as out:
            out.write(data)
        file.symlink_to(f"/proc/self/fd/{number}")
    except BaseException:
        os.close(number)
        raise


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
