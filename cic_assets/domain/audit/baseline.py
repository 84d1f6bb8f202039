"""The baseline that every model has to beat: logistic regression on the features, each picture judged once, unseen.

As scikit-learn has it: L2 with C = 1, features not standardised, which measured better than other strengths and than
standardised ones (`benchmarks/results/label_errors.md`).
"""

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MOST = 20_000
"""Pictures that one fold learns from. Of more, so many are drawn, of each class its share: time goes with their number,
and the last thousands change hardly an answer."""

_ITERATIONS = 1000
_BLOCK = 8192
"""Pictures that are judged at once: features are kept in half precision, and judged in single."""

Features = NDArray[np.float16]
Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]


def out_of_fold(
    features: Features,
    labels: Labels,
    folds: Labels,
    classes: int,
    *,
    trusted: NDArray[np.bool_] | None = None,
    most: int = MOST,
) -> Probabilities:
    """(N, K): of each picture, by what learned from the other folds.

    Args:
        features: (N, F).
        labels: (N,).
        folds: (N,), whatever hangs together in one.
        classes: K.
        trusted: (N,), what is learned from; all unless given.
        most: pictures that a fold learns from.
    """
    table = np.zeros((len(labels), classes))
    usable = np.ones(len(labels), bool) if trusted is None else trusted
    for fold in np.unique(folds):
        learned = draw(np.flatnonzero((folds != fold) & usable), labels, most)
        held_out = np.flatnonzero(folds == fold)
        table[held_out] = judge(features[learned], labels[learned], features, held_out, classes)
    return table


def draw(rows: Labels, labels: Labels, most: int, seed: int = 0) -> Labels:
    """At most so many of some rows, of each class its share and at least one."""
    if len(rows) <= most:
        return rows
    shuffled = np.random.default_rng(seed).permutation(rows)
    order = np.argsort(labels[shuffled], kind="stable")
    ordered = labels[shuffled][order]
    starts, sizes = np.unique(ordered, return_index=True, return_counts=True)[1:]
    # How far through its class each row is: the first of each come first, then all classes evenly.
    through = (np.arange(len(ordered)) - np.repeat(starts, sizes)) / np.repeat(sizes, sizes)
    return np.sort(shuffled[order][np.argsort(through, kind="stable")[:most]])


def judge(learned: Features, labels: Labels, features: Features, rows: Labels, classes: int) -> Probabilities:
    """(len(rows), K) by a logistic regression of some features and labels; 0 for classes that it has not seen.

    Args:
        learned: (M, F).
        labels: (M,).
        features: (N, F), of which `rows` are judged.
        rows: numbers of pictures.
        classes: K.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    table = np.zeros((len(rows), classes))
    seen = np.unique(labels)
    if len(seen) == 1:
        table[:, seen] = 1
        return table
    model = LogisticRegression(max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what it has by then is as good for a baseline
        model.fit(learned.astype(np.float32), labels)
    for start, block in _blocks(rows):
        table[start : start + len(block), seen] = model.predict_proba(features[block].astype(np.float32))
    return table


def _blocks(rows: Labels) -> Iterator[tuple[int, Labels]]:
    for start in range(0, len(rows), _BLOCK):
        yield start, rows[start : start + _BLOCK]
