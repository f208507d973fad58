"""
Who may look at the page: one-time links, and the cookie that a browser gets for one.

    POST /tsubasa/links (with the key) -> /sign-in/TOKEN, once, within a minute -> a cookie for 30 days

Promises: a token is kept as its hash only, works once and not for long; the cookie can't be made without the
key, says nothing about it, and a new key ends all of them. Knows nothing of HTTP or of what the page shows.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

LINK_S = 60  # a link is good for so long
COOKIE_S = 30 * 24 * 3600
MOST_LINKS = 100  # open at a time; the oldest makes room


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    ends_at: float  # seconds since 1970
    page: str  # where it leads


class Visitors:
    """Hands out links and cookies, and knows its own again."""

    def __init__(self, api_key: str, *, clock: Callable[[], float] = time.time) -> None:
        """`clock`: seconds since 1970."""
        self._secret = hmac.digest(api_key.encode(), b"the page's cookie, 1", "sha256")
        self._clock = clock
        self._links: dict[bytes, _Link] = {}

    def invite(self, page: str = "/") -> str:
        """A new token, for one visit within a minute that begins at `page`."""
        self._tidy()
        while len(self._links) >= MOST_LINKS:
            del self._links[next(iter(self._links))]
        token = secrets.token_urlsafe(32)
        self._links[_hash(token)] = _Link(ends_at=self._clock() + LINK_S, page=page)
        return token

    def admit(self, token: str) -> str | None:
        """Where the link of `token` leads, the first time it is shown; None when it is not good (any more)."""
        self._tidy()
        link = self._links.pop(_hash(token), None)
        return link.page if link else None

    def cookie(self) -> str:
        """A cookie's value: until when it is good, and the proof that we said so."""
        until = f"{int(self._clock() + COOKIE_S)}.{secrets.token_urlsafe(9)}"
        return f"{until}.{self._proof(until)}"

    def is_ours(self, cookie: str) -> bool:
        """Whether `cookie` is one that we made, and still good."""
        until, _, proof = cookie.rpartition(".")
        if not hmac.compare_digest(proof.encode(), self._proof(until).encode()):
            return False
        return int(until.partition(".")[0]) > self._clock()

    def _proof(self, until: str) -> str:
        return hmac.new(self._secret, until.encode(), "sha256").hexdigest()

    def _tidy(self) -> None:
        now = self._clock()
        self._links = {token: link for token, link in self._links.items() if link.ends_at > now}


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
