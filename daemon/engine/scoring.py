"""
How likely the model finds given replies: they are laid before it token by token, and nothing is chosen.

    prompt ──> reply, end of turn ──> next reply, from where it differs ──> …

Always background work that can be left between any two steps. What two replies begin with is computed once; a slot
emptied meanwhile is filled again and nothing is counted twice.
"""

from dataclasses import dataclass

from daemon.engine.decoding import BACKGROUND_BATCH, compute
from daemon.engine.llama import Context, surprise
from daemon.engine.prefix_cache import PrefixCache, Slot, common
from daemon.engine.records import Score

MOST_REPLIES = 256  # of one request
ROWS = 32  # logits of so many tokens at a time: a row of a large vocabulary has more than half a megabyte


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """A valid request, ready to be computed."""

    number: int
    prompt: list[int]
    replies: list[list[int]]  # each with the token that ends the turn
    adapter: str | None
    background: bool = True


class Scoring:
    """The work on one request."""

    def __init__(self, request: ScoreRequest, context: Context, cache: PrefixCache) -> None:
        self.request = request
        self._context, self._cache = context, cache
        self._slot: Slot | None = None
        self._done = 0  # replies
        self._nats: list[float] = []  # of the present reply's tokens, as far as they are known

    def step(self) -> Score | None:
        """One batch of tokens; the score of a reply whose last one is known. Raises `EngineError`s."""
        if self._slot is None:
            self._slot = self._cache.take(self.request.prompt, self.request.adapter)
        reply = self.request.replies[self._done]
        self._compute(self._slot, reply)
        if len(self._nats) < len(reply):
            return None
        nats = sum(self._nats)
        self._next(self._slot, reply)
        return Score(tokens=len(reply), nats=nats, is_last=self._done == len(self.request.replies))

    def leave(self) -> None:
        """The end, for whatever reason: give the slot back."""
        if self._slot is not None:
            self._cache.give_back(self._slot)

    def _compute(self, slot: Slot, reply: list[int]) -> None:
        """Let the context hold one batch more; what it says of the reply's next tokens is noted."""
        tokens = [*self.request.prompt, *reply[:-1]]
        known = len(self.request.prompt) - 1 + len(self._nats)  # the place whose successor is the next token
        start = len(slot.tokens)
        stop = min(len(tokens), start + BACKGROUND_BATCH, max(start, known) + ROWS)
        wanted = max(0, stop - max(start, known))
        rows = compute(self._context, self._cache, slot, tokens[start:stop], logits=wanted)
        for logits in rows:
            self._nats.append(surprise(logits, reply[len(self._nats)]))

    def _next(self, slot: Slot, reply: list[int]) -> None:
        """Go on to the next reply, keeping what it has in common with this one."""
        self._done += 1
        if self._done < len(self.request.replies):
            following = self.request.replies[self._done]
            same = min(common(reply, following), len(reply) - 1, len(following) - 1)
            self._nats = self._nats[:same]
            self._cache.shorten(slot, len(self.request.prompt) - 1 + same)
