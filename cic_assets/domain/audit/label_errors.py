"""Which pictures are likely of another class than they are given: cleanlab on out-of-fold probabilities, twice.

C. Northcutt, L. Jiang and I. Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70 (2021).
What learned from wrong labels is less sure of the right ones. So the suspects of a first round are left out of what a
second learns from, and the second says which they are: of 5 % of flipped labels it finds more, with fewer false alarms
(`benchmarks/results/label_errors.md`).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.audit.baseline import MOST, Features, Labels, Probabilities, out_of_fold


class LabelErrors(NamedTuple):
    """Of each picture.

    Attributes:
        scores: (N,), the probability of its given class by what has not learned from suspects: 0 is surely wrong.
        likely: (N,), whether its label is likely wrong.
        classes: (N,), the most probable class but for the given one.
    """

    scores: NDArray[np.float64]
    likely: NDArray[np.bool_]
    classes: Labels


def find_label_errors(
    features: Features, labels: Labels, folds: Labels, probabilities: Probabilities, *, most: int = MOST
) -> LabelErrors:
    """Judge the labels.

    Args:
        features: (N, F).
        labels: (N,).
        folds: (N,), as of the probabilities.
        probabilities: (N, K), out of fold, of the baseline that learned from all.
        most: pictures that a fold learns from.
    """
    from cleanlab.rank import get_self_confidence_for_each_label

    rows, classes = np.arange(len(labels)), probabilities.shape[1]
    suspects = _suspects(labels, probabilities)
    if suspects.any():
        probabilities = out_of_fold(features, labels, folds, classes, trusted=~suspects, most=most)
    others = probabilities.copy()
    others[rows, labels] = -1
    return LabelErrors(
        np.asarray(get_self_confidence_for_each_label(labels, probabilities), np.float64),
        _suspects(labels, probabilities),
        np.asarray(others.argmax(axis=1), np.int64),
    )


def _suspects(labels: Labels, probabilities: Probabilities) -> NDArray[np.bool_]:
    from cleanlab.filter import find_label_issues

    # One process: its own would each import all of this anew, and show bars.
    found = find_label_issues(labels, probabilities, filter_by="prune_by_noise_rate", n_jobs=1)
    return np.asarray(found, bool)
