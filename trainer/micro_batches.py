"""
Micro-batches: how much of a batch is in memory at a time, by what fits the memory that is free at this moment.

    batch ──> parts of at most `part_mb` ──> smaller ones when less is free ──> activations computed twice ──> refused

The gradients of the parts add up to the batch's own. No sequence is cut. Each batch is looked at again, so that a
short lack of memory changes nothing for good but computing twice. The factors of the estimate are counted from what
autograd kept of a Qwen3 with adapters on all its matrices (others: a tenth more or less); a test checks them.
"""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from trainer.backend import Ints, Sequences
from trainer.errors import OutOfMemory
from trainer.gguf_model import Shape

HEAD_COPIES = 5  # of the logits: themselves, their softmax, without the top, and two slopes
READ_COPIES = 3  # of the logits without a gradient: their softmax, without the top, and one in between
SPARE = 0.8  # part of the free memory that may be counted on

Part = tuple[Sequences, slice]
Found = TypeVar("Found")

log = logging.getLogger(__name__)


class MicroBatches:
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
            part_mb: activations in memory at a time, at most; a sequence that needs more is a part of its own.
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


def parts(batch: Sequences, fits: Callable[[int, int], bool]) -> list[tuple[Sequences, slice]]:
    """
    Each part with the answers of the batch that are its own.

    Args:
        fits: whether so many tokens with so many answer tokens may be in memory at a time.
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


def activations_mb(
    shape: Shape, tokens: int, answers: int, *, itemsize: int, checkpointing: bool = False
) -> float:
    """
    MB (10**6 bytes) that forward and backward pass of a batch need besides the model, roughly.

    Args:
        tokens: of all sequences of the batch, prompts and answers.
        answers: answer tokens of the batch.
        itemsize: bytes of an activation.
        checkpointing: one layer's activations are kept at a time, of the others their input only.
    """
    layer = _layer(shape)
    kept = layer + shape.layers * shape.hidden if checkpointing else shape.layers * layer
    head = HEAD_COPIES * answers * shape.vocabulary * 4
    return (tokens * kept * itemsize + head) / 1e6


def reading_mb(shape: Shape, tokens: int, answers: int, *, itemsize: int) -> float:
    """The same without a gradient, as the teacher reads and the exam is looked at: one layer is in memory at a time."""
    head = READ_COPIES * answers * shape.vocabulary * 4
    return (tokens * (_layer(shape) + shape.hidden) * itemsize + head) / 1e6


def _layer(shape: Shape) -> int:
    """Numbers that a layer keeps of each token."""
    heads, kv_heads = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    return 6 * shape.hidden + 6 * heads + 6 * kv_heads + 4 * shape.ffn


def peak_of_process_mb() -> float:
    """The most memory this process ever took at once, in MB (10**6 bytes); 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return _by_resource()
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 / 1e6 if found else 0.0


def _by_resource() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on a Mac, else KiB
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def free_mb() -> float | None:
    """Memory this process may still take, in MB, without another program losing any; None: the system does not say."""
    found = [_free_of_machine(), *map(free_of_group, _groups())]
    return min((each for each in found if each is not None), default=None)


def _groups() -> list[Path]:
    """The folders of this process's own group and of those around it (version 2 of control groups)."""
    root = Path("/sys/fs/cgroup")
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = [root / line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    return [folder for each in own for folder in (each, *each.parents) if folder.is_relative_to(root)]


def _free_of_machine() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 / 1e6 if found else None


def free_of_group(folder: Path) -> float | None:
    """A container's limit, less what is taken and can't be given back, in MB; None where there is none."""
    try:
        limit = (folder / "memory.max").read_text().strip()
        taken = (folder / "memory.current").read_text().strip()
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    if not (limit.isdigit() and taken.isdigit()):
        return None
    files = int(stat.get("inactive_file", 0)) + int(
        stat.get("active_file", 0)
    )  # pages of files: the model's own too
    return (int(limit) - int(taken) + files) / 1e6
