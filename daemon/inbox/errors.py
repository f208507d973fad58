"""
Why a dropped file was not taken in: the error, and the sentences that several readers need. Each names the file.
"""

from daemon.errors import DaemonError


class InboxError(DaemonError):
    """A file could not be taken in; nothing of it was stored."""

    def __init__(self, name: str, why: str, what_to_do: str) -> None:
        self.why = why
        super().__init__(f"Can't take in {name!r}: {why}. {what_to_do}; nothing was stored.")


class UnknownFormat(InboxError):
    """No reader knows what this file is."""

    def __init__(self, name: str, why: str, known: tuple[str, ...]) -> None:
        super().__init__(name, f"its format is not known ({why})", f"Known are: {', '.join(known)}")


def broken_export(name: str, place: str, why: str) -> InboxError:
    """The format is known, but one place of the file is wrong."""
    return InboxError(name, f"{place}: {why}", "Correct it and drop the file again")


def too_large(name: str, size: int, limit: int) -> InboxError:
    """The file is larger than what is read in one go."""
    return InboxError(name, f"it has {size:,} bytes", f"Split it below {limit:,}, or raise max_import_mb")
