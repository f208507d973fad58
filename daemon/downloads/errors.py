"""
Why a model could not be downloaded. Almost all of it is a sentence for the person who waits: a plain `PullError`.
"""

from pathlib import Path

from daemon.errors import DaemonError


class PullError(DaemonError):
    """A model could not be downloaded; nothing that was there before has changed."""


class Unreachable(PullError):
    """No connection to a host could be made."""

    def __init__(self, host: str, why: str) -> None:
        super().__init__(
            f"Can't reach {host}: {why}. Is this machine online? Without a network, bring the file on a "
            f"stick: tsubasa pull FILE.gguf"
        )
        self.why = why


class LogUnreadable(PullError):
    """The traffic log can't be read."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(
            f"What went over the network is unknown: {file} can't be read ({why}). Make it a file that you may read."
        )


def address_refused(url: str, why: str, todo: str) -> PullError:
    """An address that is not asked, for safety's sake."""
    return PullError(f"Did not ask {url}: {why}. {todo}")


def file_not_written(file: Path, error: OSError) -> PullError:
    """The operating system does not let us write a file."""
    why = error.strerror or str(error)
    return PullError(f"Can't write {str(file)!r}: {why}. Set TSUBASA_HOME to a folder that can be written.")


def wrong_checksum(name: str, wanted: str, found: str, proof: str, end: str) -> PullError:
    """The bytes are not the ones that were meant; `proof` is who says so."""
    return PullError(
        f"{name} is damaged or another file: its sha256 is {found}, {proof} says {wanted}. {end}"
    )
