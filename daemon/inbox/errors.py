"""Why a dropped file was not taken in. Every class words its own message, and names the file."""

from daemon.errors import DaemonError


class InboxError(DaemonError):
    """A file could not be taken in; nothing of it was stored."""


class UnknownFormat(InboxError):
    """No reader knows what this file is."""

    def __init__(self, name: str, why: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"Can't take in {name!r}: its format is not known ({why}). "
            f"Known are: {', '.join(known)}. Nothing was stored."
        )


class BrokenExport(InboxError):
    """The format is known, but one place of the file is wrong."""

    def __init__(self, name: str, place: str, why: str) -> None:
        super().__init__(
            f"Can't take in {name!r}: {place}: {why}. Correct it and drop the file again; nothing was stored."
        )


class ExportTooLarge(InboxError):
    """The file is larger than what is read in one go."""

    def __init__(self, name: str, size: int, limit: int) -> None:
        super().__init__(
            f"Can't take in {name!r}: it has {size:,} bytes; split it below {limit:,}, or raise max_import_mb. "
            f"Nothing was stored."
        )


class ArchiveRefused(InboxError):
    """A ZIP that is not looked into, or not further."""

    def __init__(self, name: str, why: str, what_to_do: str) -> None:
        super().__init__(f"Can't take in {name!r}: {why}. {what_to_do}; nothing was stored.")


class ExportUnreadable(InboxError):
    """The operating system does not let us read the file."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"Can't take in {name!r}: it can't be read ({why}). Check its permissions and drop it again."
        )


class NoSuchFile(InboxError):
    """There is no file of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Can't take in {name!r}: there is no such file. Look at its name and its folder.")


class NotAFile(InboxError):
    """A folder, a pipe or a device: reading it would fail, or never end."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Can't take in {name!r}: it is no ordinary file. Name one file; nothing was stored."
        )
