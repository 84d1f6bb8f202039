"""Scenes: pictures of which one gives the other away, though neither is a copy.

The same car a step further on, the next second of a video, another cut of one photo. A net that learned from one of
them knows the other, so they belong in one split. Features say which pictures may be of one scene, and points that both
pictures show in one arrangement decide: the features of strangers are as near as those of two cuts of one photo
(`benchmarks/results/scenes.md`).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.components import Components
from cic_assets.domain.features.nearest import Pairs, find_nearest, nearest_table
from cic_assets.domain.images import CANNOT_BE_READ
from cic_assets.engine import Threads

POINTS_VERSION = 2
"""Of the way in which points are counted: another one, and all pairs are looked at again."""
POINTS = 20
"""In one arrangement in both pictures, at least. Of hundreds a dozen agree by chance where shapes are alike, as in
drawn pictures, where such pairs made a third of all one unit; cuts of 110 photos kept 54 and more, but for two."""
MOST = 30
"""Pictures of one scene. A chain may lead through a whole data set, and one unit of thousands would leave nothing to
divide: pairs that would make a larger one are left out, those with the fewest points."""

_SIDE, _KEYPOINTS = 256, 300
_RATIO = 0.75
"""D. Lowe, "Distinctive image features from scale-invariant keypoints" (2004): a match counts if the second best is
that much farther."""
_TOLERANCE = 4.0
"""Pixels by which a point may be off the arrangement."""
_SCALES = (1 / 3, 3.0)

Images = NDArray[np.uint8]


class Scenes(NamedTuple):
    """What was found.

    Attributes:
        pairs: columns `one`, `other` (SHA-256) and `points`, those with most points first.
        left_out: pairs as alike that would have made a scene of more than `MOST` pictures.
        compared: all that was looked at, for the next time: `NEAREST_COLUMNS`.
    """

    pairs: pd.DataFrame
    left_out: int
    compared: pd.DataFrame


def find_scenes(
    features: pd.DataFrame,
    read: Callable[[str], Images],
    before: pd.DataFrame | None = None,
    *,
    workers: int | None = None,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> Scenes:
    """Pairs of pictures of one scene.

    Args:
        features: `image_features` of all sources.
        read: gives the resized copy of a picture by its SHA-256, from several threads; what it raises of
            `CANNOT_BE_READ` leaves the picture alone.
        before: what was compared at an earlier time. A pair is looked at once.
        workers: threads; one a core unless given.
        on_progress: called with a line after each picture that is looked at.
    """
    pictures = features.drop_duplicates("sha256").sort_values("sha256", ignore_index=True)
    names = [str(name) for name in pictures["sha256"]]
    nearest = find_nearest(pictures, before, POINTS_VERSION)
    is_new = nearest.points < 0
    nearest.points[is_new] = _look_at(names, nearest.pairs[is_new], read, Threads(workers), on_progress)
    counted = zip(nearest.pairs.tolist(), nearest.points.tolist(), strict=True)
    rows = [(names[one], names[other], count) for (one, other), count in counted]
    alike = [row for row in rows if row[2] >= POINTS]
    pairs = pd.DataFrame(alike, columns=["one", "other", "points"]).sort_values(
        ["points", "one", "other"], ascending=[False, True, True], ignore_index=True
    )
    is_kept = np.array(_within(zip(pairs["one"], pairs["other"], strict=True), MOST), bool)
    compared = nearest_table(pictures, nearest, POINTS_VERSION)
    return Scenes(pairs[is_kept].reset_index(drop=True), int((~is_kept).sum()), compared)


def _look_at(
    names: list[str],
    pairs: Pairs,
    read: Callable[[str], Images],
    threads: Threads,
    on_progress: Callable[[str], None],
) -> list[int]:
    """How many points each pair has in one arrangement; -1 where one cannot be read, so that the next run looks."""

    def keypoints(row: int) -> _Keypoints | None:
        try:
            return _keypoints_of(read(names[row]))
        except CANNOT_BE_READ:
            return None

    def points(pair: list[int]) -> int:
        one, other = found[pair[0]], found[pair[1]]
        return -1 if one is None or other is None else _points_in_common(one, other)

    rows = np.unique(pairs).tolist()
    found: dict[int, _Keypoints | None] = {}
    for done, (row, of_row) in enumerate(zip(rows, threads.map(keypoints, rows), strict=True), 1):
        found[row] = of_row
        on_progress(f"{done} of {len(rows)} pictures looked at for scenes")
    return list(threads.map(points, pairs.tolist()))


class _Keypoints(NamedTuple):
    """Descriptors are whole numbers: as bytes they take a quarter of the room, and are compared as what they were."""

    places: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


_NO_KEYPOINTS = _Keypoints(np.empty((0, 2), np.float32), np.empty((0, 128), np.uint8))


def _keypoints_of(image: Images) -> _Keypoints:
    method = cv2.INTER_AREA if len(image) > _SIDE else cv2.INTER_CUBIC
    grey = cv2.cvtColor(cv2.resize(image, (_SIDE, _SIDE), interpolation=method), cv2.COLOR_RGB2GRAY)
    found, descriptors = cv2.SIFT.create(nfeatures=_KEYPOINTS).detectAndCompute(grey, None)
    if not found:
        return _NO_KEYPOINTS
    return _Keypoints(np.array([point.pt for point in found], np.float32), descriptors.astype(np.uint8))


def _points_in_common(one: _Keypoints, other: _Keypoints) -> int:
    """How many points lie in one picture as in the other, but for shift, turn and scale."""
    if min(len(one.places), len(other.places)) < POINTS:
        return 0
    matches = list(_matches(one.descriptors.astype(np.float32), other.descriptors.astype(np.float32)))
    if len(matches) < POINTS:
        return 0
    rows, others = map(list, zip(*matches, strict=True))
    cv2.setRNGSeed(0)
    moved, is_inside = cv2.estimateAffinePartial2D(
        one.places[rows], other.places[others], ransacReprojThreshold=_TOLERANCE
    )
    if moved is None or not _SCALES[0] < np.hypot(moved[0, 0], moved[1, 0]) < _SCALES[1]:
        return 0
    return int(is_inside.sum())


def _matches(one: NDArray[np.float32], other: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    for best, second in cv2.BFMatcher().knnMatch(one, other, k=2):
        if best.distance < _RATIO * second.distance:
            yield best.queryIdx, best.trainIdx


def _within(pairs: Iterable[tuple[str, str]], most: int) -> list[bool]:
    """Which pairs, in their order, make no component larger than that."""
    components, sizes = Components(), dict[object, int]()
    kept = []
    for one, other in pairs:
        roots = {components.root(one), components.root(other)}
        size = sum(sizes.get(root, 1) for root in roots)
        kept.append(len(roots) == 1 or size <= most)
        if kept[-1]:
            components.join(one, other)
            sizes[components.root(one)] = size
    return kept
