"""
What the daemon says to a person when something can't be done.

A class stands here, or in its room, when somebody catches it or `api/errors.py` maps it to a status; every other
problem is a message raised as the base error of its room. A message says in one line what failed, which thing, why,
and what to do: the HTTP boundary and the command line print it as it stands.
"""

from pathlib import Path

from store.errors import StoreError


class DaemonError(Exception):
    """A problem that the user can understand and do something about; every room's errors derive from it."""

    quotes_user = False  # whether the message may hold words of a chat: such a one is kept out of the log


KNOWN = (
    DaemonError,
    StoreError,
)  # their messages are for a person; anything else is a bug and keeps its traceback


class ConfigError(DaemonError):
    """The configuration can't be read, or says what it can't say."""


def broken_config(where: str, why: str) -> ConfigError:
    """Why the file can't be read as TOML."""
    return ConfigError(f"{where}: {why}. Correct that line, or move the file away to start with defaults.")


def bad_value(where: str, key: str, value: object, allowed: str) -> ConfigError:
    """Why a key can't have this value."""
    return ConfigError(f"{where}: {key} can't be {value!r}. Allowed: {allowed}.")


class HomeNotUsable(DaemonError):
    """The folder that should hold everything can't be used."""

    def __init__(self, home: Path, why: str, do: str = "Set TSUBASA_HOME to another folder.") -> None:
        super().__init__(f"Can't use {home} as home: {why}. {do}")


class HomeInUse(DaemonError):
    """Another daemon works on the same home."""

    def __init__(self, home: Path, pid: int | None, url: str | None) -> None:
        who = f"process {pid}" if pid else "another process"
        at = f" at {url}" if url else ""
        super().__init__(
            f"A daemon already runs on {home}: {who}{at}. Use that one, stop it first, or set TSUBASA_HOME."
        )


class PortInUse(DaemonError):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} on {host} is in use by another program. "
            f"Start with another one: TSUBASA_PORT={port + 1 if port < 65535 else 4141} tsubasa up"
            f" (0 picks a free one)."
        )


class ProfileUnusable(DaemonError):
    """The daemon of another person's profile can't answer, or went away; the main one answers on."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"The profile {name!r} can't answer: {why.rstrip('.')}. Everybody else is answered.")


class NotRunning(DaemonError):
    """A command needs the daemon, and none answers."""

    def __init__(self, home: Path, why: str) -> None:
        super().__init__(f"No daemon answers for {home}: {why}. Start it with: tsubasa up")


class NotAnsweredYet(NotRunning):
    """The daemon was asked, and has not answered for so long that nobody waits for it any more."""

    def __init__(self, home: Path, patience_s: float) -> None:
        DaemonError.__init__(
            self,
            f"The daemon for {home} has not answered within {patience_s:g} s. It may be at work on it still, so "
            f"look whether it was done before you ask again: tsubasa status",
        )


class Refused(DaemonError):
    """The daemon answered a command with an error."""

    def __init__(self, what: str, status: int, message: str) -> None:
        super().__init__(f"{what}: {message}")
        self.status = status


def file_taken(file: Path) -> DaemonError:
    """Why a file that is there already is not written."""
    return DaemonError(
        f"Did not write {str(file)!r}: it is there already. Choose another name, or add --force."
    )


class FileUnwritable(DaemonError):
    """The operating system does not let us write a file."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"Can't write {str(file)!r}: {why}. Nothing was left behind; choose another place.")


class NoSuchGeneration(DaemonError):
    """A generation is asked for that can't answer."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(
            f"Generation {number} can't answer: {why}. `tsubasa generations` lists those that can."
        )


class NoWayBack(DaemonError):
    """The base model answers: there is nothing before it."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing to go back from: the base model answers. `tsubasa generations` lists what could."
        )


class NoSuchConfirmation(DaemonError):
    """A confirmation is decided or looked at that is not there (any more)."""

    def __init__(self, id: str) -> None:
        super().__init__(
            f"There is no confirmation {id!r}; they are dropped after a while, and when the daemon stops. "
            "`tsubasa confirm` lists those that wait."
        )


class NotWaiting(DaemonError):
    """A confirmation can't be decided: it was already, or its time is over."""

    def __init__(self, id: str, state: str) -> None:
        reasons = {
            "working": "it was allowed and is being done",
            "done": "it was allowed and is done",
            "failed": "it was allowed, and could not be done",
            "refused": "it was refused",
            "expired": "nobody answered in time, so nothing was done",
            "void": "what it was about is no longer there, so nothing was done",
        }
        super().__init__(f"Confirmation {id!r} can't be decided: {reasons[state]}.")


class TooManyWaiting(DaemonError):
    """Programs ask for more confirmations than a person can read."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} confirmations wait already, which is the most. Answer them first: tsubasa confirm"
        )


class Interrupted(DaemonError):
    """An answer was under way while something was forgotten that it may have said."""

    def __init__(self) -> None:
        super().__init__(
            "The answer was stopped: something was just forgotten that it may have told. Ask again."
        )


class Stopping(DaemonError):
    """A request came while the daemon shuts down."""

    def __init__(self) -> None:
        super().__init__("The daemon is stopping. Start it again with: tsubasa up")


class LeavesMachine(DaemonError, PermissionError):
    """Something in the daemon asked for a connection beyond this machine."""

    def __init__(self, host: str) -> None:
        super().__init__(f"Refused to connect to {host}: the daemon talks to this machine only.")
