"""
`python -m tray`: the icon of one home, a small process beside the daemon.

    one icon for each home ──> where can it be shown? ──no──> a notification and the page, said once, exit 0
                                      `──yes──> icon in the main thread, watcher in another

When the tray of the desktop goes away and comes back, its icon is there again; it ends with the desktop.
"""

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

from filelock import FileLock, Timeout

from daemon.client.client import connect
from daemon.errors import DaemonError, HomeNotUsable
from daemon.home import Home, where
from daemon.sandbox import telemetry
from daemon.sandbox.memory_guard import forbid_dumps
from tray import actions, desktop, icon
from tray.desktop import NoTray
from tray.face import STARTING, Face
from tray.state import Action, View
from tray.watch import Watcher

PATIENCE_S = 20.0  # of what is answered at once
FIRST_LOOK_S = 2.0  # else the icon says that it takes a moment
BACK_WITHIN_S = 300.0  # a panel that was restarted is back long before
LOOK_EVERY_S = 1.0
READY = "The icon is in the tray. Its menu closes it again."
LOCK, SAID = "tray.lock", "tray.told"  # files of the home


class Tray:
    """The icon of one home, through every tray that shows it."""

    def __init__(self, home: Home, *, detached: bool) -> None:
        self._detached = detached
        self._face: Face | None = None
        self._view: View = STARTING
        self._leaving = False
        self._seen = threading.Event()  # the first look is done
        self._watcher = Watcher(
            lambda: connect(home, patience_s=PATIENCE_S),
            show=self._show,
            notify=desktop.notify_or_print,
            start=actions.DaemonStart(home.path),
            leave=self.leave,
        )

    def run(self, found: desktop.Host) -> None:
        """Show the icon until it is closed, or the desktop ends."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=self.leave).start())
        watching = threading.Thread(target=self._watcher.run, name="watch", daemon=True)
        host: desktop.Host | None = found
        while host is not None and not self._leaving:
            if not watching.ident:
                watching.start()
                self._seen.wait(FIRST_LOOK_S)
            self._face = icon.open_face(host, self._act)
            self._face.show(self._view)
            self._face.run(self._ready)
            host = None if self._leaving else self._wait_for_tray()
        self._watcher.stop()

    def leave(self) -> None:
        """Take the icon away and end."""
        self._leaving = True
        if self._face is not None:
            self._face.stop()

    def _act(self, action: Action) -> None:
        self._watcher.ask(action)

    def _show(self, view: View) -> None:
        self._view = view
        self._seen.set()
        if self._face is not None and not self._leaving:
            self._face.show(view)

    def _ready(self) -> None:
        if self._detached:
            self._detached = False
            sys.stdout.write(READY + "\n")
            sys.stdout.flush()
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (1, 2):
                os.dup2(nowhere, stream)  # the terminal may close now

    def _wait_for_tray(self) -> desktop.Host | None:
        """The tray that comes back after the last one went away; None when none does."""
        end = time.monotonic() + BACK_WITHIN_S
        while time.monotonic() < end and not self._leaving:
            try:
                return desktop.find_host(os.environ)
            except NoTray as error:
                if not error.has_desktop:
                    return None  # its session has ended
                time.sleep(LOOK_EVERY_S)
        return None


def main() -> int:
    """The program; its exit code."""
    forbid_dumps()
    telemetry.switch_off()
    options = _options()
    try:
        home = where(os.environ, options.home)
        lock = FileLock(home.path / LOCK, timeout=0, mode=0o600)  # the system frees it when the process dies
        if home.api_key.exists() and not _acquire(
            lock, home
        ):  # else: no home yet, nothing to put a lock into
            sys.stdout.write("The icon is there already.\n")
            return 0
        _show_icon(home, detached=options.detached)
    except DaemonError as error:
        sys.stderr.write(f"tsubasa: {error}\n")
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tray", description="The icon of Tsubasa.")
    parser.add_argument("--home", type=Path, help="the folder that holds everything")
    parser.add_argument("--detached", action="store_true", help="leave the terminal once the icon is shown")
    return parser.parse_args()


def _acquire(lock: FileLock, home: Home) -> bool:
    """Whether no other icon of this home is there; none comes while the lock is ours."""
    try:
        lock.acquire()
    except Timeout:
        return False
    except OSError as error:
        raise HomeNotUsable(home.path, error.strerror or str(error)) from error
    return True


def _show_icon(home: Home, *, detached: bool) -> None:
    """Where no tray is, say it in the terminal, and the first time on the desktop too, with the page."""
    try:
        host = desktop.find_host(os.environ)
    except NoTray as why:
        sys.stderr.write(f"tsubasa: {why}\n")
        if not why.has_desktop or not _is_new(home, str(why)):
            return
        desktop.notify(str(why))
        try:
            with connect(home, patience_s=PATIENCE_S) as daemon:
                actions.browse(daemon.open_link())
        except DaemonError as error:  # no daemon runs, say: then there is no page
            sys.stderr.write(f"tsubasa: {error}\n")
    else:
        Tray(home, detached=detached).run(host)


def _is_new(home: Home, what: str) -> bool:
    """Whether this was not said before; it counts as said from now on."""
    if not home.api_key.exists():
        return True
    file = home.path / SAID
    try:
        if file.exists() and file.read_text(encoding="utf-8", errors="replace") == what:
            return False
        file.touch(mode=0o600)
        file.write_text(what, encoding="utf-8")
    except OSError as error:
        raise HomeNotUsable(home.path, error.strerror or str(error)) from error
    return True


if __name__ == "__main__":
    sys.exit(main())
