"""What can go wrong between the daemon and one of its child processes. What a child does has errors of its own."""

from collections.abc import Mapping
from typing import Any

from daemon.errors import DaemonError


class ChildError(DaemonError):
    """A child process could not do what was asked; the base of every error of this kind."""

    fields: Mapping[str, Any] = {}  # what the class is made of, for one that goes from a child to us


class ChildCrashed(ChildError):
    """It ended while it was starting or while it still owed an answer; the next call starts it again."""

    def __init__(
        self, name: str, *, exit_code: int | None, last_words: str = "", starting: bool = False
    ) -> None:
        self.name, self.exit_code, self.last_words = name, exit_code, last_words
        when = "while starting" if starting else "in the middle of its work"
        how = _how_it_ended(exit_code)
        said = f" Its last words: {last_words!r}." if last_words else ""
        super().__init__(f"The {name} process {how} {when}.{said} It is started again on the next request.")


class ChildStopped(ChildError):
    """The process was stopped on purpose (shutdown) while a call was waiting for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"The {name} process was stopped before it could answer. Ask again once the daemon is up."
        )


class ChildTooSlow(ChildError):
    """The process did not finish its start in time."""

    def __init__(self, name: str, start_timeout_s: float) -> None:
        self.name, self.start_timeout_s = name, start_timeout_s
        super().__init__(
            f"The {name} process did not start within {start_timeout_s:g} s and was ended. "
            f"Look at its lines in the log; a slow disk or too little memory is the usual reason."
        )


class ChildRefused(ChildError):
    """The child answered with an error of its own: `code` names the kind, `fields` its typed details."""

    def __init__(self, name: str, code: str, message: str, fields: Mapping[str, Any] | None = None) -> None:
        self.name, self.code, self.message, self.fields = name, code, message, dict(fields or {})
        super().__init__(message)


class FrameBroken(ChildError):
    """Bytes between the daemon and a child are not a frame: a bug or a foreign process on the socket."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Can't read a frame between the daemon and a child process: {reason}. This is a bug; report it."
        )


class FrameTooLarge(ChildError):
    """A command is larger than one frame may be; nothing was sent."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"The request is too large for the model's process: {size:,} bytes, {limit:,} is the most. "
            f"Send less text at a time."
        )


def _how_it_ended(exit_code: int | None) -> str:
    if exit_code is None:
        return "closed its connection"
    if exit_code < 0:
        return f"was killed by signal {-exit_code}"
    return f"ended with exit code {exit_code}"


class NightEnded(DaemonError):
    """The daemon ended the trainer on purpose. Nothing was adopted; its checkpoint is kept."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The night was ended: {why}. The live generation is untouched; the night goes on later."
        )
        self.why = why
