"""Whether a model's probabilities mean what they say: of all answers given with 80 %, are 80 % right?

`probabilities` is (N, K) with rows that sum to 1, `truth` (N,) integer labels in 0..K-1; pure
numpy, and by hand: a library would say the same in as many lines, without rows in half precision.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cic_assets.domain import models
from cic_assets.domain.evaluation.intervals import unit_correlation
from cic_assets.domain.evaluation.statistics import Floats, Ints, as_labels

BINS = 10
"""Bins of confidence: Guo et al. use 15 for 10,000 pictures, which leaves too few in each of 200."""

SIMULATIONS = 500
"""Of a perfectly calibrated model: a limit of 95 % is then known to a tenth of itself."""

_SUM_TOLERANCE = 1e-3  # softmax in half precision


class Reliability(NamedTuple):
    """Answers in bins of equal width of their confidence, B bins from 0 to 1.

    Attributes:
        answers: (B,) how many fall in each bin.
        confidence: (B,) their mean confidence, NaN in an empty bin.
        accuracy: (B,) the share that is right, NaN in an empty bin.
    """

    answers: Ints
    confidence: Floats
    accuracy: Floats


def reliability(probabilities: ArrayLike, truth: ArrayLike, bins: int = BINS) -> Reliability:
    """The data of a reliability diagram: confidence (the highest probability) against being right."""
    table, labels = as_probabilities(probabilities, truth)
    if bins < 1:
        raise ValueError(f"bins must be at least 1, found {bins}")
    confidence, right = table.max(axis=1), table.argmax(axis=1) == labels
    which = _places(confidence, bins)
    count = np.bincount(which, minlength=bins).astype(np.int64)
    with np.errstate(invalid="ignore"):
        return Reliability(
            count,
            np.bincount(which, weights=confidence, minlength=bins) / count,
            np.bincount(which, weights=right, minlength=bins) / count,
        )


def expected_calibration_error(bins: Reliability) -> float:
    """Mean gap between confidence and accuracy over the bins, weighted by their answers; 0 (best) to 1.

    M. P. Naeini et al., AAAI 2015; C. Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    filled = bins.answers > 0
    if not filled.any():
        return float("nan")
    gaps = np.abs(bins.confidence[filled] - bins.accuracy[filled])
    return float(np.average(gaps, weights=bins.answers[filled]))


class Chance(NamedTuple):
    """What a perfectly calibrated model of the same confidences would show on as many pictures.

    Attributes:
        error: median of its expected calibration error.
        highest_error: 95 of 100 such models stay at or below it.
        gap_p: chance that its mean confidence is as far from its accuracy as what was seen, or further.
    """

    error: float
    highest_error: float
    gap_p: float


def chance_of_calibrated(probabilities: ArrayLike, truth: ArrayLike, units: ArrayLike, bins: int = BINS) -> Chance:
    """Simulated: each answer is right as often as it says, and pictures of a unit go together as they were seen to.

    An expected calibration error is above 0 for every model, the more the fewer the pictures: it means something beside
    this alone (J. Vaicenavicius et al., "Evaluating model calibration in classification", AISTATS 2019).

    Args:
        probabilities: (N, K).
        truth: (N,).
        units: (N,) whole numbers from 0.
        bins: as of `reliability`.
    """
    table, labels = as_probabilities(probabilities, truth)
    confidence, which = table.max(axis=1), np.asarray(units)
    right = table.argmax(axis=1) == labels
    shared = unit_correlation(right - confidence, which) ** 0.5
    places, random = _places(confidence, bins), np.random.default_rng(0)
    errors, gaps = np.empty(SIMULATIONS), np.empty(SIMULATIONS)
    for turn in range(SIMULATIONS):
        of_unit = random.random(int(which.max()) + 1)[which]
        drawn = np.where(random.random(len(which)) < shared, of_unit, random.random(len(which)))
        off = np.bincount(places, (drawn < confidence) - confidence, bins)
        errors[turn], gaps[turn] = np.abs(off).sum() / len(which), abs(off.sum())
    further = int((gaps >= abs(float((right - confidence).sum()))).sum())
    low, high = np.quantile(errors, [0.5, 0.95])
    return Chance(float(low), float(high), (1 + further) / (1 + SIMULATIONS))


def brier_score(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """Mean squared distance between the probabilities and the truth as one-hot row; 0 (best) to 2.

    G. W. Brier, Monthly Weather Review 78 (1950), the original sum over classes: for two classes it is twice what
    some libraries print.
    """
    table, labels = as_probabilities(probabilities, truth)
    if not labels.size:
        return float("nan")
    errors = table.copy()
    errors[np.arange(labels.size), labels] -= 1
    return float((errors**2).sum(axis=1).mean())


def log_loss(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """Mean of -ln of the probability given to the true class; 0 (best) to 36.04, where probabilities are clipped.

    A probability of 0 counts as 2.2e-16 (the step of float64 at 1, as scikit-learn does), so one sure error is not
    infinitely bad.
    """
    table, labels = as_probabilities(probabilities, truth)
    return models.log_loss(table, labels, floor=float(np.finfo(np.float64).eps))


def _places(confidence: Floats, bins: int) -> Ints:
    """(N,) bins of (low, high], so that a confidence of 1 is in the last one."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def as_probabilities(probabilities: ArrayLike, truth: ArrayLike) -> tuple[Floats, Ints]:
    """Both as arrays, checked: (N, K) in 0..1 with rows that sum to 1, and N labels below K."""
    table = np.asarray(probabilities, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:  # noqa: PLR2004 - two axes, two classes at least
        raise ValueError(f"probabilities must be (N, K) with K of at least 2, found shape {table.shape}")
    labels = as_labels(truth, table.shape[1])
    if len(labels) != len(table):
        raise ValueError(f"probabilities and truth must be of the same length, found {len(table)} and {len(labels)}")
    in_range = bool(((table >= 0) & (table <= 1 + _SUM_TOLERANCE)).all())
    if not in_range or bool((np.abs(table.sum(axis=1) - 1) > _SUM_TOLERANCE).any()):
        raise ValueError("probabilities must be between 0 and 1 and sum to 1 in each row")
    return table, labels
