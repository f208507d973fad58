"""
A batch in parts whose gradients add up to its own: memory is needed for one part at a time.

Promises: no sequence is cut, their order stays; a sequence that does not fit is a part of its own.
Knows nothing of libraries.
"""

from collections.abc import Callable

import numpy as np

from trainer.backend import Ints, Sequences, Targets


def parts(batch: Sequences, fits: Callable[[int, int], bool]) -> list[tuple[Sequences, slice]]:
    """
    Each part with the answers of the batch that are its own.

    Args:
        fits: whether so many tokens with so many answer tokens may be held at a time.
    """
    ends = np.cumsum(batch.lengths)
    answers = np.searchsorted(batch.places, ends)  # of the sequences up to each
    cuts = [0]
    for index in range(1, len(ends)):
        first = cuts[-1]
        tokens = ends[index] - (ends[first - 1] if first else 0)
        foretold = answers[index] - (answers[first - 1] if first else 0)
        if not fits(int(tokens), int(foretold)):
            cuts.append(index)
    pairs = zip(cuts, [*cuts[1:], len(ends)], strict=True)
    return [_part(batch, first, last, ends, answers) for first, last in pairs]


def of(targets: Targets, mine: slice) -> Targets:
    """The targets of one part."""
    return Targets(tokens=targets.tokens[mine], logp=targets.logp[mine], rest=targets.rest[mine])


def _part(batch: Sequences, first: int, last: int, ends: Ints, answers: Ints) -> tuple[Sequences, slice]:
    """Sequences `first` up to `last`."""
    start = int(ends[first - 1]) if first else 0
    mine = slice(int(answers[first - 1]) if first else 0, int(answers[last - 1]))
    part = Sequences(
        tokens=batch.tokens[start : int(ends[last - 1])],
        lengths=batch.lengths[first:last],
        places=batch.places[mine] - start,
        answers=batch.answers[mine],
    )
    return part, mine
