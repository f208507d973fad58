"""
Watch the inbox folder: a file that has stopped growing is taken in.

    watchdog's events (hints) and a rescan now and then ──> two looks, same size and time ──> take_in_and_move

Files that were dropped while nobody watched are found at the start. One file is taken in at a time, and none ends
the watching, whatever it fails with. Hidden files and folders are left alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from daemon.inbox.formats.reader import format_left_out
from daemon.inbox.importer import TakenIn, take_in_and_move
from daemon.store_thread import StoreThread
from daemon.text import counted
from store.errors import StoreError

log = logging.getLogger(__name__)

BLIND_RESCAN_S = 10.0  # seconds between two looks where the system sends no events

Look = tuple[int, int]  # size in bytes, time of change in nanoseconds


class Inbox:
    """The watched folder, from `start` to `stop`."""

    def __init__(
        self,
        folder: Path,
        store_thread: StoreThread,
        *,
        on_taken: Callable[[TakenIn], Awaitable[None]],
        largest: int,
        settle_s: float = 2.0,
        rescan_s: float = 300.0,
    ) -> None:
        """
        Args:
            on_taken: awaited after each file, failed ones too.
            largest: bytes that a file may have.
            settle_s: seconds for which a file must not have changed.
            rescan_s: seconds after which the folder is looked at even if no event came.
        """
        self._folder = folder
        self._store_thread = store_thread
        self._on_taken = on_taken
        self._largest = largest
        self._settle_s = settle_s
        self._rescan_s = rescan_s
        self._hint = asyncio.Event()
        self._observer = Observer()
        self._task: asyncio.Task[None] | None = None
        self._unreachable = ""  # why the folder could not be looked into, as it was told
        self._stuck: dict[Path, Look] = {}  # files that could neither be stored nor moved, as they looked

    async def start(self) -> None:
        """Make the folder, look through it, and watch it from now on; where there is none, wait until there is."""
        handler = _Handler(asyncio.get_running_loop(), self._hint)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._observer.schedule(handler, str(self._folder), recursive=False)
            self._observer.start()
        except OSError as error:  # a file of that name, or the system's limit of watched folders
            self._rescan_s = min(self._rescan_s, BLIND_RESCAN_S)
            log.warning("Inbox: no events (%s); looking every %.0f s instead.", error, self._rescan_s)
        self._task = asyncio.create_task(self._watch(), name="inbox")
        self._task.add_done_callback(_log_end)

    async def stop(self) -> None:
        """Stop watching; a file that is being stored is stored whole first, or not at all."""
        if self._task is None:
            return
        self._observer.stop()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._observer.is_alive():
            await asyncio.to_thread(self._observer.join)
        self._task = None

    async def _watch(self) -> None:
        before: dict[Path, Look] = {}
        while True:
            self._hint.clear()
            now = self._look()
            for file in sorted(file for file, look in now.items() if before.get(file) == look):
                await self._take(file, now.pop(file))
            before = now
            if now:  # somebody may still be writing
                await asyncio.sleep(self._settle_s)
            else:
                await self._hinted()

    async def _hinted(self) -> None:
        """Wait for an event; look anyway after `rescan_s`, for events are hints."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._rescan_s):
                await self._hint.wait()

    def _look(self) -> dict[Path, Look]:
        """Every visible file in the folder, but those that are stuck and unchanged."""
        found = {}
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # somebody may have removed it
            files = list(self._folder.iterdir())
        except OSError as error:
            if self._unreachable != str(error):
                log.error(
                    "Inbox: %s is no folder that can be looked into (%s), so nothing is taken in. Move away what is "
                    "there, or make it yours.",
                    self._folder,
                    error.strerror,
                )
            self._unreachable = str(error)
            return {}
        self._unreachable = ""
        for file in files:
            if file.name.startswith(".") or file.is_symlink() or not file.is_file():
                continue
            try:
                stat = file.stat()
            except OSError:  # moved away since
                continue
            if self._stuck.get(file) != (stat.st_size, stat.st_mtime_ns):
                found[file] = (stat.st_size, stat.st_mtime_ns)
        return found

    async def _take(self, file: Path, look: Look) -> None:
        """Take one file in. What it fails with is recorded, never raised: the next file must get its turn."""
        work = take_in_and_move(self._store_thread, file, largest=self._largest)
        (taken,) = await asyncio.gather(work, return_exceptions=True)
        if isinstance(taken, BaseException):
            self._stuck[file] = look
            log.error(
                "Inbox: a file stays where it is (%s). It is tried again when it changes or at restart.",
                _reason(taken),
                exc_info=None if isinstance(taken, OSError | StoreError) else taken,
            )
            return
        log.log(logging.INFO if taken.ok else logging.WARNING, "Inbox: %s", _nameless_summary(taken))
        log.debug("Inbox: %s", summary(taken))
        (failure,) = await asyncio.gather(self._on_taken(taken), return_exceptions=True)
        if failure is not None:
            log.error("Inbox: a file is stored, but its chats are read later only: %s", _reason(failure))


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("Inbox: watching has ended; restart the daemon.", exc_info=error)


def _nameless_summary(taken: TakenIn) -> str:
    """One line for the log: no name of a file, and nothing that stands in one."""
    if not taken.ok:
        return "a file was not taken in; the folder failed/ has it, and says why."
    if taken.already_imported:
        return "a file was taken in before; nothing new."
    return f"a file was taken in ({taken.format}): {_counts(taken)}."


def _reason(error: BaseException) -> str:
    """What failed, without what it was about."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) if isinstance(error, StoreError) else type(error).__name__


def summary(taken: TakenIn) -> str:
    """One line for a person."""
    if not taken.ok:
        return str(taken.error)
    if taken.already_imported:
        return f"{taken.name!r} was taken in before; nothing new."
    rate = f", {taken.turns / taken.seconds:,.0f} turns/s" if taken.seconds > 0 and taken.turns else ""
    turns = f"{_counts(taken)}, {taken.skipped:,} known"
    if taken.left_out:
        turns += f"; left out: {format_left_out(taken.left_out)}"
    if taken.unread:
        turns += f"; not read: {taken.unread[0]}"
    memories = f", {counted(taken.memories, 'memory', 'memories')}" if taken.memories else ""
    refused = f" Its memories were not taken in: {taken.refused}." if taken.refused else ""
    return f"{taken.name!r} ({taken.format}): {turns}{memories}{rate}.{refused}"


def _counts(taken: TakenIn) -> str:
    return f"{counted(taken.sessions, 'session')}, {counted(taken.turns, 'new turn')}"


class _Handler(FileSystemEventHandler):
    """Hands a hint from the watcher's thread to the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, hint: asyncio.Event) -> None:
        self._loop = loop
        self._hint = hint

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in ("opened", "closed_no_write") and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hint.set)
