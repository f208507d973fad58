"""
One `tsubasa pull`, from what was typed to a file that lies here: nothing is checked or chosen yet.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from daemon.downloads.errors import WrongChecksum
from daemon.downloads.http import Wire
from daemon.downloads.hub import locate
from daemon.downloads.model_source import Address, HubFile, Source, file_name, hub_of
from daemon.downloads.resumable import Fetch, Fetched, Progress, Wanted, sha256_of
from daemon.downloads.traffic_log import Ledger
from daemon.home import Home

OURS, YOURS = "the table of this version", "--sha256"


def pull(
    source: Source,
    home: Home,
    *,
    environment: Mapping[str, str],
    tell: Callable[[str, Progress], None],
    sha256: str | None = None,
    hosts: Collection[str] = (),
) -> Fetched:
    """
    Have the file that `source` names: a file of this machine stays where it is, all else comes into home/models.

    Args:
        tell: called with the file's name and how far it is.
        sha256: what the user says that it must be; counts before what we or the hub know.
        hosts: to which the server may send us on.

    Raises:
        PullError: it could not be had; what is here stays, and what came so far is kept for the next try.
    """
    if isinstance(source, Path):
        return _here(source, sha256)
    wire = Wire(Ledger(home.path), hosts=hosts)
    wanted = _wanted(source, sha256, hub_of(environment), wire)
    work = Fetch(wanted, home.models / file_name(wanted.url), wire)
    for progress in work.progress():
        tell(file_name(wanted.url), progress)
    assert work.result is not None  # progress() ends so, or raises
    return work.result


def _here(file: Path, sha256: str | None) -> Fetched:
    found = sha256_of(file) if sha256 else ""
    if sha256 and found != sha256:
        raise WrongChecksum(file.name, sha256, found, YOURS, removed=False)
    return Fetched(file=file, sha256=found, proved_by=YOURS if sha256 else "", was_here=True)


def _wanted(source: HubFile | Address, sha256: str | None, hub: str, wire: Wire) -> Wanted:
    if isinstance(source, Address):
        return Wanted(url=source.url, sha256=sha256, told_by=YOURS)
    return Wanted(
        url=locate(source, hub, wire),
        sha256=sha256 or source.sha256,
        told_by=YOURS if sha256 else OURS,
        bytes=None if sha256 else source.bytes,  # of the file that the table means
        believe_hub=True,
    )
