"""
One batch for several requests: what each wants computed next goes through the model together, each in its sequence.

A processor reads all weights for every batch, so that eight tokens of eight replies cost little more than one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from daemon.engine.errors import DecodeFailed
from daemon.engine.llama import Context, Logits, NoRoom, Part
from daemon.engine.prefix_cache import PrefixCache, Slot
from daemon.engine.records import BATCH


class Room(NamedTuple):
    """What a batch can still take."""

    tokens: int
    rows: int  # of logits: one of a large vocabulary has more than half a megabyte


FOREGROUND = Room(BATCH, 1)
BACKGROUND = Room(BATCH // 4, 32)  # a foreground request waits for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What one request wants computed behind the tokens of its slot."""

    slot: Slot
    tokens: Sequence[int]  # at least one
    rows: int  # logits are wanted after each of so many of the last ones

    def left_of(self, room: Room) -> Room:
        """What is left of `room` for others."""
        return Room(room.tokens - len(self.tokens), room.rows - self.rows)


def compute(context: Context, cache: PrefixCache, wanted: Sequence[Ahead]) -> list[list[Logits]]:
    """
    Let the context hold what is wanted, emptying others' slots where room is short.

    Returns for each the logits after its last tokens, valid until the next call.
    Raises `NoRoom`: these together don't fit, and nothing was computed; `DecodeFailed`.
    """
    slots = [one.slot for one in wanted]
    while True:
        parts = [Part(one.slot.sequence, len(one.slot.tokens), one.tokens, one.rows) for one in wanted]
        try:
            rows = context.decode(parts)
        except NoRoom:
            if cache.make_room(slots):
                continue
            if len(wanted) > 1:
                raise
            raise DecodeFailed(reason="the context has no room left") from None
        for one in wanted:
            one.slot.tokens += one.tokens
        return rows
