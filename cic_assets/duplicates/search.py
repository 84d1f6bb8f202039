"""All pairs of 64-bit hashes within a Hamming radius: exact, in numpy, for sets of any size.

By the pigeonhole principle: cut the bits into `radius + k` blocks, and two hashes within the radius agree in at least
`k` of them. So for each choice of k blocks the hashes are sorted by those blocks, and only neighbours with the same key
are compared. More blocks mean more sorts of smaller buckets; `_plan` weighs one against the other. A pair is reported
in the first choice in which it is met, so that none comes twice. Nothing here knows what is hashed.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

BITS = 64

_CHUNK = 1 << 14  # hashes compared at a time: their working arrays stay in the processor's second cache
_SORT_COST = 40.0  # nanoseconds to sort one hash by its key, measured; only the ratio to the next matters
_COMPARE_COST = 1.3  # nanoseconds to compare one pair
_MOST_PASSES = 500


@dataclass(frozen=True, slots=True)
class HashPairs:
    """Pairs of positions in the searched array or arrays, in ascending order, each once.

    Attributes:
        left: (n,) positions; of the smaller one, or in the first array.
        right: (n,) positions; of the larger one, or in the second array.
        distance: (n,) differing bits, 0 to the radius.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    distance: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.left)


def pairs_within(hashes: Hashes, radius: int, *, workers: int | None = None) -> HashPairs:
    """All pairs of different hashes that differ in at most `radius` bits.

    Args:
        hashes: (n,) distinct values in ascending order, as `np.unique` gives them. Equal ones must be collapsed: a
            thousand copies of one hash would be half a million pairs that say nothing.
        radius: 0 to 10.
        workers: threads; as many as there are processors unless told. numpy leaves Python's lock.

    Raises:
        ValueError: hashes not distinct and ascending, or a radius that cannot be searched.
    """
    _check(hashes, radius)
    blocks, matching = _plan(len(hashes), radius)
    scheme = _Scheme(blocks, matching, radius)
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        found = list(pool.map(lambda choice: _pairs_by(hashes, scheme, choice), scheme.choices()))
    return _in_order(hashes, np.concatenate(found, axis=1))


def pairs_between(left: Hashes, right: Hashes, radius: int, *, workers: int | None = None) -> HashPairs:
    """All pairs of a hash on the left and one on the right that differ in at most `radius` bits, equal ones too.

    Args:
        left: (n,) distinct values in ascending order.
        right: (m,) likewise; values may be on both sides.
        radius: 0 to 10.
        workers: see `pairs_within`.
    """
    _check(left, radius)
    _check(right, radius)
    union = np.union1d(left, right)
    near = pairs_within(union, radius, workers=workers)
    ends = np.arange(len(union))
    one = np.concatenate([near.left, near.right, ends])
    other = np.concatenate([near.right, near.left, ends])
    crossing = np.isin(union, left)[one] & np.isin(union, right)[other]
    one = np.searchsorted(left, union[one[crossing]])
    other = np.searchsorted(right, union[other[crossing]])
    order = np.lexsort((other, one))
    return _measured(left, right, one[order], other[order])


def _check(hashes: Hashes, radius: int) -> None:
    if hashes.dtype != np.uint64 or hashes.ndim != 1:
        raise ValueError(f"found hashes of {hashes.dtype} in {hashes.ndim} dimensions, expected one of uint64")
    if not 0 <= radius <= 10:  # noqa: PLR2004
        raise ValueError(f"radius {radius}: expected 0 to 10; beyond, there are more chance pairs than copies")
    if len(hashes) > 1 and not (hashes[1:] > hashes[:-1]).all():
        raise ValueError("hashes are not distinct and ascending: pass them through np.unique")


@dataclass(frozen=True, slots=True)
class _Scheme:
    """The 64 bits in `blocks` runs, of which `matching` are the key of each pass."""

    blocks: int
    matching: int
    radius: int

    def choices(self) -> Iterator[tuple[int, ...]]:
        return combinations(range(self.blocks), self.matching)

    def bounds(self, block: int) -> tuple[int, int]:
        return block * BITS // self.blocks, (block + 1) * BITS // self.blocks

    def mask(self, block: int) -> int:
        low, high = self.bounds(block)
        return (1 << high) - (1 << low)


def _plan(n: int, radius: int) -> tuple[int, int]:
    """How many blocks, and how many of them must match, for the cheapest search of n hashes."""

    def cost(matching: int) -> float:
        blocks = radius + matching
        bucket = n / 2 ** (BITS * matching / blocks)
        return comb(blocks, matching) * (_SORT_COST + _COMPARE_COST * bucket)

    affordable = [k for k in range(1, 8) if comb(radius + k, k) <= _MOST_PASSES]
    matching = min(affordable, key=cost)
    return radius + matching, matching


def _pairs_by(hashes: Hashes, scheme: _Scheme, choice: tuple[int, ...]) -> NDArray[np.uint64]:
    """Values (2, n) of the pairs that agree in the chosen blocks and were not met in an earlier choice."""
    moved = _chosen_first(hashes, scheme, choice)
    moved.sort()
    key_bits = sum(high - low for low, high in map(scheme.bounds, choice))
    left, right = _close_neighbours(moved, key_bits, scheme.radius)
    pairs = np.stack([_back_in_place(side, scheme, choice) for side in (left, right)])
    return pairs[:, _is_first_meeting(pairs[0] ^ pairs[1], scheme, choice)]


def _layout(scheme: _Scheme, choice: tuple[int, ...]) -> list[tuple[int, int]]:
    """Runs of bits as (lowest bit, count), from the highest place down: the chosen blocks, then the rest in order."""
    chosen = [scheme.bounds(block) for block in choice]
    edges = [0, *(edge for bounds in chosen for edge in bounds), BITS]
    rest = list(zip(edges[::2], edges[1::2], strict=True))
    return [(low, high - low) for low, high in (*chosen, *rest) if high > low]


def _chosen_first(hashes: Hashes, scheme: _Scheme, choice: tuple[int, ...]) -> Hashes:
    """Each hash with the bits of the chosen blocks moved to its top, so that sorting by value sorts by them."""
    moved = np.zeros_like(hashes)
    place = BITS
    for low, count in _layout(scheme, choice):
        place -= count
        moved |= ((hashes >> np.uint64(low)) & np.uint64((1 << count) - 1)) << np.uint64(place)
    return moved


def _back_in_place(moved: Hashes, scheme: _Scheme, choice: tuple[int, ...]) -> Hashes:
    """The inverse of `_chosen_first`."""
    hashes = np.zeros_like(moved)
    place = BITS
    for low, count in _layout(scheme, choice):
        place -= count
        hashes |= ((moved >> np.uint64(place)) & np.uint64((1 << count) - 1)) << np.uint64(low)
    return hashes


def _close_neighbours(ordered: Hashes, key_bits: int, radius: int) -> tuple[Hashes, Hashes]:
    """Pairs within the radius among sorted hashes whose top `key_bits` agree."""
    n = len(ordered)
    keys = ordered >> np.uint64(BITS - key_bits)
    ends = np.append(np.flatnonzero(keys[1:] != keys[:-1]) + 1, n)
    left, right = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for start in range(0, n, _CHUNK):
        stop = min(start + _CHUNK, n)
        first, last = np.searchsorted(ends, [start, stop - 1], side="right")
        starts = np.concatenate([[start], ends[first:last]])
        reach = int((ends[first : last + 1] - starts).max()) - 1
        for shift in range(1, reach + 1):
            near = ordered[start:stop][: n - start - shift]
            far = ordered[start + shift : stop + shift]
            close = np.bitwise_count(near ^ far) <= radius
            if close.any():
                left.append(near[close])
                right.append(far[close])
    return np.concatenate(left), np.concatenate(right)


def _is_first_meeting(difference: Hashes, scheme: _Scheme, choice: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether `choice` is the first whose blocks all agree: no block outside it, below its last, agrees as well."""
    first = np.ones(len(difference), bool)
    for block in range(scheme.blocks):
        agrees = (difference & np.uint64(scheme.mask(block))) == 0
        if block in choice:
            first &= agrees
        elif block < choice[-1]:
            first &= ~agrees
    return first


def _in_order(hashes: Hashes, values: NDArray[np.uint64]) -> HashPairs:
    positions = np.sort(np.searchsorted(hashes, values), axis=0)
    order = np.lexsort(positions[::-1])
    return _measured(hashes, hashes, *positions[:, order])


def _measured(left: Hashes, right: Hashes, left_at: NDArray[np.int64], right_at: NDArray[np.int64]) -> HashPairs:
    return HashPairs(left_at, right_at, np.bitwise_count(left[left_at] ^ right[right_at]))
