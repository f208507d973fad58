"""
Backups by themselves: one for each day on which the daemon ran, 7 daily and 4 weekly kept, in backups/ of the home.

    a day without one ──> backed up and checked ──> what is too old is deleted
    something forgotten ──> each backup is rewritten without it

A backup that fails is told until a person has seen it; the old ones stay then.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from daemon.home import Home
from daemon.store_thread import StoreThread
from store import backup, keys, notices
from store.errors import StoreError
from store.jobs import Job

DAYS, WEEKS = 7, 4
AFTER_S = 600.0  # after the start: who looks at something for a minute waits for no backup
SPARE = 500 * 2**20  # bytes that stay free
LEFT_S = 3600.0  # without a change, after which a file on its way is nobody's any more
DRILL = ".drill-"  # folders in the home begin so
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One backup in the home."""

    file: Path
    day: date | None  # None: made before the schema changed
    bytes: int


class Backups:
    """Sees to the backups of one home, as a job of the runner."""

    def __init__(
        self,
        home: Home,
        store_thread: StoreThread,
        *,
        keyring: str,
        by_itself: bool = True,
        after_s: float = AFTER_S,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._home = home
        self._store_thread = store_thread
        self._keyring = keyring
        self._by_itself = by_itself
        self._begins = time.monotonic() + after_s
        self._today = today
        self._may_tell = True  # of the backups, some may tell what was forgotten since
        self._failed: date | None = None  # the day on which it was told that no backup could be made

    async def forget(self) -> None:
        """Something was forgotten: the backups are rewritten next."""
        self._may_tell = True

    async def due(self) -> dict[str, Any] | None:
        """A payload when a backup is to be made, or rewritten."""
        if self._may_tell and listed(self._home):
            return {}
        return {} if self._is_time() and self._failed != self._today() else None

    async def work(self, job: Job) -> None:
        """Rewrite the backups that tell what was forgotten, then make the one of today, where it is time."""
        key = await asyncio.to_thread(keys.load_or_create_key, self._home.path, keyring=self._keyring)
        self._may_tell = False
        await asyncio.to_thread(sweep, self._home)
        await asyncio.to_thread(rewrite_all, self._home, key)
        today = self._today()
        if self._is_time():
            try:
                await asyncio.to_thread(back_up_today, self._home, key, today)
            except (StoreError, OSError) as error:
                self._failed = today
                log.error("No backup could be made: %s", error)
                await self._store_thread.run(notices.put, "backup", {"why": str(error)})

    def _is_time(self) -> bool:
        """Whether the backup of today is to be made."""
        is_wanted = self._by_itself and time.monotonic() > self._begins
        return is_wanted and not _of(self._home, self._today()).exists()


def back_up_today(home: Home, key: bytes, today: date) -> dict[str, int]:
    """
    Make the backup of today, and delete those that are too old; how much is in it.

    Raises:
        StoreError: it could not be made; none was deleted.
    """
    needed = 2 * home.store.stat().st_size + SPARE  # a copy of it, and that copy without adapters
    if shutil.disk_usage(home.path).free < needed:
        raise StoreError(
            f"The disk of {home.path} has no room for a backup: it needs {needed >> 20} MB. Make room, or "
            f"write one elsewhere: tsubasa backup FILE"
        )
    found = backup.back_up(home.store, key, _of(home, today))
    for file in surplus(listed(home)):
        file.unlink(missing_ok=True)
    return found


def rewrite_all(home: Home, key: bytes) -> int:
    """Take what was forgotten since out of all backups; how many changed. One that can't be read is told in the log."""
    changed = 0
    for one in listed(home):
        try:
            changed += backup.rewrite(one.file, key, home.store)
        except (StoreError, OSError) as error:
            log.warning("A backup still holds what was forgotten since; delete it: %s", error)
    return changed


def sweep(home: Home) -> None:
    """Delete what a backup or a drill left that was ended on the way: it may tell what is forgotten since."""
    for left in (*home.backups.glob(".*.part*"), *home.path.glob(f"{DRILL}*")):
        with suppress(OSError):  # of one that goes on, somebody is quicker
            if time.time() - left.stat().st_mtime < LEFT_S:
                continue
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def listed(home: Home) -> list[Kept]:
    """The backups of the home, the newest first."""
    found = []
    for file in home.backups.glob(f"*{backup.ENDING}"):
        try:
            day = date.fromisoformat(file.name.removesuffix(backup.ENDING))
        except ValueError:
            day = None
        found.append(Kept(file=file, day=day, bytes=file.stat().st_size))
    return sorted(found, key=lambda one: (one.day or date.min, one.file.name), reverse=True)


def surplus(found: Iterable[Kept]) -> list[Path]:
    """What is neither of the last 7 days that have one, nor the last of one of the last 4 weeks."""
    by_day = {one.day: one.file for one in found if one.day is not None}
    days = sorted(by_day, reverse=True)
    last_of_week: dict[tuple[int, int], date] = {}
    for day in days:
        last_of_week.setdefault(day.isocalendar()[:2], day)
    kept = {*days[:DAYS], *list(last_of_week.values())[:WEEKS]}
    return [by_day[day] for day in days if day not in kept]


def _of(home: Home, day: date) -> Path:
    return home.backups / f"{day.isoformat()}{backup.ENDING}"
