"""What more pictures would bring: accuracy of the baseline over growing shares of the units, and a law through it.

Errors of learned models fall as a·n^-b + c with the number of pictures (J. Hestness et al., "Deep learning scaling is
predictable, empirically", 2017). Where few pictures do not show that they fall, nothing is said.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.audit.baseline import MOST, Features, Labels, Probabilities, draw, judge

SHARES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Of the units that a fold learns from. By halves, so that all of a repeat cost as much as the baseline again."""
REPEATS = 2
"""Draws of the smaller shares, of each fold."""
LARGE = 5_000
"""Pictures from which on one draw is enough, and takes long enough."""
DRAWS = 200
"""Of repeats, for the uncertainty."""

_FEWEST_UNITS = 8
"""Of a class, in the smallest share that is looked at."""
_FEWEST_SIZES = 4
"""Points that a law of three numbers is put through."""
_STEEPEST = 2.0
_TAILS = (2.5, 97.5)

Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """What was measured.

    Attributes:
        pictures: (S,), that were learned from, on average.
        units: (S,), the same of units.
        accuracies: (R, S), of each fold and draw.
    """

    pictures: Floats
    units: Floats
    accuracies: Floats


class Law(NamedTuple):
    """Share of mistakes after n pictures: a·n^-b + c."""

    a: float
    b: float
    c: float

    def accuracy(self, pictures: float) -> float:
        """After so many."""
        return float(1 - self.a * pictures**-self.b - self.c)


class Forecast(NamedTuple):
    """What as many pictures again would bring.

    Attributes:
        law: through the means of the curve.
        more: pictures.
        gain: in accuracy.
        interval: 95 % interval of the gain, by draws of repeats.
    """

    law: Law
    more: int
    gain: float
    interval: tuple[float, float]


def measure_curve(
    features: Features, labels: Labels, units: Labels, folds: Labels, probabilities: Probabilities, *, most: int = MOST
) -> Curve:
    """Accuracy on each fold of what learned from growing shares of the units of the others.

    Args:
        features: (N, F).
        labels: (N,).
        units: (N,), whole numbers.
        folds: (N,).
        probabilities: (N, K), of the baseline: the last point of the curve.
        most: pictures that a fold learns from.
    """
    repeats = REPEATS if len(labels) <= LARGE else 1
    shares = [share for share in SHARES if _fewest(labels, units, folds) * share >= _FEWEST_UNITS]
    accuracies, sizes = [], []
    for fold in np.unique(folds):
        held_out = np.flatnonzero(folds == fold)
        whole = draw(np.flatnonzero(folds != fold), labels, most)
        right = float((probabilities[held_out].argmax(axis=1) == labels[held_out]).mean())
        for repeat in range(repeats):
            order = _order(whole, labels, units, seed=repeat)
            parts = [whole[order < share] for share in shares if share < 1]
            tables = [judge(features[p], labels[p], features, held_out, probabilities.shape[1]) for p in parts]
            accuracies.append([*(float((one.argmax(axis=1) == labels[held_out]).mean()) for one in tables), right])
            sizes.append([(len(part), len(np.unique(units[part]))) for part in [*parts, whole]])
    pictures, counts = np.mean(np.asarray(sizes, np.float64), axis=0).T
    return Curve(pictures, counts, np.asarray(accuracies, np.float64))


def _fewest(labels: Labels, units: Labels, folds: Labels) -> int:
    """Units of the smallest class among what each fold learns from."""
    pairs = np.unique(np.stack([labels, units]), axis=1)
    return int(np.unique(pairs[0], return_counts=True)[1].min() * (1 - 1 / len(np.unique(folds))))


def _order(rows: Labels, labels: Labels, units: Labels, seed: int) -> Floats:
    """(len(rows),), 0 to 1: after which share of the units of its class each picture is drawn, whole units at once."""
    random = np.random.default_rng([seed, len(rows)])
    names, first, which = np.unique(units[rows], return_index=True, return_inverse=True)
    drawn = random.permutation(len(names))
    place = np.empty(len(names))
    for klass in np.unique(labels[rows]):
        of_class = np.flatnonzero(labels[rows][first] == klass)
        place[of_class] = drawn[of_class].argsort().argsort() / len(of_class)
    return np.asarray(place[which], np.float64)


def forecast(curve: Curve, pictures: int, seed: int = 0) -> Forecast | None:
    """What as many pictures again would bring; None where the curve has too few points, or does not rise beyond chance.

    Args:
        curve: as it was measured.
        pictures: that there are now.
        seed: of the draws.
    """
    if len(curve.pictures) < _FEWEST_SIZES:
        return None
    random = np.random.default_rng(seed)
    repeats = len(curve.accuracies)
    means = np.stack([curve.accuracies[random.integers(0, repeats, repeats)].mean(axis=0) for _ in range(DRAWS)])
    half, whole = means[:, -3], means[:, -1]
    if np.percentile(whole - half, _TAILS[0]) <= 0:
        return None
    laws = [fitted for mean in means if (fitted := _fit(curve.pictures, 1 - mean))]
    law = _fit(curve.pictures, 1 - curve.accuracies.mean(axis=0))
    if law is None or len(laws) < DRAWS / 2:
        return None
    gains = [one.accuracy(2 * pictures) - one.accuracy(pictures) for one in laws]
    low, high = np.percentile(gains, _TAILS)
    gain = law.accuracy(2 * pictures) - law.accuracy(pictures)
    return Forecast(law, pictures, gain, (min(float(low), gain), max(float(high), gain)))


def _fit(pictures: Floats, errors: Floats) -> Law | None:
    """Least squares; None where no law comes near."""
    from scipy.optimize import curve_fit

    scaled = pictures / pictures[0]  # so that all three numbers are of one size
    start = (max(errors[0] - errors[-1], 1e-3), 0.5, max(errors[-1] / 2, 1e-4))
    try:
        (a, b, c), _ = curve_fit(
            lambda n, a, b, c: a * n**-b + c, scaled, errors, start, bounds=([0, 0, 0], [1, _STEEPEST, 1])
        )
    except RuntimeError:
        return None
    return Law(float(a * pictures[0] ** b), float(b), float(c))
