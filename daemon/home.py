"""
The home: the one folder with everything that is kept, and the lock that lets one daemon work on it.

    config.toml  store.db  key  api_key  inbox/  uploads/  models/  backups/  prompts/  network.jsonl
    daemon.lock  daemon.json  daemon.log  night.lock
    profiles.json  profiles/anna/ ...   each a home of its own, for another person

Only its owner can enter (0700), and a folder of something else is never changed. Imports nothing of the store, for the
command line and the icon load it, too.
"""

import json
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from daemon.atomic_file import replacing
from daemon.errors import HomeInUse, HomeNotUsable

if TYPE_CHECKING:
    from filelock import FileLock

log = logging.getLogger(__name__)

STORE = "store.db"
API_KEY = "api_key"
KEY = "key"  # of the store, which is not opened with a key that others could read
UPLOADS = "uploads"  # what was dropped onto the page, until it is decided whether it goes in
HELD = re.compile(r"/proc/self/fd/(\d+)")  # where an upload's link leads: to a file in memory
UPLOADS_KEPT_S = 24 * 3600.0  # what nobody decided about
NEW_KEY = "Make that file readable, or remove it to get a new key."
SHORTEST_KEY = 16  # characters; a shorter one is found by trying, also from what the daemon proves with it
NETWORK = "network.jsonl"  # what went over the network, counted by `daemon/downloads/traffic_log.py`
API_KEYS = "api_keys.json"
PROFILES = (
    "profiles.json"  # who has a home of their own in this one, written by `daemon/profiles/registry.py`
)
OURS = (
    STORE,
    "config.toml",
    API_KEY,
    API_KEYS,
    PROFILES,
    "daemon.lock",
    NETWORK,
)  # one makes a folder a home
MAY_BE_THERE = {"inbox", "models", "backups"}  # folders that make no home, and are no reason against one


@dataclass(frozen=True, slots=True)
class Home:
    """Where each thing of one home lies."""

    path: Path

    @property
    def ground(self) -> Path:
        """The home, or before its first start the nearest folder above it that is there."""
        return next(folder for folder in (self.path, *self.path.parents) if os.path.exists(folder))

    @property
    def config(self) -> Path:
        """The settings; written by the user only."""
        return self.path / "config.toml"

    @property
    def store(self) -> Path:
        """The encrypted file with everything that is kept."""
        return self.path / STORE

    @property
    def api_key(self) -> Path:
        """The key that every client must show."""
        return self.path / API_KEY

    @property
    def api_keys(self) -> Path:
        """The keys of programs, by their hashes."""
        return self.path / API_KEYS

    @property
    def api_keys_used(self) -> Path:
        """When each of them was used last."""
        return self.path / "api_keys_used.json"

    @property
    def sessions(self) -> Path:
        """What the cookies of browsers are signed with besides the key; a new one signs all of them out."""
        return self.path / "api_key_sessions"

    @property
    def inbox(self) -> Path:
        """The folder whose files are imported."""
        return self.path / "inbox"

    @property
    def uploads(self) -> Path:
        """The folder of files that were dropped onto the page."""
        return self.path / UPLOADS

    @property
    def backups(self) -> Path:
        """The folder of the backups that are made by themselves."""
        return self.path / "backups"

    @property
    def prompts(self) -> Path:
        """The folder of what was computed of system prompts, encrypted."""
        return self.path / "prompts"

    @property
    def models(self) -> Path:
        """The folder of downloaded models; profiles use those of the home they are in."""
        return self.main.path / "models"

    @property
    def measured(self) -> Path:
        """How quick each model was here."""
        return self.path / "models.json"

    @property
    def ready(self) -> Path:
        """Process, port and address of the daemon, while it serves."""
        return self.path / "daemon.json"

    @property
    def log(self) -> Path:
        """What the daemon says, where it starts at login and the system keeps no journal."""
        return self.path / "daemon.log"

    @property
    def lock(self) -> Path:
        """Held by the daemon that works on this home."""
        return self.path / "daemon.lock"

    @property
    def profiles(self) -> Path:
        """Which other people have a home in this one, and the names by which clients know them."""
        return self.path / PROFILES

    def profile(self, name: str) -> "Home":
        """The home of the profile `name` in this one."""
        return Home(self.path / "profiles" / name)

    @property
    def main(self) -> "Home":
        """The home that this one is a profile of; else this one."""
        above = self.path.parent
        is_profile = above.name == "profiles" and (above.parent / PROFILES).exists()
        return Home(above.parent) if is_profile else self

    @property
    def profile_name(self) -> str:
        """Of which profile this is the home; "": the main person's."""
        return self.path.name if self.main != self else ""

    @property
    def night_lock(self) -> Path:
        """Held by the night that runs, of this home and all its profiles."""
        return self.main.path / "night.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A daemon that serves: the content of daemon.json."""

    pid: int
    port: int
    url: str  # for example http://127.0.0.1:4141


def where(environment: Mapping[str, str], flag: Path | None = None) -> Home:
    """
    The home that this call means: the flag, else TSUBASA_HOME, else ~/.tsubasa. Nothing is made yet.

    Raises:
        HomeNotUsable: it is below ~ of a user who does not exist.
    """
    chosen = Path(flag or environment.get("TSUBASA_HOME") or "~/.tsubasa")
    try:
        return Home(chosen.expanduser().absolute())
    except RuntimeError as error:
        raise HomeNotUsable(chosen, "there is no such user") from error


def prepare(home: Home) -> None:
    """
    Make the folder, for its owner only.

    Raises:
        HomeNotUsable: it is no folder, can't be made or written, or holds things that are not ours.
    """
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = {entry.name for entry in home.path.iterdir()}
        if names - MAY_BE_THERE and not names & set(OURS):
            raise HomeNotUsable(home.path, "it holds files of something else")
        _close(home.path)
        for entry in home.path.iterdir():
            if not entry.is_symlink() and entry.name != KEY:
                _close(entry)
    except OSError as error:
        raise HomeNotUsable(home.path, error.strerror or str(error)) from error


def _close(path: Path) -> None:
    """Take from all but the owner what they may do with a file or folder, and say so where that was anything."""
    mode = path.stat().st_mode & 0o777
    if os.name != "posix" or not mode & 0o077:
        return
    path.chmod((mode & 0o700) if path.is_dir() else (mode & 0o600))
    is_key = path.name == API_KEY
    again = " If others use this machine, remove it: the next start makes a new key." if is_key else ""
    level = (
        logging.WARNING if is_key else logging.INFO
    )  # an editor makes config.toml so, and the folder is closed
    log.log(level, "The mode of %s was %04o; now it is for you alone.%s", path, mode, again)


class HomeLock:
    """The right to work on a home; the system takes it back when the process dies."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock: FileLock | None = None

    def take(self) -> None:
        """Take the lock, or raise `HomeInUse` with the process and address of the daemon that has it."""
        from filelock import FileLock, Timeout  # here, for most commands load this module and lock nothing

        lock = FileLock(self._home.lock, mode=0o600, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire(blocking=False)
            with suppress(OSError):  # no room on the disk: the lock is ours, and only nobody is told by whom
                self._home.lock.write_text(str(os.getpid()), encoding="utf-8")
        except Timeout:
            pid = self._home.lock.read_text(encoding="utf-8", errors="replace").strip()
            there = running(self._home)
            raise HomeInUse(
                self._home.path, int(pid) if pid.isdigit() else None, there.url if there else None
            ) from None
        except OSError as error:
            lock.release()
            why = f"daemon.lock can't be locked ({error.strerror or error})"
            raise HomeNotUsable(self._home.path, why, "Move it away, or make the folder yours.") from error
        self._lock = lock

    def release(self) -> None:
        """Let the next daemon in. The file stays: removing it would let two daemons lock two files."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


class NightTurn:
    """The right to run a night: one at a time in a home and all its profiles, for each takes all processors."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock: FileLock | None = None

    def take(self) -> bool:
        """Whether it is ours now; who has it may take it again, and releases as often."""
        from filelock import FileLock, Timeout

        if self._lock is None:
            file = self._home.night_lock
            self._lock = FileLock(file, mode=0o600, thread_local=False, fallback_to_soft=False)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as error:
            why = f"night.lock can't be locked ({error.strerror or error})"
            raise HomeNotUsable(
                self._home.main.path, why, "Move it away, or make the folder yours."
            ) from error
        return True

    def release(self) -> None:
        """Let the next night begin."""
        if self._lock is not None:
            self._lock.release()

    @property
    def is_elsewhere(self) -> bool:
        """Whether a night of another profile, or of the main person, runs now."""
        if not self.take():
            return True
        self.release()
        return False


def load_or_create_api_key(home: Home) -> str:
    """The key that clients must show; made at the first call, readable by the owner only."""
    found = read_api_key(home)
    if found is not None:
        return found
    made = "tsu-" + secrets.token_urlsafe(32)
    _write_private(home.api_key, made + "\n")
    return made


def read_api_key(home: Home) -> str | None:
    """The key in the home, or None when no daemon has made one yet."""
    try:
        found = home.api_key.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise HomeNotUsable(
            home.path,
            f"api_key can't be read ({getattr(error, 'strerror', None) or 'it is no text'})",
            NEW_KEY,
        ) from error
    if not found.isascii() or not found.isprintable():
        raise HomeNotUsable(home.path, "api_key holds no key", NEW_KEY)
    if found and len(found) < SHORTEST_KEY:
        why = f"the key in api_key has fewer than {SHORTEST_KEY} characters, so that it can be guessed"
        raise HomeNotUsable(home.path, why, NEW_KEY)
    return found or None


def made_at(home: Home) -> datetime:
    """When this home was made, local time: the moment of its API key, the first thing written."""
    return datetime.fromtimestamp(home.api_key.stat().st_mtime)


def held_upload(file: Path) -> int | None:
    """The number of the file in our memory that an upload's link means; None: it means none of this process."""
    try:
        found = HELD.fullmatch(os.readlink(file))
        is_ours = found and os.readlink(found[0]).startswith(f"/memfd:{file.parent.name} ")
    except OSError:
        return None
    return int(found[1]) if found and is_ours else None


def drop_upload(file: Path) -> None:
    """Put away what was dropped onto the page; harmless when somebody else has done so."""
    if (number := held_upload(file)) is not None:
        os.close(number)
    shutil.rmtree(file.parent, ignore_errors=True)


def sweep_uploads(home: Path, *, older_s: float = UPLOADS_KEPT_S) -> None:
    """Delete what was dropped onto the page and left lying for so long: a browser was closed, or the daemon ended."""
    for folder in (home / UPLOADS).glob("*"):
        try:
            if time.time() - folder.stat().st_mtime > older_s:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # somebody else was quicker
            continue


def announce(home: Home, daemon: Running) -> None:
    """Write daemon.json: from now on, commands find the daemon."""
    _write_private(home.ready, json.dumps(asdict(daemon)) + "\n")


def withdraw(home: Home) -> None:
    """Remove daemon.json: the daemon stops. Raises `HomeNotUsable`."""
    try:
        home.ready.unlink(missing_ok=True)
    except OSError as error:
        why = f"daemon.json can't be removed ({error.strerror or error})"
        raise HomeNotUsable(home.path, why, "Move it away.") from error


def running(home: Home) -> Running | None:
    """What daemon.json says; None when there is none or a broken one. The process may be gone."""
    try:
        found = Running(**json.loads(home.ready.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    is_whole = type(found.pid) is int and type(found.port) is int and isinstance(found.url, str)
    return found if is_whole and _is_here(found.url) else None


def _is_here(url: str) -> bool:
    """Whether an address leads to this machine, so that the key may be shown there."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def _write_private(file: Path, content: str) -> None:
    try:
        with replacing(file) as out:
            out.write(content.encode())
    except OSError as error:
        raise HomeNotUsable(file.parent, error.strerror or str(error)) from error
