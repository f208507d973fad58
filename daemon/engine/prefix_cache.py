"""
The prefix cache: what sequences of the context hold, so that a prompt is computed from where it differs.

    take ──> the slot of the chat that goes on, cut where it differs; of another chat a copy of what is common
    make_room ──> idle slots, the least recently used first, lose only so much of their end as is needed
    set_aside ──> idle slots leave the context, in which attention looks at every cell, and come back when asked for
    kept, remember ──> the beginning of prompts goes out to be saved elsewhere, and comes back in another process

A slot is only reused for the adapter that computed it, and one in use is never cut by others. Cells that several
sequences share are counted once; a copy costs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Protocol

ASIDE = 128  # idle cells from which it is worth to set them aside
LEAST_ASIDE = 64  # tokens of a slot: fewer are computed again as quickly
PROOF = 8  # tokens at the end of an answer, by which a chat that goes on is known


class Memory(Protocol):
    """What the cache needs of a context; the other implementation is the tests' list of lists."""

    def cut(self, sequence: int, length: int) -> bool: ...
    def copy(self, source: int, target: int, length: int) -> None: ...
    def save(self, sequence: int) -> bytearray: ...
    def load(self, sequence: int, saved: bytearray) -> bool: ...


@dataclass(slots=True, eq=False)
class Slot:
    """One sequence of the context."""

    sequence: int
    adapter: str | None = None  # sha256 of what computed it; None: the base model
    tokens: list[int] = field(default_factory=list)  # what the context holds of it, always from the start
    cells: list[int] = field(default_factory=list)  # of each token; a name of ours, not llama.cpp's place
    taken: bool = False
    used: int = 0  # larger is later


@dataclass(frozen=True, slots=True, eq=False)
class Aside:
    """What a slot held, outside of the context."""

    adapter: str | None
    tokens: list[int]
    saved: bytearray


class PrefixCache:
    """Some sequences of one context, and how many of its cells they may fill together."""

    def __init__(self, memory: Memory, sequences: Sequence[int], *, cells: int, aside: int = 0) -> None:
        """`aside`: so many more tokens may be remembered outside of the context."""
        self.cells = cells  # its owner may change it, and makes room then
        self._aside: list[Aside] = []  # the least recently used first
        self._most_aside = aside
        self._memory = memory
        self._slots = [Slot(sequence) for sequence in sequences]
        self._clock, self._names = count(1), count()
        self._owners: dict[int, int] = {}  # cell -> how many slots hold it

    @property
    def used(self) -> int:
        """Cells that are filled."""
        return len(self._owners)

    @property
    def held(self) -> int:
        """Those of them that slots in use hold."""
        return len({cell for slot in self._slots if slot.taken for cell in slot.cells})

    def known(self, prompt: Sequence[int], adapter: str | None, *, in_use: bool = False) -> int:
        """How many tokens of the prompt's beginning are in memory; `in_use`: of those that a slot in use holds."""
        slots = [slot.tokens for slot in self._of(adapter) if slot.taken or not in_use]
        asides = [] if in_use else [one.tokens for one in self._aside if one.adapter == adapter]
        return max((common(tokens, prompt) for tokens in slots + asides), default=0)

    def take(self, prompt: Sequence[int], adapter: str | None) -> Slot:
        """A slot that holds as much of the prompt's beginning as is in memory, but never all of it."""
        self._bring_back(prompt, adapter)
        best = max(self._of(adapter), key=lambda slot: (common(slot.tokens, prompt), slot.used), default=None)
        length = 0 if best is None else min(common(best.tokens, prompt), len(prompt) - 1)
        if best is not None and not best.taken and _goes_on(best.tokens, prompt, length):
            slot = best
        else:
            free = [slot for slot in self._slots if not slot.taken]
            slot = min(free, key=lambda slot: (bool(slot.tokens), slot.used))
        if slot is not best:
            self._share(best, slot, length)
        self._cut(slot, length)
        slot.adapter, slot.taken, slot.used = adapter, True, next(self._clock)
        return slot

    def add(self, slot: Slot, tokens: Sequence[int]) -> None:
        """The context holds these behind a slot's tokens now; there was room for them."""
        cells = list(islice(self._names, len(tokens)))
        self._owners.update(dict.fromkeys(cells, 1))
        slot.tokens += tokens
        slot.cells += cells

    def give_back(self, slot: Slot) -> None:
        """The slot's owner is done; what it holds stays for the next one."""
        slot.taken, slot.used = False, next(self._clock)

    def shorten(self, slot: Slot, length: int) -> None:
        """Keep the first `length` tokens of a slot in use; none where the context can't do that."""
        self._cut(slot, length)

    def drop(self, adapter: str | None) -> None:
        """Forget everything that this adapter computed; the owner of a slot in use fills it again."""
        self._aside = [one for one in self._aside if one.adapter != adapter]
        for slot in self._of(adapter):
            self._cut(slot, 0)

    def set_aside(self, least: int = ASIDE) -> None:
        """Move what idle slots hold out of the context, where it is so much that others are computed slower."""
        idle = [slot for slot in self._slots if slot.tokens and not slot.taken]
        if not self._most_aside or len({cell for slot in idle for cell in slot.cells}) < least:
            return
        for slot in sorted(idle, key=lambda slot: slot.used):
            if len(slot.tokens) >= LEAST_ASIDE:
                saved = self._memory.save(slot.sequence)
                self._aside.append(Aside(slot.adapter, list(slot.tokens), saved))
            self._cut(slot, 0)
        while sum(len(one.tokens) for one in self._aside) > self._most_aside:
            del self._aside[0]

    def kept(self, tokens: Sequence[int], adapter: str | None) -> bytearray | None:
        """What the context holds of just these tokens; None: not of all, or no sequence is free to take it from."""
        source = next((one for one in self._of(adapter) if common(one.tokens, tokens) == len(tokens)), None)
        spare = next((one for one in self._slots if not one.tokens and not one.taken), None)
        if source is None or spare is None:
            return None
        self._share(source, spare, len(tokens))
        saved = self._memory.save(spare.sequence)
        self._cut(spare, 0)
        return saved

    def remember(self, tokens: Sequence[int], adapter: str | None, saved: bytearray) -> None:
        """Take in what another context `kept`, for the next prompt that begins so."""
        self._aside.append(Aside(adapter, list(tokens), saved))

    def make_room(self, wanted: int) -> bool:
        """Let so many more cells fit, at the cost of idle slots; False: those in use leave no room for them."""
        idle = (slot for slot in self._slots if slot.tokens and not slot.taken)
        for slot in sorted(idle, key=lambda slot: slot.used):
            while slot.tokens and (missing := self.used + wanted - self.cells) > 0:
                self._cut(slot, max(0, len(slot.tokens) - missing))
        return self.used + wanted <= self.cells

    def _bring_back(self, prompt: Sequence[int], adapter: str | None) -> None:
        """Put what was set aside into a free slot, where it has more of the prompt than any slot."""
        fitting = [one for one in self._aside if one.adapter == adapter]
        best = max(fitting, key=lambda one: common(one.tokens, prompt), default=None)
        if best is None:
            return
        length = common(best.tokens, prompt)
        if length < max((common(slot.tokens, prompt) for slot in self._of(adapter)), default=0) + LEAST_ASIDE:
            return
        self.set_aside(least=1)
        free = next((slot for slot in self._slots if not slot.taken), None)
        if free is None or not self.make_room(len(best.tokens)):
            return
        self._cut(free, 0)
        if not self._memory.load(free.sequence, best.saved):
            self._memory.cut(free.sequence, 0)
            return
        free.adapter = adapter
        self.add(free, best.tokens)
        if _goes_on(best.tokens, prompt, length) and best in self._aside:
            self._aside.remove(best)

    def _of(self, adapter: str | None) -> list[Slot]:
        return [slot for slot in self._slots if slot.adapter == adapter and slot.tokens]

    def _share(self, source: Slot | None, target: Slot, length: int) -> None:
        self._cut(target, 0)
        if source is not None and length:
            self._memory.copy(source.sequence, target.sequence, length)
            target.tokens, target.cells = source.tokens[:length], source.cells[:length]
            for cell in target.cells:
                self._owners[cell] += 1

    def _cut(self, slot: Slot, length: int) -> None:
        if len(slot.tokens) <= length:
            return
        if not self._memory.cut(slot.sequence, length):
            length = 0
        for cell in slot.cells[length:]:
            self._owners[cell] -= 1
            if not self._owners[cell]:
                del self._owners[cell]
        del slot.tokens[length:], slot.cells[length:]


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:  # slices are compared much faster than tokens one by one
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _goes_on(tokens: Sequence[int], prompt: Sequence[int], length: int) -> bool:
    """
    Whether the chat of these tokens goes on in a prompt, of which they have the first `length`.

    Recalled memories and thoughts before the last answer are not sent again, but its words are: where they don't come,
    it is another chat with the same beginning, and this one may still be asked for. A few tokens are no loss.
    """
    rest = tokens[length:]
    if len(rest) <= PROOF:
        return length >= len(rest)
    end = list(rest[-PROOF - 2 : -2] if len(rest) > PROOF + 2 else rest[:PROOF])
    places = range(length, len(prompt) - PROOF + 1)
    return any(prompt[at] == end[0] and list(prompt[at : at + PROOF]) == end for at in places)
