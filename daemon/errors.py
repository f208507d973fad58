"""
Everything the daemon says to a person when something can't be done.

Promises: each class words its own message from typed arguments (what failed, which thing, why, what to do),
in one line. The HTTP boundary and the command line print it as it stands.
Knows nothing of HTTP: `api/errors.py` gives each class its status.
"""

from collections.abc import Sequence
from pathlib import Path

from store.errors import StoreError


class DaemonError(Exception):
    """A problem that the user can understand and do something about; every room's errors derive from it."""

    quotes_user = False  # whether the message may hold words of a chat: such a one is kept out of the log


KNOWN = (
    DaemonError,
    StoreError,
)  # their messages are for a person; anything else is a bug and keeps its traceback


class UnknownKey(DaemonError):
    """The configuration names a key that does not exist."""

    def __init__(self, where: str, key: str, known: Sequence[str]) -> None:
        super().__init__(f"{where}: unknown key {key!r}. Known keys: {', '.join(known)}.")


class RenamedKey(DaemonError):
    """The configuration names a key of an older version."""

    def __init__(self, where: str, old: str, new: str, allowed: str, default: str) -> None:
        super().__init__(
            f'{where}: {old} is {new} now. Write instead, for example: {new} = "{default}" ({allowed}).'
        )


class BadValue(DaemonError):
    """A configuration key has a value that it can't take."""

    def __init__(self, where: str, key: str, value: object, allowed: str) -> None:
        super().__init__(f"{where}: {key} can't be {value!r}. Allowed: {allowed}.")


class BrokenConfig(DaemonError):
    """The configuration file can't be read as TOML."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}. Correct that line, or move the file away to start with defaults.")


class HomeNotUsable(DaemonError):
    """The folder that should hold everything can't be used."""

    def __init__(self, home: Path, why: str) -> None:
        super().__init__(f"Can't use {home} as home: {why}. Set TSUBASA_HOME to another folder.")


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


class PortNotAllowed(DaemonError):
    """The system does not let us listen on the address."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(f"Can't listen on {host} port {port}: {why}. Set TSUBASA_PORT to another port.")


class ModelMissing(DaemonError):
    """The configured model file is not there."""

    def __init__(self, path: Path, key: str) -> None:
        super().__init__(
            f"No model file at {path} (from {key}). Set TSUBASA_MODEL to a GGUF file, "
            f"or unset it to start with the bundled nano."
        )


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


class NotAskable(DaemonError):
    """What was typed does not fit into a question to the daemon."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"Can't ask for {what}: {why}. Type it again, as a few plain words.")


class Refused(DaemonError):
    """The daemon answered a command with an error."""

    def __init__(self, what: str, status: int, message: str) -> None:
        super().__init__(f"{what}: {message}")
        self.status = status


class FileTaken(DaemonError):
    """A file was to be written that is there already."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"Did not write {str(file)!r}: it is there already. Choose another name, or add --force."
        )


class ReplacesModel(DaemonError):
    """A file was to be written over the model that is served."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"Did not write {str(file)!r}: it is the model that is served, and every adapter needs it. "
            "Choose another name."
        )


class WrittenTwice(DaemonError):
    """Two files were to be written under one name."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"Did not write {str(file)!r}: the adapter and the merged model can't be one file. "
            "Choose another name for one of them."
        )


class FileUnwritable(DaemonError):
    """The operating system does not let us write a file."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"Can't write {str(file)!r}: {why}. Nothing was left behind; choose another place.")


class NotMerged(DaemonError):
    """Base model and adapter could not be made one file."""

    def __init__(self, out: Path, why: str) -> None:
        super().__init__(f"Can't write {str(out)!r}: {why}. Nothing was left behind.")


class ClockUnreadable(DaemonError):
    """A day or moment given by the user is none."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no date. Write it as 2026-03-05, or 2026-03-05T18:00:00Z.")


class DayUnreadable(DaemonError):
    """A day given by the user is none."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no day. Write it as YYYY-MM-DD, for example 2026-03-05.")


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
        told = {
            "working": "it was allowed and is being done",
            "done": "it was allowed and is done",
            "failed": "it was allowed, and could not be done",
            "refused": "it was refused",
            "expired": "nobody answered in time, so nothing was done",
            "void": "what it was about is no longer there, so nothing was done",
        }
        super().__init__(f"Confirmation {id!r} can't be decided: {told[state]}.")


class TooManyWaiting(DaemonError):
    """Programs ask for more confirmations than a person can read."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} confirmations wait already, which is the most. Answer them first: tsubasa confirm"
        )


class Interrupted(DaemonError):
    """An answer was under way while something was forgotten that it may have told."""

    def __init__(self) -> None:
        super().__init__(
            "The answer was stopped: something was just forgotten that it may have told. Ask again."
        )


class Stopping(DaemonError):
    """A request came while the daemon shuts down."""

    def __init__(self) -> None:
        super().__init__("The daemon is stopping. Start it again with: tsubasa up")


class ConfigNotChanged(DaemonError):
    """A key of config.toml could not be set for the user."""

    def __init__(self, file: Path, key: str, value: str, why: str) -> None:
        super().__init__(f'Did not change {file}: {why}. Write this line into it yourself: {key} = "{value}"')


class LeavesMachine(DaemonError, PermissionError):
    """Something in the daemon asked for a connection beyond this machine."""

    def __init__(self, host: str) -> None:
        super().__init__(f"Refused to connect to {host}: the daemon talks to this machine only.")
