"""
How likely the model finds given replies: they are laid before it token by token, and nothing is chosen.

    prompt ──> reply, end of turn ──> next reply, from where it differs ──> …

Always background work that can be left between any two steps, and shares its batches with other such work. What two
replies begin with is computed once; a slot emptied meanwhile is filled again and nothing is counted twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from daemon.engine.batch import Ahead, Room
from daemon.engine.llama import Logits, surprise
from daemon.engine.prefix_cache import PrefixCache, Slot, common
from daemon.engine.records import Score

MOST_REPLIES = 256  # of one request


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """A valid request, ready to be computed."""

    number: int
    prompt: list[int]
    replies: list[list[int]]  # each with the token that ends the turn
    adapter: str | None
    background: bool = True

    @property
    def longest(self) -> int:
        """Tokens that the context must hold for it at most."""
        return len(self.prompt) + max(map(len, self.replies))


class Scoring:
    """The work on one request."""

    def __init__(self, request: ScoreRequest, cache: PrefixCache) -> None:
        self.request = request
        self._cache = cache
        self._slot: Slot | None = None
        self._done = 0  # replies
        self._nats: list[float] = []  # of the present reply's tokens, as far as they are known

    @property
    def has_begun(self) -> bool:
        """Whether it holds a slot."""
        return self._slot is not None

    def ahead(self, room: Room) -> Ahead:
        """What is to be computed next of the present reply."""
        if self._slot is None:
            self._slot = self._cache.take(self.request.prompt, self.request.adapter)
        tokens = [*self.request.prompt, *self.request.replies[self._done][:-1]]
        known = len(self.request.prompt) - 1 + len(self._nats)  # the place whose successor is the next token
        start = len(self._slot.tokens)
        stop = min(len(tokens), start + room.tokens, max(start, known) + room.rows)
        return Ahead(slot=self._slot, tokens=tokens[start:stop], rows=max(0, stop - max(start, known)))

    def take(self, rows: Sequence[Logits]) -> Score | None:
        """The score of the present reply, if its last token is known now."""
        reply = self.request.replies[self._done]
        for logits in rows:
            self._nats.append(surprise(logits, reply[len(self._nats)]))
        if len(self._nats) < len(reply):
            return None
        nats = sum(self._nats)
        self._next(reply)
        return Score(tokens=len(reply), nats=nats, is_last=self._done == len(self.request.replies))

    def leave(self) -> None:
        """The end, for whatever reason: give the slot back."""
        if self._slot is not None:
            self._cache.give_back(self._slot)

    def _next(self, reply: list[int]) -> None:
        """Go on to the next reply, keeping what it has in common with this one."""
        self._done += 1
        if self._slot is not None and self._done < len(self.request.replies):
            following = self.request.replies[self._done]
            same = min(common(reply, following), len(reply) - 1, len(following) - 1)
            self._nats = self._nats[:same]
            self._cache.shorten(self._slot, len(self.request.prompt) - 1 + same)
