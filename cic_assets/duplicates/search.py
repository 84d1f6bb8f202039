"""All pairs of 64-bit hashes within a Hamming radius: exact, in numpy, for sets of any size.

In each pass of a scheme (see `blocks`) the hashes are put in buckets by their key and compared within each bucket; a
pair is reported by the first pass that meets it, so none comes twice. Nothing here knows what is hashed.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cic_assets.duplicates.blocks import Hashes, Pass, Scheme, best_scheme

Positions = NDArray[np.int64]
Values = tuple[Hashes, Hashes]

LARGEST_RADIUS = 10
"""Beyond it, a million unrelated hashes have more chance pairs than any set has copies."""

_NONE = np.empty(0, np.int64)
_TILE = 1 << 13  # hashes compared at a time: with their differences they stay in the processor's second cache


@dataclass(frozen=True, slots=True)
class HashPairs:
    """Pairs of positions in the searched arrays, in ascending order, each once.

    Attributes:
        left: (n,) positions in the first array; of the smaller one, where there is only one array.
        right: (n,) positions in the second array, or of the larger one.
        distance: (n,) differing bits, 0 to the radius.
    """

    left: Positions
    right: Positions
    distance: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.left)


def pairs_within(hashes: Hashes, radius: int, *, workers: int | None = None) -> HashPairs:
    """All pairs of different hashes that differ in at most `radius` bits.

    Args:
        hashes: (n,) distinct values in ascending order, as `np.unique` gives them. Equal ones must be collapsed: a
            thousand copies of one hash would be half a million pairs that say nothing.
        radius: 0 to 10 bits.
        workers: threads; as many as there are processors unless told. numpy leaves Python's lock.

    Raises:
        ValueError: hashes not distinct and ascending, or a radius that is not searched.
    """
    _check(hashes, radius)
    scheme = best_scheme(len(hashes), (len(hashes) + 1) // 2, radius)

    def one_pass(choice: Pass) -> Iterator[Values]:
        close = _Close(scheme, choice, radius)
        return _Buckets(hashes, scheme.keys(hashes, choice)).pairs(close)

    near, far = _all_passes(scheme, one_pass, workers)
    at = np.sort(np.searchsorted(hashes, np.stack([near, far])), axis=0)
    return _in_order(hashes, hashes, at[0], at[1])


def pairs_between(left: Hashes, right: Hashes, radius: int, *, workers: int | None = None) -> HashPairs:
    """All pairs of a hash on the left and one on the right that differ in at most `radius` bits, equal ones too.

    For increments: new hashes against those that were searched before.

    Args:
        left: (n,) distinct values in ascending order.
        right: (m,) likewise; a value may be on both sides.
        radius: 0 to 10 bits.
        workers: see `pairs_within`.

    Raises:
        ValueError: see `pairs_within`.
    """
    _check(left, radius)
    _check(right, radius)
    scheme = best_scheme(len(left), len(right), radius)

    def one_pass(choice: Pass) -> Iterator[Values]:
        ours, theirs = (_Buckets(hashes, scheme.keys(hashes, choice)) for hashes in (left, right))
        return _crossing_pairs(ours, theirs, _Close(scheme, choice, radius))

    near, far = _all_passes(scheme, one_pass, workers)
    return _in_order(left, right, np.searchsorted(left, near), np.searchsorted(right, far))


def _check(hashes: Hashes, radius: int) -> None:
    if hashes.dtype != np.uint64 or hashes.ndim != 1:
        raise ValueError(f"found hashes of {hashes.dtype} in {hashes.ndim} dimensions, expected uint64 in one")
    if not 0 <= radius <= LARGEST_RADIUS:
        raise ValueError(f"radius: found {radius}, expected 0 to {LARGEST_RADIUS}")
    if len(hashes) > 1 and not (hashes[1:] > hashes[:-1]).all():
        raise ValueError("hashes are not distinct and ascending: pass them through np.unique first")


def _all_passes(scheme: Scheme, one_pass: Callable[[Pass], Iterator[Values]], workers: int | None) -> Values:
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        return _joined(pool.map(lambda choice: _joined(one_pass(choice)), scheme.passes()))


def _joined(parts: Iterator[Values]) -> Values:
    none = np.empty(0, np.uint64)
    near, far = zip((none, none), *parts, strict=True)
    return np.concatenate(near), np.concatenate(far)


def _in_order(left: Hashes, right: Hashes, left_at: Positions, right_at: Positions) -> HashPairs:
    order = np.lexsort((right_at, left_at))
    left_at, right_at = left_at[order], right_at[order]
    return HashPairs(left_at, right_at, np.bitwise_count(left[left_at] ^ right[right_at]))


@dataclass(frozen=True, slots=True)
class _Close:
    """Which pairs a pass reports: those within the radius that it is the first to meet."""

    scheme: Scheme
    choice: Pass
    radius: int

    def among(self, difference: Hashes) -> tuple[Positions, ...]:
        """Their positions in an array of differing bits, one array an axis."""
        close = np.bitwise_count(difference) <= self.radius
        if not close.any():
            return (_NONE,) * difference.ndim
        at = np.nonzero(close)
        first = self.scheme.first_met_in(difference[at], self.choice)
        return tuple(axis[first] for axis in at)


class _Buckets:
    """Hashes in the order of their keys, with where each run of equal keys starts and how long it is."""

    def __init__(self, hashes: Hashes, keys: NDArray[np.uint16]) -> None:
        order = np.argsort(keys, kind="stable")
        self.hashes = hashes[order]
        counts = np.bincount(keys)
        self.keys = np.flatnonzero(counts)
        self.sizes = counts[self.keys]
        self.starts = np.cumsum(self.sizes) - self.sizes

    def pairs(self, close: _Close) -> Iterator[Values]:
        """All close pairs in each bucket."""
        rounded = _rounded_up(self.sizes)
        for size in np.unique(rounded[self.sizes > 1]).tolist():
            yield from self._pairs_in(np.flatnonzero(rounded == size), size, close)

    def _pairs_in(self, chosen: Positions, size: int, close: _Close) -> Iterator[Values]:
        """Buckets of about one size side by side, as columns, so that many short comparisons are one long one.

        What is read beyond the end of a smaller bucket is left out of the pairs.
        """
        width = max(1, _TILE // size)
        for first in range(0, len(chosen), width):
            some = chosen[first : first + width]
            columns = self.hashes.take(self.starts[some] + np.arange(size)[:, np.newaxis], mode="clip")
            for shift in range(1, size):
                row, column = close.among(columns[:-shift] ^ columns[shift:])
                if len(row):
                    inside = row + shift < self.sizes[some[column]]
                    row, column = row[inside], column[inside]
                    yield columns[row, column], columns[row + shift, column]


def _rounded_up(sizes: Positions) -> Positions:
    """Sizes in steps of about an eighth, so that few different ones are left."""
    step = np.maximum(1, 1 << np.maximum(0, np.log2(np.maximum(sizes, 1)).astype(np.int64) - 3))
    return np.asarray((sizes + step - 1) // step * step)


def _crossing_pairs(ours: _Buckets, theirs: _Buckets, close: _Close) -> Iterator[Values]:
    """All close pairs of one of our hashes and one of theirs with an equal key."""
    _, mine, other = np.intersect1d(ours.keys, theirs.keys, assume_unique=True, return_indices=True)
    lengths = np.repeat(theirs.sizes[other], ours.sizes[mine])
    starts = np.repeat(theirs.starts[other], ours.sizes[mine])
    within = np.arange(len(lengths)) - np.repeat(np.cumsum(ours.sizes[mine]) - ours.sizes[mine], ours.sizes[mine])
    asking = ours.hashes[np.repeat(ours.starts[mine], ours.sizes[mine]) + within]
    yield from _runs(asking, theirs.hashes, starts, lengths, close)


def _runs(asking: Hashes, known: Hashes, starts: Positions, lengths: Positions, close: _Close) -> Iterator[Values]:
    """Each asking hash against its own run of known ones; runs of about one length side by side, as columns."""
    sizes = _rounded_up(lengths)
    for size in np.unique(sizes).tolist():
        chosen = np.flatnonzero(sizes == size)
        width = max(1, _TILE // size)
        for first in range(0, len(chosen), width):
            some = chosen[first : first + width]
            columns = known.take(starts[some] + np.arange(size)[:, np.newaxis], mode="clip")
            row, column = close.among(columns ^ asking[some])
            if len(row):
                inside = row < lengths[some[column]]
                yield asking[some[column[inside]]], columns[row[inside], column[inside]]
