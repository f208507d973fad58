"""
What is kept, over HTTP: where, how large and how encrypted, what went over the network, and proof that nothing leaves.

The addresses of the proof are reserved for documentation and belong to nobody (RFC 5737, RFC 3849, RFC 6761): were the
refusal broken, nobody would be reached either. Of the home only names, sizes and the first bytes of the store are read.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastapi import APIRouter

from daemon.api.wire import to_json
from daemon.client.schemas import status as schemas
from daemon.downloads.traffic_log import read_traffic
from daemon.errors import LeavesMachine
from daemon.home import Home
from daemon.services import Services
from store.database import PLAIN_HEADER
from store.keys import is_in_file
from store.statistics import sizes
from store.switch import PARTS

NOBODY = (
    ("connect", "192.0.2.1"),
    ("connect", "2001:db8::1"),
    ("send", "192.0.2.1"),
    ("look up", "nobody.invalid"),
)
PATIENCE_S = 3.0
STORE, KEYS, SETTINGS, LOG, REST = "store", "keys", "settings", "log", "rest"
INBOX, UPLOADS, MODELS, BACKUPS = "inbox", "uploads", "models", "backups"  # folders
PROMPTS, PROFILES = "prompts", "profiles"
_KEYS = ("key", "api_key", "api_keys.json")


def routes(services: Services) -> APIRouter:
    """The routes /tsubasa/storage and /tsubasa/proof."""
    router = APIRouter(prefix="/tsubasa", tags=["daemon"])

    @router.get("/storage")
    async def storage() -> schemas.Storage:
        """Rows and bytes of each part of the store, the files of the home, encryption, bytes sent and received."""
        found = await asyncio.to_thread(stored, services.home)
        return to_json(
            schemas.Storage,
            found,
            since=await asyncio.to_thread(since, services.home),
            traffic=await asyncio.to_thread(read_traffic, services.home.path),
            store=await services.store_thread.run(sizes),
        )

    @router.post("/proof")
    async def prove() -> schemas.Proof:
        """The daemon tries to leave this machine, and says how it was refused."""
        tried = [await asyncio.to_thread(_try, what, host) for what, host in NOBODY]
        children = (services.engine.child, services.embedder.child, *services.further.children)
        running = {child.name: child.pid for child in children if child.pid}
        own = await asyncio.to_thread(_sockets)
        return {"pid": os.getpid(), "children": running, "tried": tried, "sockets": own}

    return router


def _sockets() -> list[schemas.OpenSocket] | None:
    from daemon.diagnostics.network_proof import sockets  # for those who ask: it loads all of doctor

    found = sockets([os.getpid()])
    return None if found is None else [to_json(schemas.OpenSocket, one) for one in found]


def _try(what: str, host: str) -> schemas.WayOut:
    """One way out; refused only when it was this program that said no."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if what == "look up":
            socket.getaddrinfo(host, 443)
        else:
            kind = socket.SOCK_STREAM if what == "connect" else socket.SOCK_DGRAM
            with socket.socket(family, kind) as opened:
                opened.settimeout(PATIENCE_S)
                opened.connect((host, 443)) if what == "connect" else opened.sendto(b"", (host, 443))
    except LeavesMachine as error:
        return {"what": what, "host": host, "refused": True, "how": str(error)}
    except OSError as error:  # the network refused, not we: no proof
        return {"what": what, "host": host, "refused": False, "how": error.strerror or str(error)}
    return {"what": what, "host": host, "refused": False, "how": "it went through"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One kind of thing in the home."""

    what: str  # STORE, INBOX, UPLOADS, MODELS, BACKUPS, PROMPTS, PROFILES, KEYS, SETTINGS, LOG or REST
    path: str  # the file, or the folder that they lie in
    files: int
    bytes: int
    encrypted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Everything in one home."""

    home: str
    places: tuple[Place, ...]  # only those with a file in them
    encrypted: bool  # whether the store's file really is, by its bytes
    key: str  # "keyring" or "file"
    private: bool  # whether nobody but its owner can enter
    free_bytes: int  # of the disk


def stored(home: Home) -> Stored:
    """Look through the home; some files only, so it is quick."""
    with_log = [home.store.with_name(home.store.name + end) for end in PARTS]
    is_encrypted = _is_encrypted(home.store)
    folders = {
        INBOX: home.inbox,
        UPLOADS: home.uploads,
        MODELS: home.models,
        PROFILES: home.path / "profiles",
    }
    keys = [home.path / name for name in _KEYS]
    backups = [*_files(home.backups), *home.path.glob(f"{home.store.name}.before-*")]
    prompts = list(_files(home.prompts))
    known = {*with_log, *keys, *backups, *prompts, home.config, home.log}
    rest = [
        file
        for file in _files(home.path)
        if file not in known and not set(folders.values()) & set(file.parents)
    ]
    places = [
        _place(STORE, home.store, with_log, encrypted=is_encrypted),
        *(_place(what, folder, list(_files(folder)), encrypted=False) for what, folder in folders.items()),
        _place(BACKUPS, home.backups, backups, encrypted=True),
        _place(PROMPTS, home.prompts, prompts, encrypted=True),
        _place(KEYS, home.path, keys, encrypted=False),
        _place(SETTINGS, home.config, [home.config], encrypted=False),
        _place(LOG, home.log, [home.log], encrypted=False),
        _place(REST, home.path, rest, encrypted=False),
    ]
    return Stored(
        home=str(home.path),
        places=tuple(one for one in places if one.files),
        encrypted=is_encrypted,
        key="file" if is_in_file(home.path) else "keyring",
        private=os.name != "posix" or not home.path.stat().st_mode & 0o077,
        free_bytes=shutil.disk_usage(home.path).free,
    )


def _place(what: str, path: Path, files: list[Path], *, encrypted: bool) -> Place:
    sizes = [size for file in files if (size := _size(file)) is not None]
    return Place(what=what, path=str(path), files=len(sizes), bytes=sum(sizes), encrypted=encrypted)


def _files(folder: Path) -> Iterator[Path]:
    """Every file in a folder and below; links are not followed."""
    for where, _, names in os.walk(folder):
        yield from (Path(where) / name for name in names)


def _size(file: Path) -> int | None:
    is_upload = file.parent.parent.name == UPLOADS  # a link to what this process holds in memory
    try:
        return file.stat().st_size if is_upload else file.lstat().st_size
    except OSError:
        return None


def _is_encrypted(store: Path) -> bool:
    """Whether its first bytes are not those of a readable SQLite file."""
    try:
        with store.open("rb") as opened:
            first = opened.read(len(PLAIN_HEADER))
    except OSError:
        return False
    return bool(first) and first != PLAIN_HEADER


def since(home: Home) -> datetime | None:
    """When the home was made, local time; None: nobody knows."""
    try:
        return datetime.fromtimestamp(home.api_key.stat().st_mtime).astimezone()
    except OSError:
        return None
