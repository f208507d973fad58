"""
One request while it is worked on: its tokens, and the slot of the context that holds them as far as they are computed.

    waits ──> begin ──> ahead, take, ahead, take … ──> leave          put_off: back to waiting, nothing is lost
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from daemon.engine.llama import Logits
from daemon.engine.prefix_cache import PrefixCache, Slot
from daemon.engine.records import Piece, Score

TAIL = 8  # tokens that are left of a prompt for its last batch: fewer would be rounded otherwise


class Room(NamedTuple):
    """What a batch can still take."""

    tokens: int
    rows: int  # of logits: one of a large vocabulary has more than half a megabyte


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What one request wants computed behind the tokens of its slot."""

    slot: Slot
    tokens: Sequence[int]  # at least one
    rows: int  # logits are wanted after each of so many of the last ones


class Work(ABC):
    """A reply in the making, or replies that are scored."""

    def __init__(
        self, *, number: int, adapter: str | None, background: bool, tokens: list[int], cache: PrefixCache
    ) -> None:
        """`tokens`: of the prompt; more follow."""
        self.number, self.adapter, self.background = number, adapter, background
        self.tokens = tokens  # that are known
        self.slot: Slot | None = None  # None: it waits, or was put off
        self.cached: int | None = None  # tokens that were in memory when it first began
        self._cache = cache

    @property
    def pending(self) -> int:
        """Tokens that are known and not computed: one of a reply between two steps, more of a prompt."""
        return len(self.tokens) - (0 if self.slot is None else len(self.slot.tokens))

    @property
    @abstractmethod
    def growth(self) -> int:
        """Tokens that may still come."""

    @abstractmethod
    def ahead(self, slot: Slot, room: Room) -> Ahead:
        """What of it is computed next."""

    @abstractmethod
    def take(self, rows: Sequence[Logits]) -> Piece | Score | None:
        """What there is to say, now that the context holds what was `ahead`. Raises `EngineError`s."""

    @abstractmethod
    def reusable(self) -> Sequence[int]:
        """The tokens of which all but the last may come out of memory."""

    @property
    def said_tokens(self) -> int:
        """Tokens that were chosen so far."""
        return 0

    def begin(self) -> None:
        """Take a slot."""
        self.slot = self._cache.take(self.reusable(), self.adapter)
        if self.cached is None:
            self.cached = len(self.slot.tokens)

    def put_off(self) -> None:
        """Give the slot back, to begin again later; what it holds may stay until then."""
        if self.slot is not None:
            self._cache.give_back(self.slot)
        self.slot = None

    def leave(self) -> None:
        """The end, for whatever reason."""
        self.put_off()

    def shorten(self, length: int) -> None:
        """Let the context hold only so many of the tokens."""
        if self.slot is not None:
            self._cache.shorten(self.slot, length)


def part_of(tokens: Sequence[int], most: int) -> Sequence[int]:
    """The first `most` of a prompt's tokens; fewer where a crumb would be left for the last batch."""
    left = len(tokens) - most
    return tokens[: most - (TAIL - left) if 0 < left < TAIL < most // 2 else most]
