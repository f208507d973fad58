"""
How likely the model finds given replies: they are laid before it token by token, and nothing is chosen.

    prompt ──> reply, end of turn ──> next reply, from where it differs ──> …

Always background work that can be put off between any two steps, and shares its batches with others. What two replies
begin with is computed once; a slot emptied meanwhile is filled again and nothing is counted twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from daemon.engine.llama import Logits, surprise
from daemon.engine.prefix_cache import PrefixCache, Slot, common
from daemon.engine.records import Score
from daemon.engine.work import Ahead, Room, Work

MOST_REPLIES = 256  # of one request


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """A valid request, ready to be computed."""

    number: int
    prompt: list[int]
    replies: list[list[int]]  # each with the token that ends the turn
    adapter: str | None


class Scoring(Work):
    """The work on one request."""

    def __init__(self, request: ScoreRequest, cache: PrefixCache) -> None:
        self.request = request
        self._done = 0  # replies
        self._nats: list[float] = []  # of the present reply's tokens, as far as they are known
        super().__init__(
            number=request.number,
            adapter=request.adapter,
            background=True,
            tokens=[*request.prompt, *request.replies[0][:-1]],
            cache=cache,
        )

    @property
    def growth(self) -> int:
        """Tokens by which a later reply is longer than the present one."""
        replies = self.request.replies[self._done :]
        return max(map(len, replies)) - len(replies[0])

    def reusable(self) -> Sequence[int]:
        """Up to the token whose successor is not known yet: that one's logits are needed."""
        return self.tokens[: len(self.request.prompt) + len(self._nats)]

    def ahead(self, slot: Slot, room: Room) -> Ahead:
        """Some more of the prompt and the present reply."""
        known = len(self.request.prompt) - 1 + len(self._nats)  # the place whose successor is the next token
        start = len(slot.tokens)
        stop = min(len(self.tokens), start + room.tokens, max(start, known) + room.rows)
        return Ahead(slot=slot, tokens=self.tokens[start:stop], rows=max(0, stop - max(start, known)))

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

    def _next(self, reply: list[int]) -> None:
        """Go on to the next reply, keeping what it has in common with this one."""
        self._done += 1
        if self._done == len(self.request.replies):
            return
        following = self.request.replies[self._done]
        same = min(common(reply, following), len(reply) - 1, len(following) - 1)
        self._nats = self._nats[:same]
        self.tokens = [*self.request.prompt, *following[:-1]]
        self.shorten(len(self.request.prompt) - 1 + same)
