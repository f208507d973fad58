"""
Profiles: the other people of this home, each with a home of their own in it, and the names by which clients know them.

    profiles.json   [{"name": "anna", "users": ["a1b2", "anna@example.org"], "made_at": ...}]
    profiles/anna/  a whole home: store, key, memories, generations, nights, backups

A user belongs to one profile at most. The file is looked at again when it has changed, so that a profile that is made
or removed counts from the next request on. What clients send of nobody here is the main person's, or a stranger's
(`store/users.py`).
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from daemon.config.record_file import RecordFile
from daemon.errors import DaemonError
from daemon.home import Home

NAME = re.compile(r"\w[\w-]{0,39}")
LONGEST_USER = 100  # characters, as `store/users.py` keeps of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One person beside the main one."""

    name: str  # also of the folder
    users: tuple[str, ...]  # by which clients name this person
    made_at: str  # ISO 8601, UTC


def listed(home: Home) -> list[Profile]:
    """
    The profiles of a home, oldest first.

    Raises:
        DaemonError: the file can't be read.
    """
    return _file(home).read()


def find(home: Home, name: str) -> Profile:
    """The profile of that name; raises `DaemonError` where there is none."""
    known = listed(home)
    for one in known:
        if one.name == _normal(name):
            return one
    there = f"There are: {', '.join(one.name for one in known)}." if known else "There is none yet."
    raise DaemonError(f"There is no profile {name!r}. {there} Make one: tsubasa profiles add NAME --user ID")


def add(home: Home, name: str, users: Iterable[str]) -> Profile:
    """
    Make a profile, or let more names of clients' users mean one that is there.

    Raises:
        DaemonError: the name is none, a folder of that name is left, or a user is none or somebody else's.
    """
    name, known = _normal(name), listed(home)
    if not NAME.fullmatch(name):
        raise DaemonError(
            f"Can't call a profile {name!r}: up to 40 letters, digits and dashes, for it names a folder, too. "
            f"For example: anna"
        )
    wanted = tuple(dict.fromkeys(_checked(user) for user in users))
    before = next((one for one in known if one.name.casefold() == name.casefold()), None)
    others = [one for one in known if one is not before]
    for user in wanted:
        for other in others:
            if user in other.users:
                raise DaemonError(
                    f"The user {user!r} is of the profile {other.name!r} already, and one user is one person. "
                    f"Choose another id, or: tsubasa profiles remove {other.name}"
                )
    if before is None and home.profile(name).path.exists():
        raise DaemonError(
            f"A folder {home.profile(name).path} is there, and belongs to no profile. Look at it and move it "
            f"away, or remove it: tsubasa profiles remove {name}"
        )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = before or Profile(name=name, users=(), made_at=now)
    made = replace(made, users=tuple(dict.fromkeys((*made.users, *wanted))))
    _file(home).write([made if one is before else one for one in known] + ([] if before else [made]))
    return made


def drop(home: Home, name: str) -> None:
    """Take a profile from the list; its folder stays. Nothing happens where there is none."""
    known = listed(home)
    left = [one for one in known if one.name != name]
    if left != known:
        _file(home).write(left)


class Profiles:
    """The profiles of one home as the daemon asks for them, request by request."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._file = _file(home)

    @property
    def are_there(self) -> bool:
        """Whether there was ever any."""
        return self._home.profiles.exists()

    @property
    def every(self) -> list[Profile]:
        """All of them; raises `DaemonError` where nobody can be told apart any more."""
        return self._file.current()

    @property
    def users(self) -> frozenset[str]:
        """Every name that means somebody else than the main person."""
        return frozenset(user for one in self.every for user in one.users)

    def named(self, users: Iterable[str]) -> list[str]:
        """The names of those whom these users mean, each once."""
        wanted = set(users)
        return [one.name for one in self.every if wanted & set(one.users)]


def _checked(user: str) -> str:
    user = user.strip()
    if not user or len(user) > LONGEST_USER or not user.isprintable():
        raise DaemonError(
            f"{user[:40]!r} can't be a user: give the id as the client sends it, up to {LONGEST_USER} characters "
            f"on one line. `tsubasa status` tells it where a stranger asked."
        )
    return user


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip())


def _file(home: Home) -> RecordFile[Profile]:
    def unreadable(why: str) -> DaemonError:
        return DaemonError(
            f"Can't read {home.profiles}: {why}. Until then users can't be told apart, and who names one is not "
            f"answered. Make it readable, or put it back from a copy."
        )

    return RecordFile(home.profiles, _record, unreadable=unreadable)


def _record(one: Mapping[str, Any]) -> Profile:
    """Raises `ValueError` for a name that would be another folder."""
    name = str(one["name"])
    if not NAME.fullmatch(name):
        raise ValueError(name)
    return Profile(name=name, users=tuple(map(str, one["users"])), made_at=str(one["made_at"]))
