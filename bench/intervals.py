"""
How sure a share is: bootstrap intervals over questions.

Promises: the same values, the same interval. Knows nothing of what was asked.
"""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000


def percent(right: Sequence[bool | float]) -> float:
    """The share in percent, to a tenth; 0.0 of nothing."""
    return round(100 * float(np.mean(right)), 1) if len(right) else 0.0


def interval(right: Sequence[bool | float]) -> tuple[float, float]:
    """Where 95 % of the shares of resampled questions lie, in percent."""
    if not len(right):
        return 0.0, 0.0
    values = np.asarray(right, np.float64)
    chance = np.random.default_rng(0)
    means = chance.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return round(100 * float(low), 1), round(100 * float(high), 1)


def difference(one: Sequence[bool | float], other: Sequence[bool | float]) -> tuple[float, float, float]:
    """
    How much better `one` is than `other` on the same questions in the same order, in points: mean, low, high.
    """
    apart = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    low, high = interval(list(apart))
    return percent(list(apart)), low, high
