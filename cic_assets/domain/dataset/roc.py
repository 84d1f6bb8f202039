"""The area under the ROC curve, and how far it can be trusted."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Z95 = 1.959964
"""Standard deviations on either side that hold 95 % of a normal distribution."""


def area_under_roc(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Chance that a picture of the class scores higher than one that is not; a tie counts half.

    By ranks, as Mann and Whitney's statistic; without scikit-learn, which a check would wait for. 0.5 where there are
    no pictures on one of the sides.

    Args:
        scores: (N,), higher for the class.
        truth: (N,), whether each is of the class.
    """
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative:
        return 0.5
    ranks = pd.Series(scores).rank().to_numpy()
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))


def roc_interval(auc: float, positive: float, negative: float) -> tuple[float, float]:
    """95 % interval of an area, inside [0, 1] and of some width even at an area of 1.

    All areas from which the one that was seen is not further than `Z95` standard deviations, as Wilson has it for
    proportions: method 5 of R. G. Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney
    statistic. Part 2", Statistics in Medicine 25 (2006), with the variance of Hanley and McNeil (1982).

    Args:
        auc: the area that was seen.
        positive: pictures of the class, or how many they are worth.
        negative: pictures that are not.
    """
    if not positive or not negative:
        return 0.0, 1.0
    return _furthest(auc, 0.0, positive, negative), _furthest(auc, 1.0, positive, negative)


def _furthest(auc: float, end: float, positive: float, negative: float) -> float:
    """The area nearest to `end` that is still compatible, by halving the range where it lies."""
    inside, outside = auc, end
    for _ in range(50):
        middle = (inside + outside) / 2
        if abs(auc - middle) <= Z95 * _deviation(middle, positive, negative):
            inside = middle
        else:
            outside = middle
    return inside


def _deviation(area: float, positive: float, negative: float) -> float:
    others = (positive + negative) / 2 - 1
    pairs = 1 + others * ((1 - area) / (2 - area) + area / (1 + area))
    return float((area * (1 - area) * pairs / (positive * negative)) ** 0.5)
