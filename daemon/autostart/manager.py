"""
What is to be started at login, and what each service manager (systemd, launchd) must be able to do about it.
"""

import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import daemon
from daemon.errors import DaemonError
from daemon.home import Home

PATIENCE_S = 120.0  # that one command to a service manager may take; a start is not waited for


class ServiceError(DaemonError):
    """The service could not be installed, looked at or removed."""


def manager_missing(program: str, why: str) -> ServiceError:
    """This system has none of the service managers that we know."""
    return ServiceError(
        f"Can't talk to this system's service manager: {program}: {why}. "
        "Without one, have your session start this at login: tsubasa up"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One command line and its surroundings."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    home: Path
    log: Path  # where managers that keep no log of their own let the daemon write

    def __post_init__(self) -> None:
        for text in (*self.command, *(value for _, value in self.environment), str(self.home)):
            if not text.isprintable():
                raise ServiceError(
                    f"Can't write {text!r} into a service: it has a line break or another control character. "
                    "Choose a home with a plainer name: tsubasa service install --home FOLDER"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a service manager says of our service."""

    enabled: bool  # it starts at login
    running: bool
    says: str  # in the manager's own words


class Manager(Protocol):
    """One service manager."""

    name: str
    file: Path  # what is written for it

    def written(self, start: Start) -> bytes:
        """The content of `file`; the same for the same start."""

    def turn_on(self, *, run: bool) -> None:
        """Start what `file` says at each login from now on, and now if `run`."""

    def turn_off(self) -> None:
        """End it, and start it no more. `file` is still there."""

    def taken_away(self) -> None:
        """`file` is gone."""

    def state(self) -> State:
        """What the manager says."""

    def show_log(self, start: Start, *, lines: int, follow: bool) -> list[str]:
        """The command that prints the last lines of what the daemon said."""


def start_of(home: Path) -> Start:
    """The daemon on `home`, with this very Python, whatever folder the manager is in."""
    root = Path(daemon.__path__[0]).parent
    installed = root == Path(sysconfig.get_paths()["purelib"])
    return Start(
        command=(sys.executable, "-P", "-m", "daemon", "up", "--home", str(home)),
        environment=(("PYTHONUNBUFFERED", "1"), *(() if installed else (("PYTHONPATH", str(root)),))),
        home=home,
        log=Home(home).log,
    )


def run_command(*command: str) -> subprocess.CompletedProcess[str]:
    """
    Run one command of a service manager; its answer, whatever the exit code.

    Raises:
        ServiceError: the program is not there, or does not end.
    """
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = getattr(error, "strerror", None) or f"no answer in {PATIENCE_S:.0f} s"
        raise manager_missing(command[0], why) from error


def check_command(*command: str) -> None:
    """Run one command of a service manager; raise `ServiceError` with its words when it refuses."""
    done = run_command(*command)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise ServiceError(
            f"The service manager refused `{' '.join(command)}` (exit code {done.returncode}): "
            f"{said[-1].strip().rstrip('.')}. More may be in: tsubasa service logs"
        )
