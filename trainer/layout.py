"""
Where the tokens of a batch lie when what several sequences begin with is read once.

    a b c d          a b c          a run of one sequence, before nothing
    a b c e f  ──>     d            runs that go on from it: each sees itself and what it goes on from
    a b c g h          e f, g h     (two of one length are one run)

What is read in this way is what each sequence alone would be: a token sees the very tokens before it, at their places.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from trainer.backend import Ints, Sequences

LEAST = 8  # tokens; a shorter beginning costs more, in products of attention, than it saves


@dataclass(frozen=True, slots=True)
class Run:
    """So many pieces of one length, one behind the other, that go on from the same tokens."""

    count: int
    length: int
    before: tuple[
        tuple[int, int], ...
    ] = ()  # (place in the row, tokens) of each piece that all of them go on from


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One row of tokens that stands for a batch; its runs lie in it one behind the other."""

    chosen: Ints  # (R,) the place in the batch of each token of the row
    positions: Ints  # (R,) of each token of the row in its own sequence
    where: Ints  # (T,) the place in the row of each token of the batch
    runs: tuple[Run, ...]


def layout_of(batch: Sequences) -> Layout:
    """The row for `batch`: what at least two sequences begin with is in it once, where that saves something."""
    row = _Row(batch)
    starts = (np.cumsum(batch.lengths) - batch.lengths).tolist()
    pairs = zip(starts, batch.lengths.tolist(), strict=True)
    sequences = [batch.tokens[start : start + length] for start, length in pairs]
    order = sorted(
        range(len(sequences)), key=lambda index: sequences[index].tobytes()
    )  # alike ones side by side
    ends: dict[
        tuple[tuple[int, int], ...], list[tuple[int, int]]
    ] = {}  # what is left of each, by what is before
    for before, begin, index in _branches(row, sequences, starts, order, 0, ()):
        ends.setdefault(before, []).append((index, begin))
    for before, found in ends.items():
        left = sorted((len(sequences[index]) - begin, index, begin) for index, begin in found)
        for length, pieces in groupby(left, key=lambda each: each[0]):
            row.put(length, [[starts[index] + begin] for _, index, begin in pieces], before)
    return row.layout()


def _branches(
    row: "_Row",
    sequences: list[Ints],
    starts: list[int],
    some: list[int],
    begin: int,
    before: tuple[tuple[int, int], ...],
) -> Iterator[tuple[tuple[tuple[int, int], ...], int, int]]:
    """
    Put what `some` have in common from `begin` on into the row; (before, begin, index) of what is left of each.

    Args:
        some: indices in an order that has like sequences side by side; all are alike up to `begin`.
    """
    if len(some) == 1:
        yield before, begin, some[0]
        return
    alike = _alike(sequences[some[0]], sequences[some[-1]])
    if alike - begin >= LEAST:
        place = row.put(alike - begin, [[starts[index] + begin for index in some]], before)
        before, begin = (*before, (place, alike - begin)), alike
    for token, group in groupby(some, key=lambda index: sequences[index][alike : alike + 1].tobytes()):
        if token:
            yield from _branches(row, sequences, starts, list(group), begin, before)
        else:
            yield from ((before, begin, index) for index in group)


def _alike(one: Ints, other: Ints) -> int:
    """How many tokens both begin with."""
    size = min(len(one), len(other))
    differ = np.flatnonzero(one[:size] != other[:size])
    return int(differ[0]) if len(differ) else size


@dataclass(slots=True)
class _Row:
    """A layout in the making."""

    batch: Sequences
    size: int = 0
    chosen: list[Ints] = field(default_factory=list)
    positions: list[Ints] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    where: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.where = np.zeros(len(self.batch.tokens), np.int64)

    def put(self, length: int, pieces: list[list[int]], before: tuple[tuple[int, int], ...]) -> int:
        """Add a run; each piece by the places in the batch where it begins, of which one is read. Its place."""
        place = self.size
        if not length:  # the whole sequence is a part of others
            return place
        position = sum(tokens for _, tokens in before)
        for begins in pieces:
            self.chosen.append(np.arange(begins[0], begins[0] + length))
            self.positions.append(np.arange(position, position + length))
            for begin in begins:
                self.where[begin : begin + length] = np.arange(self.size, self.size + length)
            self.size += length
        self.runs.append(Run(len(pieces), length, before))
        return place

    def layout(self) -> Layout:
        return Layout(
            chosen=np.concatenate(self.chosen),
            positions=np.concatenate(self.positions),
            where=self.where,
            runs=tuple(self.runs),
        )
