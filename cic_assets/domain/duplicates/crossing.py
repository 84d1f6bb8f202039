"""All pairs of a hash of ours and one of theirs that are near: each of ours is looked up among theirs.

By the pigeonhole principle. The bits are cut into parts, and each part gets a share of the errors: if the shares plus
one add up to the radius plus one, two hashes within the radius keep to the share in at least one part. So theirs are
sorted by a part, and each of ours is looked up by its own value of that part and by all that differ from it in no more
bits than the share: 717 looks within 8 bits, however many there are. (Norouzi, Punjani, Fleet, "Fast Exact Search in
Hamming Space with Multi-Index Hashing", 2014.)

Ours are sorted, too, so that looks of neighbours lie near each other; many are made at once. Of each key as many
hashes are compared at first as most keys have, for what lies side by side is read in half the time; then what is left
of those that have more. A pair that keeps to the shares of several parts counts in the first. All of it in numpy, or,
where many are looked up and there is Numba, by a compiled loop.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import combinations
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from cic_assets.domain.duplicates.blocks import BITS, Hashes
from cic_assets.engine import Threads

Values = tuple[Hashes, Hashes]

PARTS = 3
KEY_BITS = 22
"""Longest key of a table of where the hashes of each key begin, 16 MB; of a longer part the upper bits count."""

_LOG = logging.getLogger(__name__)
_AT_ONCE = 1 << 17  # hashes that are compared together: what is found of them stays in the processor's second cache
_WIDTH = 1.5  # times the hashes that a key has on the average
_LEAST_WIDTH = 4  # fewer are not worth it
_MOST = 1 << 20  # places that are worked on at a time
_PAIRS = 1 << 18  # that are found at a time: each thread may have some such parts ready, of 4 MB
_COMPILED_FROM = 1 << 17  # hashes of ours that are worth the seconds in which the loop is compiled
_ONE = np.uint64(1)
_SPLIT = 8  # parts of those of which too many are near, to be looked up one after another
_ROOM = 1 << 16  # pairs that the compiled loop has room for at first


class Part(NamedTuple):
    """Some of the bits: from one up to another, which is not among them; and how many may differ in it."""

    low: int
    high: int
    share: int


def parts_of(radius: int) -> tuple[Part, ...]:
    """A division of the 64 bits that misses no pair within a radius. A part with a share of -1 is not looked up."""
    edges = [number * BITS // PARTS for number in range(PARTS + 1)]
    shares = [(radius + 1 + number) // PARTS - 1 for number in range(PARTS)]
    return tuple(map(Part, edges, edges[1:], shares))


def near_pairs(ours: Hashes, theirs: Hashes, radius: int, *, workers: int | None = None) -> Iterator[Values]:
    """Both hashes of each pair within a radius, each pair once, in no order; some at a time.

    However many are near each other, no more than some millions of pairs a thread are in memory.

    Args:
        ours: (n,) in any order.
        theirs: (m,) likewise, fewer than 2^31.
        radius: bits.
        workers: threads; as many as there are processors unless told. numpy leaves Python's lock.

    Raises:
        ValueError: more hashes than places of four bytes tell apart.
    """
    if max(len(ours), len(theirs)) >= 1 << 31:
        raise ValueError(f"{max(len(ours), len(theirs)):,} hashes, expected fewer than 2^31 at once")
    if len(ours) > len(theirs):  # what costs is looking up
        yield from ((near, far) for far, near in near_pairs(theirs, ours, radius, workers=workers))
        return
    parts = [part for part in parts_of(radius) if part.share >= 0 and len(ours) and len(theirs)]
    compiled = _compiled() if len(ours) >= _COMPILED_FROM else None
    for number, part in enumerate(parts):
        lookup = _Lookup(theirs, part, parts[:number], radius, compiled)
        asked = np.sort(_turned(ours, part.high))
        for near, far in _looked_up(lookup, asked, lookup.at_once, Threads(workers)):
            yield _turned(near, -part.high), _turned(far, -part.high)


def _looked_up(lookup: "_Lookup", asked: Hashes, at_once: int, threads: Threads) -> Iterator[Values]:
    """Pairs of those that are asked for; where many have a crowd of near ones, of fewer at a time."""
    some = [asked[start : start + at_once] for start in range(0, len(asked), at_once)]
    for few, found in zip(some, threads.map(lookup.of, some), strict=True):
        if found is None:
            yield from _looked_up(lookup, few, -(-len(few) // _SPLIT), threads)
        else:
            yield found


@cache
def _compiled() -> ModuleType | None:
    """What looks hashes up by a compiled loop; None without the extra `large`."""
    if not find_spec("numba"):
        return None
    try:
        from cic_assets.domain.duplicates import compiled

        none = np.zeros(0, np.uint64)  # compiles it
        compiled.look_up(none, none, np.zeros(2, np.int32), none, _ONE, _ONE, none, none, none, none, 0)
    except Exception as error:  # noqa: BLE001 - as of a numpy that is newer than it knows, or a library that is missing
        _LOG.warning("copies are looked for by numpy, which takes longer, for Numba cannot be used: %s", error)
        return None
    return compiled


class _Lookup:
    """Hashes by the values of one part."""

    def __init__(
        self, hashes: Hashes, part: Part, earlier: Sequence[Part], radius: int, compiled: ModuleType | None
    ) -> None:
        """Take a copy of some, their bits turned so that those of the part are on top.

        Args:
            hashes: to be looked up.
            part: by which.
            earlier: parts by which they were looked up before.
            radius: bits in which two may differ.
            compiled: what looks up by a compiled loop; numpy does it without.
        """
        self._compiled = compiled
        # Of few hashes fewer bits tell as much.
        bits = min(part.high - part.low, KEY_BITS, len(hashes).bit_length())
        width = round(_WIDTH * len(hashes) / (1 << bits))
        self._width = width if width >= _LEAST_WIDTH and not compiled else 0
        self.at_once = max(1, _AT_ONCE // max(_LEAST_WIDTH, self._width))
        """How many are to be asked for together."""
        beyond = compiled.WIDTH if compiled else self._width
        self._hashes, self._radius = np.zeros(len(hashes) + beyond, np.uint64), radius
        ordered = self._hashes[: len(hashes)]
        for some in _some(len(hashes)):
            ordered[some] = _turned(hashes[some], part.high)
        ordered.sort()
        self._runs = sliding_window_view(self._hashes, max(1, self._width))
        self._below = np.uint64(BITS - bits)
        self._starts = _starts(ordered, self._below, 1 << bits)
        self._flips = _flips(bits, part.share)
        self._share = part.share
        own, *others = _turned(np.array([_mask(one) for one in (part, *earlier)], np.uint64), part.high)
        self._own, self._earlier = own, [(mask, one.share) for mask, one in zip(others, earlier, strict=True)]

    def of(self, asked: Hashes) -> Values | None:
        """Pairs of one that is asked for, in ascending order, and one that is near and was not found before.

        None where there are more of them than are worked on at a time, and not all of one that is asked for.
        """
        if self._compiled:
            return self._by_loop(asked, self._compiled)
        keys = (asked >> self._below).astype(np.uint32)
        found, count = list[Values](), 0
        for flips in self._flips:
            looked = keys ^ flips
            starts = self._starts.take(looked)
            for row, difference in self._near(asked, starts, self._starts.take(looked + np.uint32(1)) - starts):
                is_new = self._is_new(difference)
                ours = asked[row[is_new]]
                found.append((ours, ours ^ difference[is_new]))
                count += len(ours)
                if self._are_too_many(count, asked):
                    return None
        return joined(found)

    @staticmethod
    def _are_too_many(pairs: int, asked: Hashes) -> bool:
        return pairs > _PAIRS and len(asked) > 1

    def _by_loop(self, asked: Hashes, compiled: ModuleType) -> Values | None:
        flips = np.array(self._flips, np.uint64)
        masks = np.array([self._own, *(mask for mask, _ in self._earlier)])
        shares = np.array([self._share, *(share for _, share in self._earlier)], np.uint64)
        limits = self._below, np.uint64(self._radius), masks, shares
        room, count = 0, _ROOM
        while count > room:  # once, but in crowds
            if self._are_too_many(count, asked):
                return None
            room = count
            near, far = np.empty(room, np.uint64), np.empty(room, np.uint64)
            most = _PAIRS if len(asked) > 1 else len(self._hashes)
            count = compiled.look_up(asked, self._hashes, self._starts, flips, *limits, near, far, most)
        return near[:count].copy(), far[:count].copy()

    def _near(
        self, asked: Hashes, starts: NDArray[np.int32], sizes: NDArray[np.int32]
    ) -> Iterator[tuple[NDArray[np.intp], Hashes]]:
        """Of a run of hashes for each that is asked for: which of these one is near, and the bits that differ."""
        if self._width:
            apart = self._runs[starts]
            apart ^= asked[:, np.newaxis]
            if len(near := np.flatnonzero(np.bitwise_count(apart) <= self._radius)):
                row, column = np.divmod(near, self._width)
                inside = column < sizes[row]
                yield row[inside], apart.ravel()[near[inside]]
        longer = np.flatnonzero(sizes > self._width)
        for run, place in _spread(starts[longer] + self._width, sizes[longer] - self._width):
            row = longer.take(run)
            difference = self._hashes.take(place)
            difference ^= asked.take(row)
            if len(near := np.flatnonzero(np.bitwise_count(difference) <= self._radius)):
                yield row[near], difference[near]

    def _is_new(self, difference: Hashes) -> NDArray[np.bool_]:
        """Whether pairs keep to the share in this part, of which a key may have too few bits, and in no earlier one."""
        is_new = np.bitwise_count(difference & self._own) <= self._share
        for mask, share in self._earlier:
            is_new &= np.bitwise_count(difference & mask).astype(np.int8) > share
        return np.asarray(is_new)


def _some(count: int) -> Iterator[slice]:
    """Parts of arrays of millions, so that what is computed of one is never of all of them."""
    return (slice(start, min(start + _MOST, count)) for start in range(0, count, _MOST))


def _starts(ordered: Hashes, below: np.uint64, count: int) -> NDArray[np.int32]:
    """(count + 1,): where the hashes of each key begin, of some in ascending order; the last is where all end."""
    starts = np.zeros(count + 1, np.int32)
    for some in _some(len(ordered)):
        keys = (ordered[some] >> below).astype(np.intp)
        first = keys[0]
        keys -= first
        counts = np.bincount(keys)
        starts[first + 1 : first + 1 + len(counts)] += counts.astype(np.int32)
    return np.cumsum(starts, dtype=np.int32, out=starts)


def _spread(
    starts: NDArray[np.int32], sizes: NDArray[np.int32]
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Each of some runs of places, one by one: the number of the run, and the place."""
    ends = np.cumsum(sizes, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    if total <= _MOST:
        run = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        place: NDArray[np.int32] = (starts - (ends - sizes)).astype(np.int32).take(run)
        place += np.arange(total, dtype=np.int32)
        yield run, place
        return
    for first in range(0, total, _MOST):
        number = np.arange(first, min(first + _MOST, total))
        run = np.searchsorted(ends, number, side="right").astype(np.int32)
        yield run, (starts[run] + (number - (ends[run] - sizes[run]))).astype(np.int32)


def _mask(part: Part) -> int:
    return (1 << part.high) - (1 << part.low)


def joined(parts: Iterable[Values]) -> Values:
    """Some pairs after the others."""
    none = np.empty(0, np.uint64)
    near, far = zip((none, none), *parts, strict=True)
    return np.concatenate(near), np.concatenate(far)


@cache
def _flips(bits: int, most: int) -> list[np.uint32]:
    """All numbers of so many bits of which at most some are set."""
    chosen = (some for count in range(most + 1) for some in combinations(range(bits), count))
    return sorted(np.uint32(sum(1 << bit for bit in some)) for some in chosen)


def _turned(hashes: Hashes, right: int) -> Hashes:
    """A copy with all bits moved to the right by so many places, those that leave it coming in on the left."""
    if not (right := right % BITS):
        return hashes.copy()
    turned = hashes << np.uint64(BITS - right)
    turned |= hashes >> np.uint64(right)
    return turned
