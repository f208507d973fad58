"""
Programs on this machine that can talk to Tsubasa, and the line that each of them needs.

Promises: only looks whether commands and folders are there; opens nothing of theirs. The key itself is never shown.
"""

import shlex
import shutil
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A program that is here."""

    name: str
    where: str
    line: str


def find(url: str, key: Path, *, user: Path | None = None, path: str | None = None) -> list[Found]:
    """
    The programs found below `user` (None: the home folder) and on `path` (None: PATH).

    Args:
        url: of the daemon, without /v1.
        key: the file that holds the API key.
    """
    home = user or Path.home()
    found = []
    for one in _table():
        where = next(filter(None, (_where(mark, home, path) for mark in one["find"])), None)
        if where:
            line = one["line"].format(url=url, key=shlex.quote(str(key))).strip()
            found.append(Found(name=one["name"], where=where, line=line))
    return found


def _where(mark: str, home: Path, path: str | None) -> str | None:
    if mark.startswith("~/"):
        place = home / mark.removeprefix("~/")
        return str(place) if place.exists() else None
    return shutil.which(mark, path=path)


def _table() -> list[dict[str, Any]]:
    text = (files("daemon.diagnostics") / "clients.toml").read_text(encoding="utf-8")
    clients: list[dict[str, Any]] = tomllib.loads(text)["client"]
    return clients
