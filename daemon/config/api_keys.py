"""
Keys for programs: each with a name and what it may do; the owner's key, in the file api_key, may do everything.

    tsubasa keys make ──> api_keys.json: names, scopes and sha256, no key ──> looked at again when it has changed

A key is shown once, when it is made; it has 256 random bits, so its hash tells nothing. A revoked one is refused from
the next request on. When each was used last stands in api_keys_used.json, which the daemon alone writes.
"""

import hashlib
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from daemon.config.record_file import RecordFile, write_json
from daemon.errors import DaemonError
from daemon.home import Home

SCOPES: Mapping[str, str] = {  # what a key may do, besides asking for the daemon's health
    "chat": "ask questions, with memories recalled for the answers, and be kept as chats",
    "read": "see chats, memories, nights, settings, and export them",
    "write": "add, edit and undo memories, name chats, start nights and choose generations",
    "forget": "forget for good, and undo imports",
}
PREFIX = "tsk-"
NAME = re.compile(r"[\w][\w.@ -]{0,39}")
WRITTEN_EVERY_S = 60.0  # when each key was used last
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key of a program."""

    name: str
    scopes: tuple[str, ...]
    made_at: str  # ISO 8601, UTC
    digest: str  # sha256 of the key, hexadecimal
    profile: str = ""  # whose it is; "": the main person's


def listed(home: Home) -> list[ApiKey]:
    """
    The keys that programs have, oldest first.

    Raises:
        DaemonError: the file can't be read.
    """
    return _file(home).read()


def make(home: Home, name: str, scopes: Iterable[str], *, profile: str = "") -> str:
    """
    A new key of this name that may do so much; it is kept nowhere but with who gets it.

    Args:
        profile: whose memories and chats it opens, whatever user a request names; "": the main person's.

    Raises:
        DaemonError: the name is taken or no name, or there is no such scope.
    """
    wanted, known = list(scopes), listed(home)
    if not NAME.fullmatch(name):
        raise DaemonError(
            f"Can't call a key {name!r}: up to 40 letters, digits, spaces, dots and dashes. For example: editor"
        )
    if any(one.name == name for one in known):
        raise DaemonError(
            f"There is a key called {name!r} already. Choose another name, or: tsubasa keys revoke {name!r}"
        )
    if wrong := [scope for scope in wanted if scope not in SCOPES]:
        raise DaemonError(f"There is no scope {wrong[0]!r}. There are: {', '.join(SCOPES)}.")
    if not wanted:
        raise DaemonError("A key that may do nothing is none. Say what it may, for example: --may chat")
    key = PREFIX + secrets.token_urlsafe(32)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = ApiKey(name=name, scopes=tuple(wanted), made_at=now, digest=_digest(key), profile=profile)
    _file(home).write([*known, made])
    return key


def revoke(home: Home, name: str) -> ApiKey:
    """Take a key back; raises `DaemonError` where there is none of this name."""
    known = listed(home)
    for one in known:
        if one.name == name:
            _file(home).write([other for other in known if other is not one])
            return one
    raise DaemonError(f"There is no key called {name!r}. List them: tsubasa keys")


def revoke_of(home: Home, profile: str) -> list[str]:
    """Take back all keys of a profile; their names."""
    known = listed(home)
    gone = [one.name for one in known if one.profile == profile]
    if gone:
        _file(home).write([one for one in known if one.profile != profile])
    return gone


def used(home: Home) -> dict[str, str]:
    """Per name, when its key was used last (ISO 8601, UTC), to the minute."""
    try:
        found = json.loads(home.api_keys_used.read_text(encoding="utf-8"))
        return {str(name): str(at) for name, at in found.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


class ProgramKeys:
    """The keys of one home as the daemon asks for them, request by request."""

    def __init__(self, home: Home, *, clock: Callable[[], float] = time.time) -> None:
        self._home = home
        self._clock = clock
        self._file = _file(home)
        self._trouble = ""  # that was told of the file
        self._used = used(home)
        self._written_at = 0.0

    def find(self, shown: Iterable[str]) -> ApiKey | None:
        """The key that was shown, if it is one of a program and not revoked; it is noted as used."""
        known = self._current()
        digests = [_digest(one) for one in shown if one.startswith(PREFIX)]
        fits = [one for one in known if any(hmac.compare_digest(one.digest, digest) for digest in digests)]
        if not fits:
            return None
        self._note(fits[0].name)
        return fits[0]

    def _current(self) -> list[ApiKey]:
        """None where the file can't be read, which is told once."""
        try:
            known, trouble = self._file.current(), ""
        except DaemonError as error:
            known, trouble = [], str(error)
        if trouble and trouble != self._trouble:
            log.warning("%s", trouble)
        self._trouble = trouble
        return known

    def _note(self, name: str) -> None:
        now = self._clock()
        is_first = name not in self._used
        self._used[name] = datetime.fromtimestamp(now, UTC).isoformat(timespec="minutes")
        if is_first or now - self._written_at >= WRITTEN_EVERY_S:
            self._written_at = now
            try:
                write_json(self._home.api_keys_used, self._used)
            except OSError as error:
                log.warning("When keys were used can't be written: %s", error.strerror)


def _file(home: Home) -> RecordFile[ApiKey]:
    def unreadable(why: str) -> DaemonError:
        return DaemonError(
            f"Can't read {home.api_keys}: {why}. Until then no key of a program is taken. Make it readable, or "
            f"remove it and make the keys anew."
        )

    return RecordFile(home.api_keys, _record, unreadable=unreadable)


def _record(one: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        name=str(one["name"]),
        scopes=tuple(scope for scope in SCOPES if scope in one["scopes"]),
        made_at=str(one["made_at"]),
        digest=str(one["digest"]),
        profile=str(one.get("profile", "")),
    )


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
