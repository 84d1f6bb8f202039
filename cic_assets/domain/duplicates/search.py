"""All pairs of 64-bit hashes within a Hamming radius: exact, in numpy, for sets of any size.

Those of one array are put in buckets by their key in each pass of a scheme (see `blocks`), and compared within each
bucket; a pair is reported by the first pass that meets it, so none comes twice. Those of two arrays are looked up (see
`crossing`). Nothing here knows what is hashed.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.duplicates.blocks import Hashes, Pass, Scheme, best_scheme, deal_bits, undeal_bits
from cic_assets.domain.duplicates.crossing import Values, joined, near_pairs
from cic_assets.engine import Threads

Positions = NDArray[np.int64]

LARGEST_RADIUS = 10
"""Beyond it, a million unrelated hashes have more chance pairs than any set has copies."""

_JUDGED_AT_ONCE = 1 << 16
_TOGETHER = 1 << 20  # pairs that are put in order at a time, where not all are wanted together
_NONE = np.empty(0, np.int64)
_TILE = 1 << 14  # hashes compared at a time: with their differences they stay in the processor's second cache


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
    dealt = deal_bits(hashes)

    def one_pass(choice: Pass) -> Iterator[Values]:
        return _Buckets(dealt, scheme.keys(dealt, choice)).pairs(radius)

    found = _all_passes(scheme, scheme.passes(), one_pass, workers)
    at = np.sort([_positions(values, hashes) for values in found], axis=0)
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
    return _joined_pairs(left, right, near_pairs(deal_bits(left), deal_bits(right), radius, workers=workers))


def pairs_between_in_parts(
    left: Hashes, right: Hashes, radius: int, *, workers: int | None = None
) -> Iterator[HashPairs]:
    """The same, about a million pairs at a time, each part in ascending order: thousands that are alike have many."""
    _check(left, radius)
    _check(right, radius)
    waiting, count = list[Values](), 0
    for values in near_pairs(deal_bits(left), deal_bits(right), radius, workers=workers):
        waiting.append(values)
        count += len(values[0])
        if count >= _TOGETHER:
            yield _joined_pairs(left, right, waiting)
            waiting, count = [], 0
    yield _joined_pairs(left, right, waiting)


def _joined_pairs(left: Hashes, right: Hashes, found: Iterable[Values]) -> HashPairs:
    near, far = joined(found)
    return _in_order(left, right, _positions(near, left), _positions(far, right))


def _check(hashes: Hashes, radius: int) -> None:
    if hashes.dtype != np.uint64 or hashes.ndim != 1:
        raise ValueError(f"found hashes of {hashes.dtype} in {hashes.ndim} dimensions, expected uint64 in one")
    if not 0 <= radius <= LARGEST_RADIUS:
        raise ValueError(f"radius: found {radius}, expected 0 to {LARGEST_RADIUS}")
    if len(hashes) > 1 and not (hashes[1:] > hashes[:-1]).all():
        raise ValueError("hashes are not distinct and ascending: pass them through np.unique first")


def _all_passes(
    scheme: Scheme, passes: Iterable[Pass], one_pass: Callable[[Pass], Iterator[Values]], workers: int | None
) -> Values:
    def run(choice: Pass) -> Values:
        return joined(_first_met(one_pass(choice), scheme, choice))

    return joined(Threads(workers).map(run, passes))


def _first_met(parts: Iterator[Values], scheme: Scheme, choice: Pass) -> Iterator[Values]:
    """Of the close pairs of a pass those that no earlier pass has met; judged many at a time, but not all at once."""
    waiting: list[Values] = []
    count = 0
    for part in itertools.chain(parts, [None]):
        if part is not None:
            waiting.append(part)
            count += len(part[0])
        if count >= _JUDGED_AT_ONCE or (part is None and waiting):
            near, far = joined(waiting)
            first = scheme.first_met_in(near ^ far, choice)
            yield near[first], far[first]
            waiting, count = [], 0


def _positions(dealt: Hashes, among: Hashes) -> Positions:
    """Where in an array, in ascending order, some of its values are, whose bits were dealt."""
    return np.asarray(np.searchsorted(among, undeal_bits(dealt)))


def _in_order(left: Hashes, right: Hashes, left_at: Positions, right_at: Positions) -> HashPairs:
    order = np.lexsort((right_at, left_at))
    left_at, right_at = left_at[order], right_at[order]
    return HashPairs(left_at, right_at, np.bitwise_count(left[left_at] ^ right[right_at]))


class _Buckets:
    """Hashes in the order of their keys, with where each run of equal keys starts and how long it is."""

    def __init__(self, hashes: Hashes, keys: NDArray[np.uint16]) -> None:
        order = np.argsort(keys, kind="stable")
        self.hashes = hashes[order]
        counts = np.bincount(keys)
        self.keys = np.flatnonzero(counts)
        self.sizes = counts[self.keys]
        self.starts = np.cumsum(self.sizes) - self.sizes

    def pairs(self, radius: int) -> Iterator[Values]:
        """All pairs within the radius in each bucket.

        Buckets of about one size lie side by side, as columns, so that many short comparisons are one long one. What
        is read beyond the end of a smaller bucket is left out of the pairs.
        """
        for some, size in _side_by_side(self.sizes):
            columns = self.hashes.take(self.starts[some] + np.arange(size)[:, np.newaxis], mode="clip")
            for shift in range(1, size):
                row, column = _close(columns[:-shift] ^ columns[shift:], radius)
                if len(row):
                    inside = row + shift < self.sizes[some[column]]
                    row, column = row[inside], column[inside]
                    yield columns[row, column], columns[row + shift, column]


def _side_by_side(sizes: Positions) -> Iterator[tuple[Positions, int]]:
    """Positions of runs of about one size, as many as fill a tile, with the largest size; the largest first."""
    order = np.argsort(-sizes, kind="stable")
    first = 0
    while first < len(order) and (size := int(sizes[order[first]])):
        width = max(1, _TILE // size)
        yield order[first : first + width], size
        first += width


def _close(difference: Hashes, radius: int) -> tuple[Positions, Positions]:
    """Rows and columns of a table of differing bits where there are at most `radius`."""
    bits = np.bitwise_count(difference)
    if bits.min() > radius:  # nearly always
        return _NONE, _NONE
    return np.divmod(np.flatnonzero(bits <= radius), difference.shape[1])
