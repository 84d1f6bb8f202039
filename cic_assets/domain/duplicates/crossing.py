"""All pairs of a hash of ours and one of theirs that agree in some blocks of one part of their bits, and are near.

A part is short enough for a table of all its values. Once both sides are sorted by a part, every pass over it (see
`blocks`) is that table with its axes in another order: hashes are moved in runs, and never sorted again. Then many
buckets of about one size are compared at once, since most are too small to be worth a call each.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.duplicates.blocks import BITS, PART_BITS, Hashes, Pass, Scheme

Positions = NDArray[np.int64]
Values = tuple[Hashes, Hashes]

_CELLS = 1 << 16  # pairs compared at a time: with their differences they stay in the processor's second cache
_MOST_ROWS = 32  # of a bucket compared with all of the other's


class Side:
    """Hashes sorted by one part of their bits."""

    def __init__(self, hashes: Hashes, scheme: Scheme, part: int) -> None:
        """Of fewer than 2^31 hashes, in any order; takes a copy of them."""
        self._scheme, self._part = scheme, part
        low, high = scheme.part_bounds(part)
        self._turn = high % BITS
        self.hashes = _turned(hashes, self._turn)
        self.hashes.sort()
        bits = min(PART_BITS, high - low)
        counts = np.bincount((self.hashes >> np.uint64(BITS - bits)).astype(np.int64), minlength=1 << bits)
        self._counts = counts.astype(np.int32)
        self._starts = np.cumsum(self._counts, dtype=np.int32) - self._counts

    def in_buckets(self, choice: Pass) -> "Buckets":
        """In the order of the blocks of a pass of this part."""
        widths = self._scheme.widths(self._part)  # of the last block, whose bits are on top, first
        axes = [len(widths) - 1 - block for block in choice.blocks]
        axes += sorted(set(range(len(widths))) - set(axes))
        shape = [1 << width for width in widths]
        counts, starts = (table.reshape(shape).transpose(axes).ravel() for table in (self._counts, self._starts))
        key_bits = sum(widths[axis] for axis in axes[: len(choice.blocks)])
        sizes = counts.reshape(1 << key_bits, -1).sum(axis=1, dtype=np.int64)
        # Each run is as far from where it was, so that places are numbers that go up by one, and this.
        places = np.repeat(starts - (np.cumsum(counts, dtype=np.int32) - counts), counts)
        places += np.arange(len(places), dtype=np.int32)
        return Buckets(self.hashes[places], sizes, np.cumsum(sizes) - sizes)

    def as_given(self, hashes: Hashes) -> Hashes:
        """Some of its hashes as they were given."""
        return _turned(hashes, -self._turn % BITS)


@dataclass(frozen=True, slots=True)
class Buckets:
    """One side in the order of a key.

    Attributes:
        hashes: (n,) as they are in its `Side`.
        sizes: (keys,) how many hashes have each key.
        starts: (keys,) where the first of them is.
    """

    hashes: Hashes
    sizes: Positions
    starts: Positions


def near_pairs(ours: Side, theirs: Side, choice: Pass, radius: int) -> Iterator[Values]:
    """All pairs within a radius that agree in the blocks of a pass (in as many bits of them as are in the table)."""
    left, right = ours.in_buckets(choice), theirs.in_buckets(choice)
    both = np.flatnonzero((left.sizes > 0) & (right.sizes > 0))
    if not len(both):
        return
    rows = 1 << int(np.clip(np.log2(left.sizes[both].mean() / 2), 1, np.log2(_MOST_ROWS)))
    tiles = _Tiles.of(left, right, both, rows, _CELLS // rows)
    differences, apart = np.empty(_CELLS, np.uint64), np.empty(_CELLS, np.uint8)
    down = np.arange(rows)
    first = 0
    while first < len(tiles.widths):
        width = int(tiles.widths[first])
        some = slice(first, first + max(1, _CELLS // (rows * width)))
        above, below = tiles.tops[some, np.newaxis] + down, tiles.lefts[some, np.newaxis] + np.arange(width)
        one, other = left.hashes.take(above, mode="clip"), right.hashes.take(below, mode="clip")
        size = one.size * width
        np.bitwise_xor(one[:, :, np.newaxis], other[:, np.newaxis], out=differences[:size].reshape(-1, rows, width))
        np.bitwise_count(differences[:size], out=apart[:size])
        near = np.flatnonzero(apart[:size] <= radius)
        if len(near):
            tile, cell = np.divmod(near, rows * width)
            row, column = np.divmod(cell, width)
            # What is read beyond the end of a bucket is of another.
            inside = (row < tiles.heights[some][tile]) & (column < tiles.widths[some][tile])
            tile, row, column = tile[inside], row[inside], column[inside]
            yield ours.as_given(one[tile, row]), theirs.as_given(other[tile, column])
        first = some.stop


@dataclass(frozen=True, slots=True)
class _Tiles:
    """Parts of buckets: some rows of ours, each to be compared with some of theirs; the widest first.

    Attributes:
        tops: where the first row of each is.
        heights: rows.
        lefts: where the first of theirs is.
        widths: how many of theirs.
    """

    tops: Positions
    heights: Positions
    lefts: Positions
    widths: Positions

    @classmethod
    def of(cls, left: Buckets, right: Buckets, keys: Positions, rows: int, widest: int) -> "_Tiles":
        """Of some keys, cut so that none has more rows or is wider."""
        bucket, top, height = _cut(left.starts[keys], left.sizes[keys], rows)
        tile, start, width = _cut(right.starts[keys][bucket], right.sizes[keys][bucket], widest)
        order = np.argsort(-width, kind="stable")
        tile = tile[order]
        return cls(top[tile], height[tile], start[order], width[order])


def _cut(starts: Positions, sizes: Positions, largest: int) -> tuple[Positions, Positions, Positions]:
    """Runs cut into pieces: of which run each is, where it begins and how long it is."""
    pieces = -(-sizes // largest)
    of = np.repeat(np.arange(len(sizes)), pieces)
    before = largest * (np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces))
    return of, starts[of] + before, np.minimum(sizes[of] - before, largest)


def _turned(hashes: Hashes, right: int) -> Hashes:
    """A copy with all bits moved to the right by so many places, those that leave it coming in on the left."""
    if not right:
        return hashes.copy()
    turned = hashes << np.uint64(BITS - right)
    turned |= hashes >> np.uint64(right)
    return turned
