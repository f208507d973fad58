"""
Signs: an index of vectors in memory, which names the few that may be nearest to another.

    two bits a number ── Hamming distance to all ──> the best thousand
    eight bits a number ── dot product with those ──> the best 72: whoever asks reads their exact vectors

Promises: as long as no more are held than are named, it names all. Source: docs/log.md, "100,000 memories": of the
60 nearest 99.8 % are named.
Knows nothing of SQLite or of what the vectors stand for.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LINES = (
    -0.5,
    0.5,
)  # of a number, in units of 1 / sqrt(dimension): one bit says on which side of each it lies
LEAST_COMPARED = 1024  # vectors whose eight bits are compared
LEAST_NAMED = 72
_WORD = 64  # bits


class Signs:
    """Vectors of one dimension by their ids; 5 / 4 bytes a number."""

    def __init__(self, dimension: int) -> None:
        words = -(-dimension * len(LINES) // _WORD)
        self._dimension = dimension
        self._row: dict[int, int] = {}
        self._ids = np.zeros(0, dtype=np.int64)
        self._bits = np.zeros((words, 0), dtype=np.uint64)
        self._bytes = np.zeros((0, dimension), dtype=np.int8)
        self._scale = np.zeros(0, dtype=np.float32)  # of each row of `_bytes`

    def __len__(self) -> int:
        return len(self._row)

    def put(self, ids: Sequence[int], vectors: npt.NDArray[np.float32]) -> None:
        """Hold these vectors, (N, D); an id that is held gets the new one."""
        if not ids:
            return
        rows = np.array([self._row.setdefault(id, len(self._row)) for id in ids])
        self._reserve(len(self._row))
        unit = _unit(vectors)
        scale = np.abs(unit).max(axis=1) / 127
        self._ids[rows] = ids
        self._bits[:, rows] = self._signs(unit)
        self._bytes[rows] = np.rint(unit / scale[:, np.newaxis])
        self._scale[rows] = scale

    def drop(self, ids: Sequence[int]) -> None:
        """Hold these no more; the last one takes the place of each."""
        for id in ids:
            row = self._row.pop(id, None)
            last = len(self._row)
            if row is None or row == last:
                continue
            self._row[int(self._ids[last])] = row
            self._ids[row] = self._ids[last]
            self._bits[:, row] = self._bits[:, last]
            self._bytes[row] = self._bytes[last]
            self._scale[row] = self._scale[last]

    def likely(self, vector: npt.NDArray[np.float32], k: int) -> list[int]:
        """Ids among which the `k` nearest by cosine are, almost surely, in no order."""
        held, named = len(self), max(LEAST_NAMED, k + k // 8)
        if held <= named:
            return list(self._row)
        unit = _unit(vector[np.newaxis, :])
        rows = self._by_signs(unit, max(LEAST_COMPARED, 16 * k))
        near = (self._bytes[rows].astype(np.float32) @ unit[0]) * self._scale[rows]
        best = rows[np.argpartition(-near, named - 1)[:named]]
        return [int(id) for id in self._ids[best]]

    def _by_signs(self, unit: npt.NDArray[np.float32], wanted: int) -> npt.NDArray[np.int64]:
        """The rows of the `wanted` nearest by their bits, and of all that are as near as the last of them."""
        held = len(self)
        if held <= wanted:
            return np.arange(held)
        far = np.zeros(held, dtype=np.uint16)
        for row, word in zip(self._bits[:, :held], self._signs(unit), strict=True):
            far += np.bitwise_count(row ^ word)
        farthest = np.searchsorted(np.cumsum(np.bincount(far)), wanted)
        return np.flatnonzero(far <= farthest)

    def _signs(self, unit: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
        """The bits of vectors of length 1, (words, N)."""
        sides = np.concatenate([unit > line / np.sqrt(self._dimension) for line in LINES], axis=1)
        packed = np.zeros((len(unit), len(self._bits) * _WORD // 8), dtype=np.uint8)
        packed[:, : -(-sides.shape[1] // 8)] = np.packbits(sides, axis=1)
        return packed.view(np.uint64).T

    def _reserve(self, wanted: int) -> None:
        """Make room for `wanted` rows, and for as many again."""
        if wanted <= len(self._ids):
            return
        more = 2 * wanted - len(self._ids)
        self._ids = np.pad(self._ids, (0, more))
        self._bits = np.pad(self._bits, ((0, 0), (0, more)))
        self._bytes = np.pad(self._bytes, ((0, more), (0, 0)))
        self._scale = np.pad(self._scale, (0, more))


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
