"""
Install, look, uninstall: the same for every service manager.

Promises: nothing is started at login unless `install` was asked for, and only `install` ever writes the file, so
an update leaves it as it is; a file that somebody changed is not overwritten unasked. `uninstall` leaves
everything that is kept.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daemon.autostart.errors import (
    ManagerMissing,
    ManagerRefused,
    ServiceDiffers,
    ServiceFileUnusable,
    ServiceMissing,
)
from daemon.autostart.manager import Manager, Start, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is known of the service."""

    file: Path
    written: Literal[
        "no", "as now", "otherwise"
    ]  # otherwise: by an older version, for another home, or by hand
    manager: State | None  # None: nothing is installed


def manager(environment: Mapping[str, str], user_home: Path, system: str = sys.platform) -> Manager:
    """
    The service manager of this system.

    Raises:
        ManagerMissing: we know none for it.
    """
    if system == "linux":
        from daemon.autostart.systemd import Systemd

        return Systemd(environment, user_home)
    if system == "darwin":
        from daemon.autostart.launchd import Launchd

        return Launchd(user_home)
    if system == "win32":
        from daemon.autostart.task_scheduler import TaskScheduler

        return TaskScheduler(environment, user_home)
    raise ManagerMissing(system, "Tsubasa knows no service manager there")


def install(by: Manager, start: Start, *, run: bool, replace: bool = False) -> bool:
    """
    Have the daemon started at login; whether the file was written, False: it was there, word for word.

    Args:
        run: start it now, too.
        replace: overwrite a file that says something else.

    Raises:
        ServiceDiffers, ServiceFileUnusable, ManagerMissing, ManagerRefused: what was written is taken back.
    """
    wanted, found = by.written(start), _read(by.file)
    if found is not None and found != wanted and not replace:
        raise ServiceDiffers(by.file)
    if found != wanted:
        _write(by.file, wanted)
    try:
        by.turn_on(run=run)
    except (ManagerMissing, ManagerRefused):
        if found is None:
            by.file.unlink(missing_ok=True)
        elif found != wanted:
            _write(by.file, found)
        raise
    return found != wanted


def uninstall(by: Manager) -> None:
    """Start the daemon at login no more, and end the one that the manager runs; raises `ServiceMissing`."""
    if _read(by.file) is None:
        raise ServiceMissing(by.file)
    by.turn_off()
    try:
        by.file.unlink()
    except OSError as error:
        raise ServiceFileUnusable(by.file, error.strerror or str(error)) from error
    by.taken_away()


def look(by: Manager, start: Start) -> Looked:
    """What is installed, and what the manager says of it."""
    found = _read(by.file)
    if found is None:
        return Looked(file=by.file, written="no", manager=None)
    same = found == by.written(start)
    return Looked(file=by.file, written="as now" if same else "otherwise", manager=by.state())


def log_command(by: Manager, start: Start, *, lines: int, follow: bool) -> list[str]:
    """The command that prints what the service said; raises `ServiceMissing`."""
    if _read(by.file) is None:
        raise ServiceMissing(by.file)
    return by.show_log(start, lines=lines, follow=follow)


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ServiceFileUnusable(file, error.strerror or str(error)) from error


def _write(file: Path, content: bytes) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(file)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise ServiceFileUnusable(file, error.strerror or str(error)) from error
