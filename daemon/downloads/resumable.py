"""
Fetch one file: go on where an earlier try ended, survive broken connections, prove the result, give it its name.

    ask ──> same file as before? go on : begin anew ──> bytes ──> broken? ask again ──> sha256 ──> rename

Promises: bytes of two files are never mixed; nothing appears under its name that was not proved by a checksum, where
one is known; what can't be proved is said; another model that has the name already stays as it is. Knows nothing of
what is in the file but its first four bytes.
"""

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.downloads.errors import (
    ConnectionLost,
    HubChanged,
    NoGguf,
    Unreachable,
    WrongChecksum,
    WrongLength,
)
from daemon.downloads.http import Answer, Cut, Wire
from daemon.downloads.hub import told_sha256
from daemon.downloads.partial_file import Part, opened
from daemon.engine.gguf_file import MAGIC

MOST_TRIES = 5  # in a row that bring no byte
PAUSES_S = (0.2, 1.0, 3.0, 10.0)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    done: int
    total: int | None  # None: the server does not say
    unit: str = "bytes"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The file that is meant, and what it must be."""

    url: str
    sha256: str | None = None
    told_by: str = ""  # who says so: for error messages
    bytes: int | None = None
    believe_hub: bool = False  # take the checksum that the server itself tells, where none is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file that came whole."""

    file: Path
    sha256: str
    proved_by: str  # who told the checksum that it has; "": nobody, so that nothing is proved
    was_here: bool = False  # from an earlier pull


class Fetch:
    """One download. Iterate over `progress()` to its end; then `result` is there."""

    def __init__(
        self, wanted: Wanted, file: Path, wire: Wire, *, pauses_s: tuple[float, ...] = PAUSES_S
    ) -> None:
        self._wanted, self._file, self._wire, self._pauses_s = wanted, file, wire, pauses_s
        self._sha256, self._told_by = wanted.sha256, wanted.told_by
        self._total = wanted.bytes
        self._complete = False
        self.result: Fetched | None = None

    def progress(self) -> Iterator[Progress]:
        """Do the work. Raises `PullError`s; what came so far is kept, except when it was proved wrong."""
        with opened(self._file) as part:
            best, tries, reached = part.size, 0, False
            if self._is_here():
                return
            while not self._complete:
                try:
                    yield from self._try(part)
                except (Cut, Unreachable) as error:
                    if isinstance(error, Unreachable) and not reached and not part.size:
                        part.discard()
                        raise
                    tries = 0 if part.size > best else tries + 1
                    best = max(best, part.size)
                    if tries >= MOST_TRIES or (isinstance(error, Unreachable) and not reached):
                        raise ConnectionLost(_host(self._wanted.url), part.size, str(error)) from error
                    yield Progress(
                        part.size, self._total, note=f"the connection broke ({error}); trying again"
                    )
                    time.sleep(self._pauses_s[min(tries, len(self._pauses_s) - 1)])
                reached = True
            if self.result is None:
                self._prove(part)

    def _try(self, part: Part) -> Iterator[Progress]:
        """One request; returns when the file is complete, or when the next one must begin anew."""
        origin = part.origin
        provable = origin.get("url") == self._wanted.url and (origin.get("sha256") or origin.get("etag"))
        start, condition = part.size if provable else 0, str(origin.get("etag") or "")
        proven = self._wanted.sha256 is not None
        with self._wire.get(self._wanted.url, start=start, condition=condition, proven=proven) as answer:
            self._learn(answer.headers)
            if self._is_here():
                return
            if answer.status == 416:
                if _length_of_all(answer.headers) != part.size or not self._same(origin, answer.headers):
                    part.begin({})
                    raise Cut("the server has not the part that was asked for")
                self._complete = True
                return
            total, goes_on = self._placed(answer, part, origin)
            if not goes_on:
                part.begin(self._origin(answer.headers, total))
            self._total = total = self._wanted.bytes if total is None else total
            if total is not None:
                part.check_room(total)
            yield Progress(part.size, total)
            for piece in answer.pieces:
                if not part.size and piece[: len(MAGIC)] != MAGIC[: len(piece)]:
                    part.discard()
                    raise NoGguf(self._wanted.url.split("?", 1)[0])
                part.append(piece)
                if total is not None and part.size > total:
                    break  # a server without an end: `_prove` tells
                yield Progress(part.size, total)
        self._complete = True

    def _learn(self, headers: Mapping[str, str]) -> None:
        """The checksum that the hub tells, if none is known; raise `HubChanged` when it is another."""
        told = told_sha256(headers)
        if told is None or not self._wanted.believe_hub:
            return
        if self._wanted.sha256 is not None and told != self._wanted.sha256:
            raise HubChanged(self._file.name, self._wanted.told_by, self._wanted.sha256, told)
        if self._sha256 is None:
            self._sha256, self._told_by = told, "the hub"

    def _placed(self, answer: Answer, part: Part, origin: Mapping[str, object]) -> tuple[int | None, bool]:
        """The length of the whole file, and whether these bytes belong behind those that we have."""
        if answer.status == 206:
            found = re.fullmatch(r"bytes (\d{1,18})-\d+/(\d{1,18})", answer.headers.get("content-range", ""))
            if found and int(found[1]) == part.size and self._same(origin, answer.headers):
                return int(found[2]), True
            part.begin({})  # a range that we did not ask for, or of another file
            raise Cut("the server sent another part than the one asked for")
        length = answer.headers.get("content-length", "")
        return (int(length) if length.isdigit() else None), False

    def _same(self, origin: Mapping[str, object], headers: Mapping[str, str]) -> bool:
        """Whether the server's file is the one that the bytes here are of; unknown counts as no."""
        if self._sha256 is not None:
            return origin.get("sha256") == self._sha256
        etag = headers.get("etag", "")
        return bool(etag) and not etag.startswith("W/") and origin.get("etag") == etag

    def _origin(self, headers: Mapping[str, str], total: int | None) -> dict[str, object]:
        etag = headers.get("etag", "")
        weak = etag.startswith("W/")
        return {
            "url": self._wanted.url,
            "sha256": self._sha256,
            "etag": None if weak else etag,
            "bytes": total,
        }

    def _is_here(self) -> bool:
        """Whether the very file lies there already, from an earlier pull."""
        file = self._file
        if self._sha256 is None or not file.is_file():
            return False
        if sha256_of(file) != self._sha256:
            file = _other_name(file, self._sha256)
            if not file.is_file() or sha256_of(file) != self._sha256:
                return False
        self.result = Fetched(file=file, sha256=self._sha256, proved_by=self._told_by, was_here=True)
        self._complete = True
        return True

    def _prove(self, part: Part) -> None:
        if part.size < len(MAGIC):
            part.discard()
            raise NoGguf(self._wanted.url.split("?", 1)[0])
        if self._total is not None and part.size != self._total:
            part.discard()
            raise WrongLength(self._file.name, self._total, part.size)
        found = part.sha256()
        if self._sha256 is not None and found != self._sha256:
            part.discard()
            raise WrongChecksum(self._file.name, self._sha256, found, self._told_by)
        file = _own_name(self._file, found)
        part.finish(file)
        proved_by = self._told_by if self._sha256 else ""
        self.result = Fetched(file=file, sha256=found, proved_by=proved_by)


def sha256_of(file: Path) -> str:
    """The checksum of a file."""
    with file.open("rb") as opened_file:
        return hashlib.file_digest(opened_file, "sha256").hexdigest()


def _own_name(file: Path, sha256: str) -> Path:
    """`file`, unless another model has this name already: then one that tells them apart."""
    if not file.exists() or sha256_of(file) == sha256:
        return file
    return _other_name(file, sha256)


def _other_name(file: Path, sha256: str) -> Path:
    return file.with_name(f"{file.stem}-{sha256[:12]}{file.suffix}")


def _length_of_all(headers: Mapping[str, str]) -> int | None:
    found = re.fullmatch(r"bytes \*/(\d{1,18})", headers.get("content-range", ""))
    return int(found[1]) if found else None


def _host(url: str) -> str:
    return url.split("/")[2]
