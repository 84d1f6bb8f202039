"""Intervals of 95 % that count units, not pictures: pictures of one post or copies of one another are hardly two.

All follow one way. How many independent pictures some pictures are worth is their *effective number* (L. Kish, "Survey
Sampling", 1965): their number over the design effect 1 + rho * (m - 1), where m is the size of the unit that a picture
is in on average, and rho how much two pictures of a unit go together in what is measured. It is estimated from pairs of
pictures of one unit, and drawn towards 1, where each unit is worth one picture, the more the fewer units tell of it.
Without any mistake nothing tells, and each unit counts as one. Of single pictures it is their number.

With that number stand intervals that are right for few mistakes too: Wilson's for shares, Newcombe's for areas under
ROC curves. The usual bootstrap over units (2.5 to 97.5 % of 300 draws) was tried: it holds the truth in 66 to 87 of 100
cases instead of 95, as it gives no width at all to what has no mistake. `benchmarks/intervals.py` compares them.

Throughout, `units` are (N,) whole numbers.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cic_assets.domain.dataset import roc_interval
from cic_assets.domain.evaluation.statistics import Floats, Interval, prediction_interval, wilson_interval

PRIOR_UNITS = 4
"""How many units' worth of a correlation of 1 stands against what was measured. Of 2, 4 and 8, see
`benchmarks/intervals.py`, the smallest with which some 93 % of intervals hold the truth in the hardest sets, where few
units are large and each goes one way."""

_NO_SPREAD = 1e-12


class Estimate(NamedTuple):
    """A measure with its 95 % interval; NaN and 0 to 1 where it is undefined."""

    value: float
    interval: Interval


UNDEFINED = Estimate(float("nan"), Interval(0.0, 1.0))


def effective_number(values: ArrayLike, units: ArrayLike, prior: float = PRIOR_UNITS) -> float:
    """How many independent pictures these are worth for the mean of a value: from Kish's bound to all of them.

    Args:
        values: (N,), such as 1 for a right answer and 0 for a wrong one.
        units: (N,).
        prior: see `PRIOR_UNITS`.
    """
    sizes = np.unique(np.asarray(units), return_counts=True)[1].astype(np.float64)
    return float(sizes.sum() / (1 + unit_correlation(values, units, prior) * ((sizes**2).sum() / sizes.sum() - 1)))


def unit_correlation(values: ArrayLike, units: ArrayLike, prior: float = PRIOR_UNITS) -> float:
    """How much two pictures of a unit go together in a value, 0 to 1: as measured, drawn towards 1.

    Arguments as of `effective_number`.
    """
    measured, which = np.asarray(values, np.float64), _numbered(np.asarray(units))
    errors, sizes = measured - measured.mean(), np.bincount(which).astype(np.float64)
    spread = np.bincount(which, errors**2)
    telling = spread[sizes > 1]
    if telling.sum() <= _NO_SPREAD * len(errors):
        return 1.0
    pairs = (sizes * (sizes - 1)).sum()
    found = ((np.bincount(which, errors) ** 2).sum() - spread.sum()) / pairs / (spread.sum() / len(errors))
    # As many units as would tell as much, were all alike; of rare mistakes as many as there are mistakes.
    count = telling.sum() ** 2 / (telling**2).sum()
    return float((count * min(1.0, max(0.0, found)) + prior) / (count + prior))


def share_interval(right: ArrayLike, units: ArrayLike) -> Interval:
    """Of a share of pictures: Wilson's with their effective number.

    Args:
        right: (N,) booleans.
        units: (N,).
    """
    is_right = np.asarray(right, dtype=bool)
    if not len(is_right):
        return UNDEFINED.interval
    n = effective_number(is_right, units)
    return wilson_interval(float(is_right.mean()) * n, n)


def further_interval(right: ArrayLike, units: ArrayLike, pictures: int) -> Interval:
    """Of the share of right answers on so many further pictures that hang together as these do.

    Args:
        right: (N,) booleans, at least one.
        units: (N,).
        pictures: to come.
    """
    is_right = np.asarray(right, dtype=bool)
    n = effective_number(is_right, units)
    return prediction_interval(float(is_right.mean()) * n, n, pictures * n / len(is_right))


def mean_interval(shares: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """Of the mean of shares of different pictures, as of balanced accuracy, from the interval of each.

    What each end is away from its share adds up as independent errors do: G. Y. Zou and A. Donner, "Construction of
    confidence limits about effect measures: a general approach", Statistics in Medicine 27 (2008).
    """
    middle, ends = np.asarray(shares), np.asarray(intervals)
    low, high = np.sqrt(((ends - middle[:, None]) ** 2).sum(axis=0)) / len(middle)
    return Interval(max(0.0, float(middle.mean() - low)), min(1.0, float(middle.mean() + high)))


def roc_area(scores: ArrayLike, truth: ArrayLike, units: ArrayLike) -> Estimate:
    """Area under the ROC curve: chance that a picture of the class scores higher than another.

    Its interval is Newcombe's (2006, see `dataset.roc_interval`) with the effective numbers of pictures of the class
    and of others, for the shares of the other side that each is told from (the components of E. R. DeLong et al.,
    Biometrics 44, 1988; over units as in N. A. Obuchowski, "Nonparametric analysis of clustered ROC curve data",
    Biometrics 53, 1997).

    Args:
        scores: (N,), higher for the class.
        truth: (N,) booleans, of the class or not.
        units: (N,).
    """
    from sklearn.metrics import roc_auc_score

    score, is_class, which = np.asarray(scores), np.asarray(truth, dtype=bool), np.asarray(units)
    if is_class.all() or not is_class.any():
        return UNDEFINED
    area = float(roc_auc_score(is_class, score))
    above, below = _told_from(score, is_class), _told_from(-score, ~is_class)
    of_class, of_rest = effective_number(above, which[is_class]), effective_number(below, which[~is_class])
    return Estimate(area, Interval(*roc_interval(area, of_class, of_rest)))


def precision_recall_area(scores: ArrayLike, truth: ArrayLike, units: ArrayLike) -> Estimate:
    """Area under the curve of precision over recall, by steps (average precision).

    Its interval is that of a share of as many pictures as the class is worth: the binomial one of K. Boyd, K. H. Eng
    and C. D. Page, "Area under the precision-recall curve: point estimates and confidence intervals", ECML 2013, with
    Wilson's in its place. It is rather too wide than too narrow. Arguments as of `roc_area`.
    """
    from sklearn.metrics import average_precision_score

    score, is_class, which = np.asarray(scores), np.asarray(truth, dtype=bool), np.asarray(units)
    if is_class.all() or not is_class.any():
        return UNDEFINED
    area = float(average_precision_score(is_class, score))
    n = effective_number(_told_from(score, is_class), which[is_class])
    return Estimate(area, wilson_interval(min(area, 1.0) * n, n))


def over_classes(estimates: Sequence[Estimate]) -> Estimate:
    """The mean over the classes where it is defined. They share their pictures, so their errors may all go one way."""
    defined = [one for one in estimates if not np.isnan(one.value)]
    if not defined:
        return UNDEFINED
    low, high = np.mean([one.interval for one in defined], axis=0)
    return Estimate(float(np.mean([one.value for one in defined])), Interval(float(low), float(high)))


def _told_from(scores: Floats, of_class: NDArray[np.bool_]) -> Floats:
    """For each picture of a class the share of the others that score lower; a tie counts half."""
    from scipy.stats import rankdata

    among_all, among_own = rankdata(scores)[of_class], rankdata(scores[of_class])
    told: Floats = (among_all - among_own) / (~of_class).sum()
    return told


def _numbered(units: NDArray[np.integer]) -> NDArray[np.integer]:
    """The same units by numbers from 0 without gaps."""
    return np.asarray(np.unique(units, return_inverse=True)[1])
