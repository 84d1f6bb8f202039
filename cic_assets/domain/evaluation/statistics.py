"""What a count of right answers on a few hundred pictures says, and what it does not.

Accuracy with its interval, errors per class, and comparisons between models on the same pictures. How pictures that
belong together are counted is in `intervals`, whether probabilities mean what they say in `calibration`. Any number of
classes from two; no files, no drawing, no words.

Exact tests are scipy's. By hand is what is as short: sums of a confusion matrix, Holm's rule, which scipy has not, and
Wilson's interval, which scipy has for whole numbers alone.

Throughout, `truth` and `predicted` are (N,) integer labels in 0..K-1. A measure that is undefined (the precision of a
class that was never predicted) is NaN, never a silent 0.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """A closed interval of plausible values of a proportion, 0 <= low <= high <= 1."""

    low: float
    high: float


class PerClass(NamedTuple):
    """How each class fares: four (K,) arrays.

    Attributes:
        precision: of the pictures called this class, the share that is; NaN where none was called so.
        recall: of the pictures of this class, the share found; NaN where there is none.
        f1: harmonic mean of the two, 2TP / (2TP + FP + FN); NaN where the class neither occurs nor is predicted.
        support: pictures of this class.
    """

    precision: Floats
    recall: Floats
    f1: Floats
    support: Ints


class McNemar(NamedTuple):
    """Two models on the same pictures.

    Attributes:
        only_first: pictures that only the first got right.
        only_second: pictures that only the second got right.
        p_value: chance of so lopsided a split or worse, were both models equally good; in (0, 1].
    """

    only_first: int
    only_second: int
    p_value: float


def standard_deviation(values: Sequence[float]) -> float:
    """Of a sample of at least two: squares are divided by one less than there are."""
    return float(np.std(values, ddof=1))


def wilson_interval(right: float, n: float, confidence: float = 0.95) -> Interval:
    """Interval of a proportion of which `right` of `n` were seen; stays inside [0, 1] and works at 0 and at n.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927); preferred to
    the usual p ± z·se by Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", Stat. Sci. 16
    (2001). 158 of 200 (79 %) is 72.8 to 84.1 %. With no picture nothing is known: 0 to 1.

    Args:
        right: successes, 0..n; parts of one where trials count for less than one.
        n: trials.
        confidence: how often such intervals hold the true value, between 0 and 1 exclusive.
    """
    if not 0 <= right <= n:
        raise ValueError(f"right must be between 0 and n, found {right} of {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, found {confidence}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, spread = right / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (share * (1 - share) / n + spread / (4 * n)) ** 0.5
    # Exactly 0 and 1 at the ends, where rounding leaves 1e-17.
    return Interval(max(0.0, centre - half) if right else 0.0, min(1.0, centre + half) if right < n else 1.0)


def prediction_interval(right: float, n: float, further: float, confidence: float = 0.95) -> Interval:
    """Interval of the share that will be right among `further` trials like those of which `right` of `n` were seen.

    It is wider than that of the share of endlessly many, into which it goes over: further trials have a chance of their
    own. Held are the shares that a test of both samples' equality by their pooled share does not tell from what was
    seen, which is to this what Wilson's interval is to that: K. Krishnamoorthy and J. Peng, "Improved closed-form
    prediction intervals for binomial and Poisson distributions", J. Stat. Plan. Inference 141 (2011).

    Args:
        right: successes, 0..n, as of `wilson_interval`.
        n: trials, above 0.
        further: trials to come, above 0.
        confidence: how often such intervals hold what comes, between 0 and 1 exclusive.
    """
    if not 0 <= right <= n or min(n, further) <= 0:
        raise ValueError(f"found {right} right of {n} and {further} further, expected 0 <= right <= n and both above 0")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    # The pooled share is seen + weight * share, and (share - right / n)^2 = spread * pooled * (1 - pooled).
    share, spread = right / n, z * z * (1 / n + 1 / further)
    seen, weight = right / (n + further), further / (n + further)
    square, linear = 1 + spread * weight**2, 2 * share + spread * weight * (1 - 2 * seen)
    root = max(0.0, linear**2 - 4 * square * (share**2 - spread * seen * (1 - seen))) ** 0.5
    low, high = (linear - root) / (2 * square), (linear + root) / (2 * square)
    return Interval(max(0.0, low) if right else 0.0, min(1.0, high) if right < n else 1.0)


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, n_classes: int) -> Ints:
    """Counts of each pair, (K, K): row the true class, column the predicted one."""
    rows, columns = as_labels(truth, n_classes), as_labels(predicted, n_classes)
    if rows.shape != columns.shape:
        raise ValueError(f"truth and predicted must be of the same length, found {rows.size} and {columns.size}")
    counts = np.bincount(rows * n_classes + columns, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).astype(np.int64)


def per_class(confusion: ArrayLike) -> PerClass:
    """Precision, recall, F1 and support of each class of a confusion matrix."""
    matrix = _as_confusion(confusion)
    hits, called, occurs = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    return PerClass(_ratio(hits, called), _ratio(hits, occurs), _ratio(2 * hits, called + occurs), occurs)


def accuracy(confusion: ArrayLike) -> float:
    """Share of right answers, 0..1; NaN without pictures."""
    matrix = _as_confusion(confusion)
    return float(_ratio(np.trace(matrix), matrix.sum()))


def balanced_accuracy(confusion: ArrayLike) -> float:
    """Mean of the recalls of the classes that occur, 0..1: what guessing one class cannot raise above 1/K."""
    recall = per_class(confusion).recall
    return float(np.nanmean(recall)) if np.isfinite(recall).any() else float("nan")


def majority_baseline(confusion: ArrayLike) -> float:
    """Share of the most frequent true class, 1/K..1: the accuracy of always giving the best single answer.

    It is taken over the tested pictures themselves, so no constant answer does better.
    """
    support = per_class(confusion).support
    return float(_ratio(support.max(), support.sum()))


def independence(confusion: ArrayLike) -> float:
    """Chance that answers given without a look would go with the truth as well as these or better; in (0, 1].

    It does not mind how frequent the classes are, nor how often each is named. R. A. Fisher's exact test ("The logic
    of inductive inference", JRSS 98, 1935), one-sided, of being called a class and being of it; for more than two
    classes that of the class that is told best, times their number (Bonferroni).
    """
    matrix = _as_confusion(confusion)
    told = range(len(matrix) if len(matrix) > 2 else 1)  # noqa: PLR2004 - of two, each tells what the other does
    return min(1.0, len(told) * min(_fisher(matrix, klass) for klass in told))


def mcnemar_exact(first_right: ArrayLike, second_right: ArrayLike, units: ArrayLike | None = None) -> McNemar:
    """Whether two models differ on the same pictures: only those that one alone gets right tell.

    Q. McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12 (1947),
    exact and two-sided. Where pictures are in units, what one model is ahead of the other by is counted in each unit:
    were both equally good, each unit could as well be as much in favour of the other (a permutation test by flips of
    sign, as R. A. Fisher's of 1935). All flips are counted, none drawn; of single pictures it is McNemar's test.

    Args:
        first_right: (N,) booleans, whether the first model was right on each picture.
        second_right: (N,) booleans of the second, same pictures in the same order.
        units: (N,), whole numbers from 0: what each picture is in; each in one of its own unless given.
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"both must be (N,) and of the same length, found {first.shape} and {second.shape}")
    ahead = first.astype(np.int64) - second
    if units is not None and len(ahead):
        ahead = np.bincount(np.asarray(units), weights=ahead).astype(np.int64)
    return McNemar(int((first & ~second).sum()), int((second & ~first).sum()), _flips_of_sign(ahead))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several comparisons, raised so that the chance of any false alarm stays what one says.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).
    """
    order = np.argsort(p_values, kind="stable")
    raised = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return [float(value) for value in adjusted]


def as_labels(labels: ArrayLike, n_classes: int) -> Ints:
    """Labels as (N,) int64, checked to be whole numbers in 0..n_classes-1."""
    found = np.asarray(labels)
    if found.ndim != 1:
        raise ValueError(f"labels must be (N,), found shape {found.shape}")
    whole = found.astype(np.int64)
    in_range = ((whole >= 0) & (whole < n_classes)).all()
    if not (in_range and np.array_equal(whole, found)):
        raise ValueError(f"labels must be whole numbers from 0 to {n_classes - 1}, found {np.unique(found)[:10]}")
    return whole


def _as_confusion(confusion: ArrayLike) -> Ints:
    matrix = np.asarray(confusion, dtype=np.int64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:  # noqa: PLR2004 - two axes
        raise ValueError(f"a confusion matrix must be (K, K), found shape {matrix.shape}")
    return matrix


def _ratio(part: ArrayLike, whole: ArrayLike) -> Floats:
    shares: Floats = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=shares, where=np.asarray(whole) > 0)
    return shares


def _fisher(matrix: Ints, klass: int) -> float:
    """Chance of as many hits of a class or more, were as many pictures called so at random."""
    from scipy.stats import fisher_exact

    hits, occurs, called = (int(counts.sum()) for counts in (matrix[klass, klass], matrix[klass], matrix[:, klass]))
    table = np.array([[hits, occurs - hits], [called - hits, int(matrix.sum()) - occurs - called + hits]])
    return float(fisher_exact(table, alternative="greater").pvalue)


def _flips_of_sign(numbers: Ints) -> float:
    """Chance of a sum as far from 0 as that of some whole numbers or further, were the sign of each a coin's."""
    from scipy.stats import binom

    sizes, counts = np.unique(np.abs(numbers[numbers != 0]), return_counts=True)
    # Of each sum from the least to the greatest. Sizes are few, and how many of one size are positive is binomial.
    chances = np.ones(1)
    for size, count in zip(sizes, counts, strict=True):
        of_size = np.zeros(2 * size * count + 1)
        of_size[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances = np.convolve(chances, of_size)
    middle = len(chances) // 2
    tail = chances[: middle - abs(int(numbers.sum())) + 1].sum()
    return float(min(1.0, 2 * tail)) if numbers.sum() else 1.0
