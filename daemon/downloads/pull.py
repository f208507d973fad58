"""
Download one model file: what was typed becomes a file that lies here, proved where a checksum is known.

    source ──> here already? ──> hub: which file, which sha256 ──> bytes ──> broken? go on ──> sha256 ──> rename

Bytes of two files are never mixed, and nothing appears under its name before it is whole. Another model that has
the name already stays as it is.
"""

import hashlib
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2

from daemon.downloads.errors import PullError, Unreachable, address_refused, wrong_checksum
from daemon.downloads.http import Guard, host_of, reason, without_query
from daemon.downloads.model_source import Address, Source, file_name, hub_of
from daemon.downloads.partial_file import PartialFile, opened
from daemon.downloads.traffic_log import TrafficLog
from daemon.engine.gguf_file import MAGIC
from daemon.home import Home
from daemon.progress import Progress
from daemon.text import format_bytes

TABLE, USER, HUB = "the table of this version", "--sha256", "the hub"
MOST_TRIES = 5  # in a row that bring no byte
PAUSES_S = (0.2, 1.0, 3.0, 10.0)
OnProgress = Callable[
    [str, Progress], None
]  # the file's name, and how far it is; total 0: the server does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The file that is meant, where it goes, and what it must be."""

    url: str
    file: Path
    sha256: str | None = None
    proof: str = ""  # who states the checksum
    bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A file that is here as a whole."""

    file: Path
    sha256: str
    proved_by: str  # who stated the checksum that it has; "": nobody, so that nothing is proved
    was_here: bool = False  # from an earlier pull


def pull(
    source: Source,
    home: Home,
    *,
    environment: Mapping[str, str],
    on_progress: OnProgress,
    sha256: str | None = None,
    hosts: Collection[str] = (),
) -> Downloaded:
    """
    Have the file that `source` names: a file of this machine stays where it is, all else comes into home/models.

    Args:
        sha256: what the user says that it must be; counts before what we or the hub know.
        hosts: to which the server may send us on.

    Raises:
        PullError: it could not be had; what is here stays, and what came so far is kept for the next try.
    """
    if isinstance(source, Path):
        return _local_file(source, sha256)
    log = TrafficLog(home.path)
    if isinstance(source, Address):
        file = home.models / file_name(source.url)
        wanted = Wanted(url=source.url, file=file, sha256=sha256, proof=USER)
        return _stored(wanted) or download(wanted, log, hosts=hosts, on_progress=on_progress)
    from daemon.downloads.hub import LONGEST_ANSWER, Hub  # here, for its library takes seconds to load

    known, endpoint = sha256 or source.sha256, hub_of(environment)
    guard = Guard(first=endpoint, log=log, hosts=hosts, proven=known is not None, most_bytes=LONGEST_ANSWER)
    hub = Hub(endpoint, guard.client())
    url = hub.file_url(source)
    wanted = Wanted(
        url=url,
        file=home.models / file_name(url),
        sha256=known,
        proof=USER if sha256 else TABLE,
        bytes=None if sha256 else source.bytes,  # of the file that the table means
    )
    found = _stored(wanted)
    if found is None:
        wanted = _checked(wanted, hub.stated_sha256(url))
        found = _stored(wanted) if known is None else None
    return found or download(wanted, log, hosts=hosts, on_progress=on_progress)


def download(
    wanted: Wanted,
    log: TrafficLog,
    *,
    hosts: Collection[str] = (),
    on_progress: OnProgress,
    pauses_s: tuple[float, ...] = PAUSES_S,
) -> Downloaded:
    """Fetch the bytes, going on where an earlier try ended, and prove them. Raises `PullError`."""
    guard = Guard(first=wanted.url, log=log, hosts=hosts, proven=wanted.sha256 is not None)
    with opened(wanted.file) as part, guard.client() as client:
        best, tries, reached = part.size, 0, False
        while True:
            try:
                total = _receive(wanted, part, client, on_progress)
                return _prove(wanted, part, total)
            except (httpx2.TransportError, Unreachable) as error:
                no_contact = isinstance(error, Unreachable) and not reached
                if no_contact and not part.size:
                    raise
                why = error.why if isinstance(error, Unreachable) else reason(error)
                tries = 0 if part.size > best else tries + 1
                best, reached = max(best, part.size), True
                if no_contact or tries >= MOST_TRIES:
                    raise PullError(
                        f"The connection to {host_of(wanted.url)} broke again and again ({why}). "
                        f"{format_bytes(part.size)} are kept: the same command goes on from there."
                    ) from error
                _report(
                    on_progress,
                    wanted,
                    part.size,
                    wanted.bytes,
                    f"the connection broke ({why}); trying again",
                )
                time.sleep(pauses_s[min(tries, len(pauses_s) - 1)])
            except httpx2.TooManyRedirects as error:
                why = "it leads round in circles"
                raise address_refused(without_query(wanted.url), why, "Check the address.") from error
            except httpx2.InvalidURL as error:
                raise address_refused(without_query(wanted.url), str(error), "Check the address.") from error


def _local_file(file: Path, sha256: str | None) -> Downloaded:
    found = sha256_of(file) if sha256 else ""
    if sha256 and found != sha256:
        raise wrong_checksum(file.name, sha256, found, USER, "It was left where it is.")
    return Downloaded(file=file, sha256=found, proved_by=USER if sha256 else "", was_here=True)


def _checked(wanted: Wanted, stated: str | None) -> Wanted:
    """Take what the hub states where nothing else is known; raise `PullError` when it has another file."""
    if wanted.sha256 is None:
        return replace(wanted, sha256=stated, proof=HUB)
    if stated not in (None, wanted.sha256):
        raise PullError(
            f"{wanted.file.name} on the hub is another file now: its sha256 is {stated}, {wanted.proof} says "
            f"{wanted.sha256}. Nothing was fetched. If you trust the new one, add: --sha256 {stated}"
        )
    return wanted


def _stored(wanted: Wanted) -> Downloaded | None:
    """The very file, if an earlier pull brought it."""
    if wanted.sha256 is None or not wanted.file.is_file():
        return None
    for file in (wanted.file, _other_name(wanted.file, wanted.sha256)):
        if file.is_file() and sha256_of(file) == wanted.sha256:
            return Downloaded(file=file, sha256=wanted.sha256, proved_by=wanted.proof, was_here=True)
    return None


def _receive(wanted: Wanted, part: PartialFile, client: httpx2.Client, on_progress: OnProgress) -> int | None:
    """One request for the bytes that are missing; the length of the whole file, None: the server does not say."""
    origin, headers = part.origin, {}
    etag = str(origin.get("etag") or "")
    is_proof = etag if wanted.sha256 is None else origin.get("sha256") == wanted.sha256
    if part.size and origin.get("url") == wanted.url and is_proof:
        if part.size == origin.get("bytes"):
            return part.size
        headers = {"range": f"bytes={part.size}-"} | ({"if-range": etag} if etag else {})
    with client.stream("GET", wanted.url, headers=headers) as answer:
        is_same = wanted.sha256 is not None or answer.headers.get("etag") == etag
        total = _place(wanted, part, answer, goes_on=bool(headers) and is_same) or wanted.bytes
        if total is not None:
            part.check_room(total)
        _report(on_progress, wanted, part.size, total)
        for piece in answer.iter_raw():
            if not part.size and piece[: len(MAGIC)] != MAGIC[: len(piece)]:
                part.discard()
                raise _no_gguf(wanted)
            part.append(piece)
            if total is not None and part.size > total:
                break  # a server without an end: `_prove` says so
            _report(on_progress, wanted, part.size, total)
    return total


def _place(wanted: Wanted, part: PartialFile, answer: httpx2.Response, *, goes_on: bool) -> int | None:
    """
    Make the unfinished file ready for the bytes that come, and give the length of the whole.

    Args:
        goes_on: a part was asked for, and the file is the one that the bytes here are of.

    Raises:
        httpx2.RemoteProtocolError: they are of another part, or another file.
    """
    if answer.status_code in (206, 416):
        found = re.fullmatch(r"bytes (\d{1,18})-\d+/(\d{1,18})", answer.headers.get("content-range", ""))
        if found and int(found[1]) == part.size and goes_on:
            return int(found[2])
        part.begin({})
        raise httpx2.RemoteProtocolError("the server sent another part than the one asked for")
    length = answer.headers.get("content-length", "")
    total = int(length) if re.fullmatch(r"\d{1,18}", length) else None
    etag = answer.headers.get("etag", "")
    strong = None if etag.startswith("W/") else etag
    part.begin({"url": wanted.url, "sha256": wanted.sha256, "etag": strong, "bytes": total})
    return total


def _prove(wanted: Wanted, part: PartialFile, total: int | None) -> Downloaded:
    """Compare length and checksum, then give the file its name; what is wrong is removed."""
    name = wanted.file.name
    if part.size < len(MAGIC):
        part.discard()
        raise _no_gguf(wanted)
    if total is not None and part.size != total:
        part.discard()
        raise PullError(
            f"{name} came with {part.size:,} bytes instead of {total:,}. It was removed; try again."
        )
    found = part.sha256()
    if wanted.sha256 is not None and found != wanted.sha256:
        part.discard()
        end = "It was removed; try again, later or from elsewhere."
        raise wrong_checksum(name, wanted.sha256, found, wanted.proof, end)
    is_free = not wanted.file.exists() or sha256_of(wanted.file) == found
    file = wanted.file if is_free else _other_name(wanted.file, found)
    part.finish(file)
    return Downloaded(file=file, sha256=found, proved_by=wanted.proof if wanted.sha256 else "")


def _no_gguf(wanted: Wanted) -> PullError:
    return PullError(
        f"What {without_query(wanted.url)} sends is no GGUF file (it does not begin with GGUF); nothing was kept. "
        f"A page to click on is not the file itself: take the address of the download."
    )


def _report(on_progress: OnProgress, wanted: Wanted, done: int, total: int | None, note: str = "") -> None:
    on_progress(wanted.file.name, Progress(done=done, total=total or 0, unit="bytes", note=note))


def sha256_of(file: Path) -> str:
    """The checksum of a file."""
    with file.open("rb") as opened_file:
        return hashlib.file_digest(opened_file, "sha256").hexdigest()


def _other_name(file: Path, sha256: str) -> Path:
    """For a model whose name another one has already."""
    return file.with_name(f"{file.stem}-{sha256[:12]}{file.suffix}")
