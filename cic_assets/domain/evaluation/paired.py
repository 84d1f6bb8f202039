"""How far two models are apart on the same pictures, with an interval: what a test that finds nothing leaves open."""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cic_assets.domain.evaluation.intervals import effective_number
from cic_assets.domain.evaluation.statistics import Interval, McNemar, mcnemar_exact

_Z = NormalDist().inv_cdf(0.975)


class Difference(NamedTuple):
    """The share of right answers of a second model less that of a first.

    Attributes:
        value: -1 to 1.
        interval: 95 % of it.
        worth: how many independent pictures these are worth for it.
        test: whether they differ at all.
    """

    value: float
    interval: Interval
    worth: float
    test: McNemar


def difference(first_right: ArrayLike, second_right: ArrayLike, units: ArrayLike) -> Difference:
    """How far two models are apart, from pictures of which some belong together.

    Args:
        first_right: (N,) booleans, whether the first was right on each picture; at least one.
        second_right: (N,) of the second, same pictures in the same order.
        units: (N,), whole numbers from 0.
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    ahead = second.astype(np.float64) - first
    worth, test = effective_number(ahead, units), mcnemar_exact(first, second, units)
    scale = worth / len(ahead)
    interval = difference_interval(test.only_first * scale, test.only_second * scale, worth)
    return Difference(float(ahead.mean()), interval, worth, test)


def difference_interval(only_first: float, only_second: float, n: float) -> Interval:
    """95 % interval of the difference of two shares on the same n trials, the second's less the first's; -1 to 1.

    The score interval of T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17 (1998): right for few trials, and not of no width where the two
    never differ. Neither scipy nor statsmodels has it.

    Args:
        only_first: trials in which the first alone was right; parts of one where trials count for less than one.
        only_second: trials in which the second alone was.
        n: all trials, more than 0.
    """
    from scipy.optimize import brentq

    found = (only_second - only_first) / n

    def beyond(delta: float, z: float) -> float:
        """By how much the score of a difference is above z; it falls as the difference grows."""
        b = (2 * n - only_second + only_first) * delta - only_second - only_first
        c = -only_first * delta * (1 - delta)
        share = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        spread = n * (2 * share + delta * (1 - delta))
        return (only_second - only_first - n * delta) / math.sqrt(max(spread, 1e-12)) - z

    edge = 1 - 1e-9
    low = float(brentq(beyond, -edge, found, args=(_Z,))) if found > -edge else -1.0
    high = float(brentq(beyond, found, edge, args=(-_Z,))) if found < edge else 1.0
    return Interval(low, high)


def smallest_margin(worth: float) -> float:
    """How much worse a model may be than another of which it never differs, as far as so many pictures can tell."""
    return -difference_interval(0, 0, worth).low
