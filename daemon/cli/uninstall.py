"""
`tsubasa uninstall`: what of Tsubasa lies where on this machine, and, when asked, away with it.

Only what Tsubasa made is removed, by its names; a file of somebody else's that lies in the home stays, and so does the
home then.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from daemon.autostart import install as installed
from daemon.autostart.manager import Manager
from daemon.cli.output import HomeFlag, JsonFlag, as_json, chosen, out
from daemon.errors import DaemonError
from daemon.home import Home, HomeLock
from daemon.text import format_bytes

OURS = (  # what stands in a home by our hand
    "store.db*",
    ".store.db*",
    "key",
    "key.*",
    "api_key*",
    "config.toml",
    "inbox",
    "uploads",
    "backups",
    "prompts",
    "models",
    "models.json*",
    "daemon.*",
    "network.jsonl*",
    "pace.json*",
    "profiles",
    "profiles.json*",
    "night.lock",
)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that lies somewhere."""

    what: str
    where: str
    bytes: int


def uninstall(
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove all of it, after a question; a backup is yours to make.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before --remove.")] = False,
    json: JsonFlag = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Say what of Tsubasa lies where, and remove it with --remove: chats, memories, key, models, the service.

    For example: tsubasa uninstall
    """
    home = chosen(home_flag)
    parts = [*_parts(home), *_service()]
    if json and not remove:
        return as_json(
            {"parts": [{"what": one.what, "where": one.where, "bytes": one.bytes} for one in parts]}
        )
    if not json:
        _show(home, parts)
    if not remove:
        out.print(
            "To remove all of it: tsubasa uninstall --remove. To keep what you told: tsubasa export FILE.jsonl"
        )
        return
    if not yes and not typer.confirm(
        "Remove all of this for good? Without a backup nothing of it comes back."
    ):
        out.print("Nothing was removed.")
        return
    left = _remove(home)
    if json:
        return as_json({"removed": True, "left": left})
    for one in left:
        out.print(f"[yellow]Left, it is none of ours:[/] {escape(one)}")
    out.print(f"Gone. The program itself: {escape(_how_to_uninstall())}")


def _parts(home: Home) -> Iterator[Part]:
    for path in _ours_in(home.path):
        yield Part("home", str(path), _size(path))


def _ours_in(home: Path) -> list[Path]:
    if not home.is_dir():
        return []
    return sorted({path for pattern in OURS for path in home.glob(pattern)})


def _service() -> Iterator[Part]:
    by = _manager()
    if by is not None and by.file.exists():
        yield Part("service", str(by.file), _size(by.file))


def _manager() -> Manager | None:
    try:
        return installed.manager(os.environ, Path.home())
    except DaemonError:  # a system on which nothing starts at login
        return None


def _size(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(one.lstat().st_size for one in path.rglob("*") if not one.is_dir())


def _show(home: Home, parts: list[Part]) -> None:
    for one in parts:
        out.print(f"{one.what:8} {format_bytes(one.bytes):>10}  {escape(one.where)}")
    if not parts:
        out.print(f"Nothing of Tsubasa lies in {escape(str(home.path))}.")
    out.print(f"keyring  the entry of this home, where the key is kept there\nprogram  {escape(sys.prefix)}")


def remove_all(home: Home) -> list[str]:
    """
    What the page's "Delete everything" does once the daemon is closed; what is left in the home.

    The service goes last: it may be what runs us, and ends us then. That of a profile's home stays.
    """
    left = remove_home(home)
    if home.main == home:
        _remove_service()
    return left


def _remove(home: Home) -> list[str]:
    """Remove all of it; what is left in the home. Raises `HomeInUse` while a daemon runs."""
    _remove_service()
    return remove_home(home)


def _remove_service() -> None:
    by = _manager()
    if by is not None and by.file.exists():
        installed.uninstall(by)


def remove_home(home: Home) -> list[str]:
    """Remove what is ours of a home and of all profiles in it; what is left. Raises `HomeInUse`."""
    from store.keys import drop_key

    if not home.path.is_dir():
        return []
    lock = HomeLock(home)
    lock.take()
    try:
        drop_key(home.path)
        for profile in sorted((home.path / "profiles").glob("*")):
            remove_home(Home(profile))
        for path in _ours_in(home.path):
            if path != home.lock:
                _delete(path)
    finally:
        lock.release()
    with suppress(FileNotFoundError):
        home.lock.unlink()
    left = sorted(str(path) for path in home.path.iterdir())
    if not left:
        home.path.rmdir()
    return left


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _how_to_uninstall() -> str:
    return f"remove the folder {sys.prefix}" if sys.prefix != sys.base_prefix else "pip uninstall tsubasa"
