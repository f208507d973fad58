"""
Install, look, uninstall: the same for every service manager.

Nothing starts at login unless `install` was asked for. Only `install` ever writes the file, so an update leaves it as
it is, and a file that somebody changed is not overwritten unasked.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daemon.atomic_file import replacing
from daemon.autostart.launchd import Launchd
from daemon.autostart.manager import Manager, ServiceError, Start, State, manager_missing
from daemon.autostart.systemd import Systemd


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """What is known of the service."""

    file: Path
    written: Literal["no", "as now", "otherwise"]  # otherwise: by an older version, for another home, by hand
    manager: State | None  # None: nothing is installed


def manager(environment: Mapping[str, str], user_home: Path, system: str = sys.platform) -> Manager:
    """The service manager of this system; raises `ServiceError` where we know none."""
    if system == "linux":
        return Systemd(environment, user_home)
    if system == "darwin":
        return Launchd(user_home)
    raise manager_missing(system, "Tsubasa knows no service manager there")


def install(by: Manager, start: Start, *, run: bool, replace: bool = False) -> bool:
    """
    Have the daemon started at login; whether the file was written, False: it was there, word for word.

    Args:
        run: start it now, too.
        replace: overwrite a file that says something else.

    Raises:
        ServiceError: what was written is taken back.
    """
    wanted, found = by.written(start), _read(by.file)
    if found is not None and found != wanted and not replace:
        raise ServiceError(
            f"{str(by.file)!r} is there already and says something else: an older version wrote it, or somebody "
            "changed it. Nothing was changed. To overwrite it: tsubasa service install --replace"
        )
    if found != wanted:
        _write(by.file, wanted)
    try:
        by.turn_on(run=run)
    except ServiceError:
        if found is None:
            by.file.unlink(missing_ok=True)
        elif found != wanted:
            _write(by.file, found)
        raise
    return found != wanted


def uninstall(by: Manager) -> None:
    """Start the daemon at login no more, and end the one that the manager runs; raises `ServiceError`."""
    _check_installed(by)
    by.turn_off()
    try:
        by.file.unlink()
    except OSError as error:
        raise _unusable(by.file, error) from error
    by.taken_away()


def status(by: Manager, start: Start) -> ServiceStatus:
    """What is installed, and what the manager says of it."""
    found = _read(by.file)
    if found is None:
        return ServiceStatus(file=by.file, written="no", manager=None)
    same = found == by.written(start)
    return ServiceStatus(file=by.file, written="as now" if same else "otherwise", manager=by.state())


def log_command(by: Manager, start: Start, *, lines: int, follow: bool) -> list[str]:
    """The command that prints what the service said; raises `ServiceError`."""
    _check_installed(by)
    return by.show_log(start, lines=lines, follow=follow)


def _check_installed(by: Manager) -> None:
    if _read(by.file) is None:
        raise ServiceError(
            f"No service is installed: there is no {str(by.file)!r}. Install it with: tsubasa service install"
        )


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unusable(file, error) from error


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as out:
            out.write(content)
    except OSError as error:
        raise _unusable(file, error) from error


def _unusable(file: Path, error: OSError) -> ServiceError:
    why = error.strerror or str(error)
    return ServiceError(f"Can't use {str(file)!r}: {why}. Nothing was changed; set that right and try again.")
