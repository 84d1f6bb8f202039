"""Pictures of no class: those that are far from all others in the features, and from what each class is like.

Both count, as one misses what the other finds: half the score is the distance of the tenth nearest picture, half that
of the nearest class's mean. On photos of no class this measured better than either, and than roots of features,
Mahalanobis' distance, and distances relative to a class (`benchmarks/results/label_errors.md`).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.audit.baseline import Features, Labels, draw

NEIGHBOURS = 10
"""The distance of the tenth nearest counts: a handful of pictures of one other thing are not near enough of each other.
5 to 200 measured much the same."""
MOST = 20_000
"""Pictures that each is compared with; of more so many are drawn, of each class its share."""
FAR = 2.5
"""How far above the middle a score is that is far, in robust standard deviations of the logarithms of scores. It
is 5 of 1,043 photos of cars and tanks, all of them odd, and 23 of 30 others among 1,000."""

_MAD = 1.4826
"""A normal distribution's standard deviation in median absolute deviations."""
_BLOCK = 1024

Singles = NDArray[np.float32]


class OffTopic(NamedTuple):
    """Of each picture.

    Attributes:
        scores: (N,), 0 to 1: mean cosine distance of the tenth nearest picture of another unit, and of the nearest
            class's mean.
        far: (N,), whether that is beyond what pictures of this set show.
    """

    scores: NDArray[np.float64]
    far: NDArray[np.bool_]


def find_off_topic(features: Features, labels: Labels, units: Labels, *, most: int = MOST) -> OffTopic:
    """Judge how far each picture is from the others.

    Args:
        features: (N, F).
        labels: (N,).
        units: (N,), whole numbers: pictures of a picture's own unit say nothing of it.
        most: pictures that each is compared with.
    """
    others = draw(np.arange(len(labels)), labels, most)
    reference, of_unit = _directions(features[others]), units[others]
    sums = _sums(features, labels)
    scores = np.zeros(len(labels))
    for block in _blocks(len(labels)):
        directions = _directions(features[block])
        from_pictures = _from_pictures(directions, units[block], reference, of_unit)
        scores[block] = (from_pictures + _from_classes(directions, labels[block], sums)) / 2
    return OffTopic(scores, _is_far(scores))


def _sums(features: Features, labels: Labels) -> Singles:
    """(K, F): of the directions of each class."""
    sums = np.zeros((int(labels.max()) + 1, features.shape[1]), np.float32)
    for block in _blocks(len(labels)):
        np.add.at(sums, labels[block], _directions(features[block]))
    return sums


def _directions(features: Features) -> Singles:
    """(N, F) of length 1."""
    single = features.astype(np.float32)
    lengths = np.linalg.norm(single, axis=1, keepdims=True)
    return np.asarray(single / np.where(lengths > 0, lengths, 1), np.float32)


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, _BLOCK):
        yield slice(start, min(count, start + _BLOCK))


def _from_pictures(directions: Singles, units: Labels, reference: Singles, of_unit: Labels) -> NDArray[np.float64]:
    """Distance from the tenth nearest picture of another unit; from the farthest where there are fewer."""
    similarity = directions @ reference.T
    similarity[units[:, None] == of_unit[None]] = -np.inf
    count = min(NEIGHBOURS, similarity.shape[1])
    nearest = -np.partition(-similarity, count - 1, axis=1)[:, :count]
    farthest = np.where(np.isfinite(nearest), nearest, np.inf).min(axis=1)
    # Without anything to compare with nothing is known, which is not far.
    return np.asarray(np.where(np.isfinite(farthest), 1 - farthest, 0.0), np.float64)


def _from_classes(directions: Singles, labels: Labels, sums: Singles) -> NDArray[np.float64]:
    """Distance from the nearest class's mean, which the picture itself is no part of."""
    rows = np.arange(len(labels))
    lengths = np.linalg.norm(sums, axis=1)
    products = directions @ sums.T
    similarity = products / np.where(lengths > 0, lengths, 1)
    own = sums[labels] - directions
    of_own = np.linalg.norm(own, axis=1)
    similarity[rows, labels] = (directions * own).sum(axis=1) / np.where(of_own > 0, of_own, 1)
    return np.asarray(1 - similarity.max(axis=1), np.float64)


def _is_far(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    logs = np.log(np.maximum(scores, np.finfo(np.float64).tiny))
    middle = np.median(logs)
    spread = _MAD * np.median(np.abs(logs - middle))
    return np.asarray(logs > middle + FAR * spread) if spread > 0 else np.zeros(len(scores), bool)
