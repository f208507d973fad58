"""
What can go wrong while a model is fetched, worded for the person who waits for it.
"""

from collections.abc import Sequence
from pathlib import Path

from daemon.errors import DaemonError
from daemon.text import format_bytes


class PullError(DaemonError):
    """A model could not be fetched; nothing that was there before has changed."""


class SourceUnknown(PullError):
    """What was asked for is no model's name, no file and no address."""

    def __init__(self, text: str, known: Sequence[str]) -> None:
        super().__init__(
            f"{text[:200]!r} is no file here, no address and no known model. Known: {', '.join(known)}; "
            f"or OWNER/REPOSITORY of the hub, or https://…/NAME.gguf."
        )


class FileHidden(PullError):
    """Nobody lets us see whether a file is there."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"Can't look at {str(path)!r}: {why}. Move the model to a folder that you can read, or change its rights."
        )


class ChecksumUnreadable(PullError):
    """What was given as sha256 is none."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no sha256: that has 64 digits, each 0-9 or a-f.")


class AddressRefused(PullError):
    """An address that is not asked for safety's sake."""

    def __init__(self, url: str, why: str, todo: str) -> None:
        super().__init__(f"Did not ask {url}: {why}. {todo}")


class LedElsewhere(PullError):
    """A server sends us to a host that the user did not name."""

    def __init__(self, host: str, target: str) -> None:
        super().__init__(
            f"{host} sends the download on to {target}, which you did not name; nothing was asked there. "
            f"If that is right, add: --host {target}"
        )


class Unreachable(PullError):
    """There is no way to the host at all."""

    def __init__(self, host: str, why: str) -> None:
        super().__init__(
            f"Can't reach {host}: {why}. Is this machine online? Without a network, bring the file on a "
            f"stick: tsubasa pull FILE.gguf"
        )


class ConnectionLost(PullError):
    """The connection breaks again and again."""

    def __init__(self, host: str, done: int, why: str) -> None:
        super().__init__(
            f"The connection to {host} broke again and again ({why}). {format_bytes(done)} are kept: the same command "
            f"goes on from there."
        )


class Answered(PullError):
    """The server answered with a refusal."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url} answered {status}: {_meaning(status)}")


class FileNotOffered(PullError):
    """A repository of the hub holds no such file."""

    def __init__(self, repository: str, wanted: str, there: Sequence[str]) -> None:
        offered = f"it has {', '.join(there[:12])}" if there else "it has no .gguf file at all"
        super().__init__(
            f"{repository} has no file for {wanted!r}; {offered}. Name one: tsubasa pull {repository}/FILE.gguf"
        )


class HubUnreadable(PullError):
    """The hub's list of files makes no sense."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"{url} did not answer as the hub does ({why}). Name the file: OWNER/REPOSITORY/FILE.gguf"
        )


class NoRoom(PullError):
    """The file would not fit on the disk."""

    def __init__(self, folder: Path, needed: int, free: int) -> None:
        super().__init__(
            f"No room for the model: {format_bytes(needed)} more are needed in {folder}, "
            f"{format_bytes(free)} are free. "
            f"Make room, or set TSUBASA_HOME to a larger disk."
        )


class DiskFilled(PullError):
    """The disk became full in the middle."""

    def __init__(self, part: Path, kept: int) -> None:
        super().__init__(
            f"The disk became full. {format_bytes(kept)} are kept in {part}: make room and give the same command "
            f"again to go on, or remove that file."
        )


class FileNotWritten(PullError):
    """The operating system does not let us write the file."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(
            f"Can't write {str(file)!r}: {why}. Set TSUBASA_HOME to a folder that can be written."
        )


class LedgerUnreadable(PullError):
    """What went over the network was noted in a file that we may not read."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(
            f"What went over the network can't be told: {file} can't be read ({why}). Make it a file that you may read."
        )


class UnderWay(PullError):
    """Another process fetches the same file."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"Another `tsubasa pull` is fetching {file.name} already. Wait for it, or stop it.")


class WrongChecksum(PullError):
    """The bytes that came are not the ones that were meant."""

    def __init__(self, name: str, wanted: str, found: str, told_by: str, *, removed: bool = True) -> None:
        end = "It was removed; try again, later or from elsewhere." if removed else "It was left where it is."
        super().__init__(
            f"{name} is damaged or another file: its sha256 is {found}, {told_by} says {wanted}. {end}"
        )


class WrongLength(PullError):
    """The server sent another number of bytes than it said."""

    def __init__(self, name: str, wanted: int, found: int) -> None:
        super().__init__(
            f"{name} came with {found:,} bytes instead of {wanted:,}. It was removed; try again."
        )


class HubChanged(PullError):
    """The hub offers another file than the one that this version knows."""

    def __init__(self, name: str, told_by: str, known: str, offered: str) -> None:
        super().__init__(
            f"{name} on the hub is another file now: its sha256 is {offered}, {told_by} says {known}. "
            f"Nothing was fetched. If you trust the new one, add: --sha256 {offered}"
        )


class NoGguf(PullError):
    """What comes is no model, as the first bytes show."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"What {url} sends is no GGUF file (it does not begin with GGUF); nothing was kept. A page to click "
            f"on is not the file itself: take the address of the download."
        )


def _meaning(status: int) -> str:
    if status in (401, 403):
        return "it wants a sign-in. Fetch the file with a browser, then: tsubasa pull FILE.gguf"
    if status in (404, 410):
        return "there is no such file. Check the name; `tsubasa pull --list` shows known models."
    if status == 429:
        return "too many requests. Try again in some minutes; what came so far is kept."
    if status >= 500:
        return "it has trouble of its own. Try again later; what came so far is kept."
    return "it does not send the file. Check the address."
