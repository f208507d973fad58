"""
How sure a share is: bootstrap intervals over questions.

Promises: the same values, the same interval. Knows nothing of what was asked.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

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


def area(members: Sequence[float], others: Sequence[float]) -> float:
    """The area under the ROC curve: how often a member's score is above another's; equal ones count half."""
    return _area(np.asarray(members, np.float64), np.asarray(others, np.float64))


def area_interval(members: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """Where 95 % of the areas of resampled members and others lie."""
    chance = np.random.default_rng(0)
    both = [np.asarray(one, np.float64) for one in (members, others)]
    drawn = [_area(*(chance.choice(one, len(one)) for one in both)) for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def _area(members: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> float:
    return float(np.mean((np.sign(np.subtract.outer(members, others)) + 1) / 2))
