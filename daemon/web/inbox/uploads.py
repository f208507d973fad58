"""
Files that somebody dropped onto the page: stored in the home until it is decided whether they are imported.

Only the owner can read them (0600, in a folder of 0700). Each lies in a folder of its own, under its own name, and is
gone once it was imported or put away, with the daemon's next start, or with a visit a day later.
A module of its own, without NiceGUI, because the names come from outside: what keeps them harmless is tested alone.
"""

import os
import secrets
import shutil
from pathlib import Path

from daemon.errors import HomeNotUsable
from daemon.home import UPLOADS as FOLDER

LONGEST_NAME = 120  # bytes


def save(home: Path, name: str, data: bytes) -> Path:
    """
    Write a file; its path.

    Raises:
        HomeNotUsable: it can't be written there.
    """
    folder = home / FOLDER / secrets.token_hex(8)
    try:
        folder.mkdir(mode=0o700, parents=True)
        file = folder / plain_name(name)
        with open(file, "wb", opener=_private) as out:
            out.write(data)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise HomeNotUsable(home, f"the file can't be kept ({error.strerror or error})") from error
    return file


def drop(file: Path) -> None:
    """Put away what `save` wrote."""
    shutil.rmtree(file.parent, ignore_errors=True)


def plain_name(name: str) -> str:
    """A name of one file, whatever was sent: no folders, nothing that can't be printed, not too long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).strip(". ")
    return plain.encode()[-LONGEST_NAME:].decode(errors="ignore").strip(". ") or "file"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
