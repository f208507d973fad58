"""
The prefix cache: what each sequence of the context holds, so that a prompt is computed from where it differs.

A slot is only reused for the adapter that computed it; a slot in use is never taken, only emptied when
there is no other room.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol


class Memory(Protocol):
    """What the cache needs of a context; the other implementation is the tests' list of lists."""

    def cut(self, sequence: int, length: int) -> bool: ...
    def copy(self, source: int, target: int, length: int) -> None: ...


@dataclass(slots=True, eq=False)
class Slot:
    """One sequence of the context."""

    sequence: int
    adapter: str | None = None  # sha256 of what computed it; None: the base model
    tokens: list[int] = field(default_factory=list)  # what the context holds of it, always from the start
    taken: bool = False
    used: int = 0  # larger is later


class PrefixCache:
    """All sequences of one context, least recently used first to go."""

    def __init__(self, memory: Memory, sequences: int) -> None:
        self._memory = memory
        self._slots = [Slot(sequence) for sequence in range(sequences)]
        self._clock = count(1)

    def take(self, prompt: Sequence[int], adapter: str | None) -> Slot:
        """A slot that holds as much of the prompt's beginning as is in memory, but never all of it."""
        free = [slot for slot in self._slots if not slot.taken]
        same = [slot for slot in self._slots if slot.adapter == adapter]
        best = max(same, key=lambda slot: common(slot.tokens, prompt), default=None)
        length = 0 if best is None else min(common(best.tokens, prompt), len(prompt) - 1)
        if best is not None and not best.taken and 2 * length >= len(best.tokens):
            slot = best
        else:
            slot = min(free, key=lambda slot: slot.used)
        if slot is not best:
            self._share(best, slot, length)
        self._cut(slot, length)
        slot.adapter, slot.taken, slot.used = adapter, True, next(self._clock)
        return slot

    def give_back(self, slot: Slot) -> None:
        """The slot's owner is done; what it holds stays for the next one."""
        slot.taken, slot.used = False, next(self._clock)

    def shorten(self, slot: Slot, length: int) -> None:
        """Keep the first `length` tokens of a slot in use; none where the context can't do that."""
        self._cut(slot, length)

    def drop(self, adapter: str | None) -> None:
        """Forget everything that this adapter computed; the owner of a slot in use fills it again."""
        for slot in self._slots:
            if slot.adapter == adapter:
                self._cut(slot, 0)

    def make_room(self, owners: Sequence[Slot]) -> bool:
        """Empty the least recently used slot but for `owners`; False when there is none left to empty."""
        others = [slot for slot in self._slots if slot not in owners and slot.tokens]
        if not others:
            return False
        self._cut(min(others, key=lambda slot: (slot.taken, slot.used)), 0)
        return True

    def _share(self, source: Slot | None, target: Slot, length: int) -> None:
        self._cut(target, 0)
        if source is not None and length:
            self._memory.copy(source.sequence, target.sequence, length)
            target.tokens = source.tokens[:length]

    def _cut(self, slot: Slot, length: int) -> None:
        if len(slot.tokens) > length:
            whole = not self._memory.cut(slot.sequence, length)
            slot.tokens = [] if whole else slot.tokens[:length]


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))
