"""
`tsubasa doctor --trust`: what keeps this home's data safe on this machine now, in ten lines. Nothing is changed.
"""

import os
import stat
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from daemon import home as homes
from daemon.backups.nightly import listed
from daemon.config import api_keys
from daemon.config.settings import Settings
from daemon.diagnostics.doctor import Finding, key, note, ok, wrong
from daemon.errors import DaemonError
from daemon.home import Home
from daemon.sandbox.memory_guard import is_out_of_swap
from daemon.text import counted, format_bytes
from store import backup, commit_count
from store.database import PLAIN_HEADER
from store.errors import StoreError
from store.keys import load_or_create_key

OLD = timedelta(days=3)  # a backup as old as this is told
DONE = ("inbox/done", "inbox/failed", "uploads")  # folders of files that hold chats as they came, unencrypted
LONG_KEY = 32  # characters


def state(home: Home, settings: Settings) -> list[Finding]:
    """The ten things, those first without which the others don't help."""
    counts, pages = _pages(home, settings)
    return [
        _closed(home),
        key(home, settings),
        _encrypted(home),
        pages,
        _commits(home, counts),
        _backups(home, by_itself=settings.config.backups),
        _memory(home),
        _swap(home),
        _door(home, settings),
        _plain(home),
    ]


def _closed(home: Home) -> Finding:
    if not home.path.is_dir():
        return ok("home", f"{home.path}, made at the first start")
    loose = [one for one in (home.path, *home.path.iterdir()) if not one.is_symlink() and _mode(one) & 0o077]
    if loose and os.name == "posix":
        many = counted(len(loose), "file of it is", "files of it are")
        return note("home", f"{many} open to other users: {loose[0].name}", "The next start closes them.")
    return ok("home", f"{home.path}, for you alone")


def _encrypted(home: Home) -> Finding:
    if not home.store.exists():
        return ok("store", "none yet")
    with home.store.open("rb") as file:
        if file.read(len(PLAIN_HEADER)) == PLAIN_HEADER:
            return wrong("store", "store.db is not encrypted", "Put a backup back: tsubasa restore --replace")
    return ok("store", f"encrypted, {format_bytes(home.store.stat().st_size)}, with its log")


def _pages(home: Home, settings: Settings) -> tuple[dict[str, int], Finding]:
    """How much there is in the store, and whether all of it can be read."""
    if not home.store.exists():
        return {}, ok("pages", "none yet")
    try:
        secret = load_or_create_key(home.path, keyring=settings.config.keyring)
        counts = backup.check(home.store, secret)
    except StoreError as error:
        return {}, wrong("pages", str(error))
    held = f"{counted(counts['chats'], 'message')}, {counted(counts['memories'], 'memory', 'memories')}"
    return counts, ok("pages", f"each can be read, and all fits together: {held}")


def _commits(home: Home, counts: dict[str, int]) -> Finding:
    file = home.store.with_name(f"{home.store.name}{commit_count.ENDING}")
    if not counts or not file.exists():
        return ok("commits", "counted from the first start on")
    number = file.read_text(encoding="ascii", errors="replace").split()[1:2]
    return ok(
        "commits", f"{int(number[0]) if number and number[0].isdigit() else 0:,} acknowledged and synced"
    )


def _backups(home: Home, *, by_itself: bool) -> Finding:
    found = [one for one in listed(home) if one.day is not None]
    off = "" if by_itself else ", and none is made by itself (backups = false)"
    if not found:
        if home.store.exists():
            when = off or "; the daemon makes one each day"
            return note("backups", f"none yet{when}", "tsubasa backup")
        return ok("backups", f"none yet{off}")
    newest = found[0].day or date.min
    held = format_bytes(sum(one.bytes for one in found))
    said = f"{counted(len(found), 'backup')} of {held}, the newest of {newest}, encrypted{off}"
    if date.today() - newest >= OLD:
        return note("backups", said, "tsubasa backup")
    if aside := [*home.path.glob(f"{home.store.name}.before-*[0-9]")]:
        more = f"{said}; and {aside[0]}, from before a restore, which 'forget' does not reach"
        return note("backups", more, "Delete that file when you miss nothing.")
    return ok("backups", f"{said}; tried: tsubasa backup --drill")


def _memory(home: Home) -> Finding:
    there = homes.running(home)
    limits = Path(f"/proc/{there.pid}/limits") if there else None
    if there is None or limits is None or not limits.exists():
        return ok("memory", "no daemon runs; a running one leaves no core dump and can't be attached to")
    with suppress(OSError):
        core = next(line for line in limits.read_text().splitlines() if line.startswith("Max core file size"))
        if core.split()[4:6] != ["0", "0"]:
            return wrong("memory", "the daemon may leave a core dump", "Start it anew: tsubasa up")
    return ok("memory", "the daemon leaves no core dump, and can't be attached to")


def _swap(home: Home) -> Finding:
    try:
        used = Path("/proc/swaps").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return note("swap", "unknown: what lay in memory may lie on the disk", "Encrypt the disk.")
    there = homes.running(home)
    if used and there is not None and is_out_of_swap(there.pid):
        return ok("swap", "on, and the daemon's memory, with the key, is locked out of it")
    if used:
        where = used[0].split()[0]
        return note(
            "swap", f"on ({where}): what lay in memory, the key too, may lie there", "Encrypt the disk."
        )
    return ok("swap", "off: nothing of memory is written to the disk")


def _door(home: Home, settings: Settings) -> Finding:
    try:
        found = homes.read_api_key(home)
    except DaemonError as error:
        return wrong("door", str(error))
    try:
        programs = len(api_keys.listed(home))
    except DaemonError as error:
        return wrong("door", str(error))
    more = f", and {counted(programs, 'program')} with a key of its own (tsubasa keys)" if programs else ""
    said = f"{settings.config.host} only, for who has the key{more}"
    if found is not None and len(found) < LONG_KEY:
        return note(
            "door", f"{said}, which is short", f"Remove {home.api_key}: the next start makes a new one."
        )
    return ok("door", said)


def _plain(home: Home) -> Finding:
    left = [file for folder in DONE for file in (home.path / folder).glob("**/*")]
    left = [file for file in left if file.is_file() and not file.is_symlink()]  # links lead into memory
    left = [file for file in left if not file.name.endswith(".report.json")]
    if left:
        said = f"{counted(len(left), 'file')} with chats as they came, unencrypted: {left[0].parent}"
        return note("plain", said, "Delete what you need no more.")
    return ok("plain", "no file of the home holds chats unencrypted")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
