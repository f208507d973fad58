"""
Prompt files: what the engine computed of system prompts that come again, an encrypted file each, for after a restart.

    what it belongs to ──> its keyed hash is the name: NAME.prompt, a database with one row, under the store's key

`load` gives back what `save` was given, or nothing: a file that is damaged, cut short, under another key, or in the
place of another one is deleted, and told in the log. The least recently used goes first where they take too much room.
They tell what programs say to the model about a user: where something is forgotten, all of them go (`clear`), and
nothing is lost by that but time.
"""

import hashlib
import hmac
import logging
import os
import shutil
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import apsw

from store.database import Connection, give_key

ENDING, UNFINISHED = ".prompt", ".part"
SPARE = 500 * 2**20  # bytes of the disk that stay free
PAGE = 65_536  # the largest one: these rows have many megabytes
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PromptFiles:
    """The files of one home. One thread at a time may use them."""

    folder: Path
    key: bytes  # of the store
    most_bytes: int  # all of them together
    spare_bytes: int = SPARE

    def load(self, what: bytes) -> bytes | None:
        """What was saved of `what`; None where there is nothing, or nothing whole."""
        file = self._file(what)
        if not file.exists():
            return None
        try:
            state = self._read(file, what)
        except (apsw.Error, ValueError, TypeError) as error:
            log.warning("A saved system prompt is deleted, and computed anew: %s (%s)", error, file.name)
            with suppress(OSError):
                file.unlink(missing_ok=True)
            return None
        with suppress(OSError):
            os.utime(file)  # the least recently used goes first
        return state

    def save(self, what: bytes, state: bytes) -> bool:
        """Keep `state` of `what`; False where there is no room, or the disk refuses, which is told in the log."""
        file = self._file(what)
        part = file.with_suffix(UNFINISHED)
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.make_room(len(state))
            if (
                len(state) > self.most_bytes
                or shutil.disk_usage(self.folder).free < len(state) + self.spare_bytes
            ):
                return False
            self._write(part, what, state)
            os.replace(part, file)
        except (apsw.Error, OSError) as error:
            log.warning("A system prompt could not be saved: %s", error)
            return False
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return True

    def has(self, what: bytes) -> bool:
        """Whether there is a file for `what`."""
        return self._file(what).exists()

    def make_room(self, wanted: int) -> None:
        """Delete what was left half, then the least recently used, until so many bytes more fit. Raises `OSError`."""
        for left in self.folder.glob(f"*{UNFINISHED}"):
            left.unlink(missing_ok=True)
        room = self.most_bytes - wanted
        found = [(one.stat(), one) for one in self.folder.glob(f"*{ENDING}")]
        for stat, file in sorted(found, key=lambda one: one[0].st_mtime_ns, reverse=True):
            room -= stat.st_size
            if room < 0:
                file.unlink(missing_ok=True)

    def _file(self, what: bytes) -> Path:
        return self.folder / (hmac.new(self.key, b"prompt\n" + what, "sha256").hexdigest()[:32] + ENDING)

    def _read(self, file: Path, what: bytes) -> bytes:
        """Raises `ValueError`, `TypeError` and SQLite's errors where it is not whole."""
        with closing(self._open(file, apsw.SQLITE_OPEN_READONLY)) as db:
            found, check, state = db.execute("select what, digest, state from saved").get
        if found != what:
            raise ValueError("it stands in the place of another one")
        if check != _digest(what, state):
            raise ValueError("it is damaged")
        whole: bytes = state
        return whole

    def _write(self, part: Path, what: bytes, state: bytes) -> None:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(self._open(part, apsw.SQLITE_OPEN_READWRITE)) as db:
            db.pragma("page_size", PAGE)
            db.pragma("journal_mode", "off")  # it has no name yet: what is not whole is nobody's
            db.execute("create table saved (what blob, digest blob, state blob)")
            db.execute("insert into saved values (?, ?, ?)", (what, _digest(what, state), state))

    def _open(self, file: Path, flags: int) -> Connection:
        db = Connection(str(file), flags=flags)
        give_key(db, self.key)
        db.pragma("temp_store", "memory")
        return db


def clear(folder: Path) -> None:
    """Delete all of them. Raises `OSError`."""
    if folder.is_dir():
        for file in folder.iterdir():
            if file.suffix in (ENDING, UNFINISHED):
                file.unlink(missing_ok=True)


def _digest(what: bytes, state: bytes) -> bytes:
    """Each page has a check of its own; this one is of them all together."""
    whole = hashlib.sha256(len(what).to_bytes(8, "big") + what)
    whole.update(state)
    return whole.digest()
