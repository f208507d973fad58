"""
Rank: which held memories are nearest to a text, by words and by meaning.

    words (FTS5) + vectors ──> held ones only ──> z-scores, added ──> best first

Promises: only memories that hold; each comes with its two plain scores, so that callers can set floors.
Runs in the store's thread (`keep.run(nearest_held, ...)`). Knows nothing of models.
Source: z-score fusion beat reciprocal rank fusion by 6 points of recall@3 on LoCoMo turns, see docs/log.md.
"""

from dataclasses import dataclass
from statistics import fmean, pstdev

import numpy as np
import numpy.typing as npt

from daemon.memory.keywords import content_words
from store import full_text, memories, vectors
from store.database import Connection
from store.memories import Memory

POOL = 60  # candidates taken from each index


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One held memory beside a text."""

    memory: Memory
    score: float  # fused; comparable within one ranking only
    cosine: float  # -1..1
    shares_words: bool  # a content word in common, also after stemming
    has_vector: bool = True  # False: the cosine is unknown, until it, or the question, was embedded


def nearest_held(db: Connection, text: str, vector: npt.NDArray[np.float32] | None) -> list[Ranked]:
    """The held memories nearest to `text`, best first; at most 2 * POOL. `vector`: its embedding; None: by words."""
    distance = {} if vector is None else dict(vectors.nearest(db, "memory", vector, POOL))
    matched = dict(full_text.search(db, "memory", " ".join(content_words(text)), POOL))
    held = memories.several(db, {*distance, *matched})
    if not held:
        return []
    farthest = max(distance.values(), default=1.0)
    cosines = [1.0 - distance.get(one.id, farthest) for one in held]
    lexical = [abs(matched.get(one.id, 0.0)) for one in held]
    unmeasured = matched.keys() - distance.keys()
    unknown = unmeasured if vector is None else vectors.without(db, "memory", unmeasured)
    fused = [a + b for a, b in zip(_z(cosines), _z(lexical), strict=True)]
    ranked = [
        Ranked(
            memory=one,
            score=score,
            cosine=cosine,
            shares_words=one.id in matched,
            has_vector=one.id not in unknown,
        )
        for one, score, cosine in zip(held, fused, cosines, strict=True)
    ]
    return sorted(ranked, key=lambda one: (-one.score, -one.memory.id))


def _z(values: list[float]) -> list[float]:
    """Each value in standard deviations from their mean; all 0 where they don't differ."""
    mean, spread = fmean(values), pstdev(values)
    return [(value - mean) / spread if spread > 1e-9 else 0.0 for value in values]
