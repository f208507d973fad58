"""
How much of a batch is held at a time: what fits the memory that is free at this moment.

    batch ──> parts of at most `part_mb` ──> smaller ones when less is free ──> activations computed twice ──> refused

Promises: each batch is looked at anew, so that a short lack of memory changes nothing for good but computing twice;
where nothing lacks, the parts are always the same, and so are their sums. Knows nothing of libraries.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from trainer.backend import Sequences
from trainer.errors import OutOfMemory
from trainer.gguf_model import Shape
from trainer.memory_estimate import activations_mb, reading_mb
from trainer.parts import parts

SPARE = 0.8  # part of the free memory that may be counted on

Part = tuple[Sequences, slice]
Found = TypeVar("Found")

log = logging.getLogger(__name__)


class Room:
    """Cuts the batches of one model."""

    def __init__(
        self,
        shape: Shape,
        *,
        itemsize: int,
        part_mb: float,
        free_mb: Callable[[], float | None],
        refuse: bool,
    ) -> None:
        """
        Args:
            itemsize: bytes of an activation.
            part_mb: activations held at a time, at most; a sequence that needs more is a part of its own.
            free_mb: asked before each batch; None: unknown.
            refuse: a sequence that needs more than is free is an `OutOfMemory` before it is tried: a system that runs
                out of memory kills a process, maybe not this one.
        """
        self._shape, self._itemsize, self._part_mb = shape, itemsize, part_mb
        self._free_mb, self._refuse = free_mb, refuse
        self._keep_less: Callable[[str], None] | None = None
        self.twice = False  # activations are computed again instead of kept

    def may_keep_less(self, keep_less: Callable[[str], None]) -> None:
        """Where even one sequence doesn't fit, `keep_less` is called once, with the reason."""
        self._keep_less = keep_less

    def in_parts(
        self, doing: str, batch: Sequences, work: Callable[[list[Part]], Found], *, learn: bool
    ) -> Found:
        """
        What `work` makes of the parts of `batch`; asked again with smaller ones when memory runs out in it.

        Args:
            learn: with a gradient.

        Raises:
            OutOfMemory: one sequence alone does not fit.
        """
        free = self._free_mb()
        limit = float("inf") if free is None else SPARE * free
        while True:
            cut = self.cut(batch, limit, learn=learn)
            largest = max(self.need(part, learn=learn) for part, _ in cut)
            if free is not None and largest > limit and learn and self._keep_less and not self.twice:
                self._compute_twice(f"a lesson needs about {largest:,.0f} MB, {free:,.0f} MB are free")
                continue
            if self._refuse and free is not None and largest > free:
                raise OutOfMemory(doing, len(batch.lengths))
            try:
                return work(cut)
            except OutOfMemory:
                if len(cut) < len(batch.lengths):
                    limit = min(limit, largest) / 2
                    log.info("memory ran out while %s: in smaller parts once more", doing)
                elif learn and self._keep_less and not self.twice:
                    self._compute_twice("memory ran out")
                else:
                    raise

    def cut(self, batch: Sequences, limit: float = float("inf"), *, learn: bool = True) -> list[Part]:
        """`batch` in parts that need at most `limit` MB, if they are more than one sequence."""

        def fits(tokens: int, answers: int) -> bool:
            return self._mb(tokens, answers, learn, False) <= self._part_mb and (
                self._mb(tokens, answers, learn, self.twice) <= limit
            )

        return parts(batch, fits)

    def need(self, part: Sequences, *, learn: bool) -> float:
        """MB that a part takes, roughly."""
        return self._mb(len(part.tokens), len(part.answers), learn, self.twice)

    def _mb(self, tokens: int, answers: int, learn: bool, twice: bool) -> float:
        if not learn:
            return reading_mb(self._shape, tokens, answers, itemsize=self._itemsize)
        return activations_mb(self._shape, tokens, answers, itemsize=self._itemsize, checkpointing=twice)

    def _compute_twice(self, why: str) -> None:
        self.twice = True
        if self._keep_less:
            self._keep_less(why)
