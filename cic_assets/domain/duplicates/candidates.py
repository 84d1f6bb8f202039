"""Which pictures may be the same: they meet by their hashes, and a glance at their thumbnails does not rule it out.

Whether two pictures are proposed depends on those two alone, never on which others there are. That is what makes the
groups independent of order, of partitions and of later additions; and it is why what was searched once need not be
searched again. But for crowds: a picture that is like hundreds is proposed with some of them, so that thousands that
are alike do not cost their square. No pixels and no decisions here.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.glance import ALIKE, correlations
from cic_assets.domain.duplicates.looks import Looks, Positions
from cic_assets.domain.duplicates.meetings import Meetings, meetings
from cic_assets.domain.duplicates.settings import DuplicateSettings

Pairs = NDArray[np.int64]
"""(n, 2) positions of two pictures, the smaller first."""

BEST_OF_CROWD = 64
"""Others that a picture is proposed with, of those that come first: whoever leads a crowd of copies is among them, also
who came later, so that one comparison of each joins all."""
NEAREST_OF_CROWD = 16
"""And a new one of those that are most like it: in a crowd of one design, of which most are not the same, its copies
are among these."""
_SIFTED_AT = 1 << 21  # pairs: 50 MB with all that is sorted

_LONG_BITS = 256
_SAME_BY_HASH = 2  # less the share of bits: more alike than any that a glance compares
_KNOWN = -2


class Likely(NamedTuple):
    """What a search proposes.

    Attributes:
        pairs: ascending, each once.
        is_cut: of each picture whether it was alike to more than it is proposed with.
    """

    pairs: Pairs
    is_cut: NDArray[np.bool_]


def likely_pairs(
    looks: Looks, is_flat: NDArray[np.bool_], is_new: NDArray[np.bool_], settings: DuplicateSettings, known: Pairs
) -> Likely:
    """Pairs of pictures that may be the same, at least one of each new, and those that are known.

    Args:
        looks: of the pictures, those that would be kept first.
        is_flat: which of them are set aside.
        is_new: which were not searched yet.
        settings: how alike is the same.
        known: what earlier searches proposed.
    """
    found = _Found(looks, is_new, settings.phash256_distance, known)
    vivid = np.flatnonzero(~is_flat)
    new, old = vivid[is_new[vivid]], vivid[~is_new[vivid]]
    for askers, others in ((vivid, new), (new, old)):
        if len(askers) and len(others):
            for some in meetings(looks, askers, others, settings.radius):
                found.look_at(some)
    return found.likely()


class _Found:
    """Pairs that may be the same, as far as their meetings have been looked at."""

    def __init__(self, looks: Looks, is_new: NDArray[np.bool_], phash256_distance: int, known: Pairs) -> None:
        self._looks, self._is_new, self._distance = looks, is_new, phash256_distance
        self._keys = np.sort(known[:, 0] * len(looks) + known[:, 1])
        self._alike = np.full(len(known), _KNOWN, np.float32)
        self._is_cut = np.zeros(len(looks), bool)
        self._sift_at = _SIFTED_AT

    def likely(self) -> Likely:
        self._sift()
        return Likely(np.stack(np.divmod(self._keys, max(1, len(self._looks))), axis=1), self._is_cut)

    def look_at(self, some: Meetings) -> None:
        """One meeting of each pair after the other, the nearest first, until one is alike."""
        keys = np.minimum(some.asked, some.known) * len(self._looks) + np.maximum(some.asked, some.known)
        order = np.lexsort((some.distance, keys))
        order = order[~np.isin(keys[order], self._keys, assume_unique=False)]
        keys = keys[order]
        near, apart = self._near_by_long_hash(np.unique(keys))
        self._add(near, _SAME_BY_HASH - apart / _LONG_BITS)
        order, keys = order[left := ~np.isin(keys, near)], keys[left]
        while len(order):
            is_next = np.append(True, keys[1:] != keys[:-1])
            found = correlations(self._looks, some.at(order[is_next]))
            self._add(likely := keys[is_next][alike := found >= ALIKE], found[alike])
            left = ~is_next & ~np.isin(keys, likely)
            order, keys = order[left], keys[left]

    def _add(self, keys: Positions, alike: NDArray[np.floating]) -> None:
        """Some that are not there yet, each once, and how alike they are."""
        if len(keys):
            keys, alike = np.concatenate([self._keys, keys]), np.concatenate([self._alike, alike.astype(np.float32)])
            order = np.argsort(keys)
            self._keys, self._alike = keys[order], alike[order]
            if len(keys) > self._sift_at:
                self._sift()
                self._sift_at = max(_SIFTED_AT, 2 * len(self._keys))

    def _sift(self) -> None:
        """Leave of the pairs those that are known, or among the best of one of the two, or the nearest to a new one."""
        pairs = np.divmod(self._keys, max(1, len(self._looks)))
        ends, others = np.concatenate(pairs), np.concatenate(pairs[::-1])
        row = np.tile(np.arange(len(self._keys)), 2)
        is_crowded = (np.bincount(ends, minlength=len(self._looks)) > BEST_OF_CROWD)[ends]
        if not is_crowded.any():
            return
        is_chosen = ~is_crowded
        crowded, new = np.flatnonzero(is_crowded), np.flatnonzero(is_crowded & self._is_new[ends])
        is_chosen[crowded[_firsts(ends[crowded], others[crowded], BEST_OF_CROWD)]] = True
        is_chosen[new[_firsts(ends[new], -self._alike[row[new]], NEAREST_OF_CROWD)]] = True
        is_listed = self._alike == _KNOWN
        is_listed[row[is_chosen]] = True
        self._is_cut[ends[~is_chosen]] = True
        self._keys, self._alike = self._keys[is_listed], self._alike[is_listed]

    def _near_by_long_hash(self, keys: Positions) -> tuple[Positions, NDArray[np.int64]]:
        """Those that are the same by 256 bits, or would be, were their colours: they need no glance; and bits apart."""
        one, other = (self._looks.long(at) for at in np.divmod(keys, len(self._looks)))
        each = [np.bitwise_count(one[:, a] ^ other[:, b]).sum(axis=1) for a, b in ((0, 0), (0, 1), (1, 0))]
        apart = np.minimum.reduce(each).astype(np.int64)
        near = apart <= self._distance
        return keys[near], apart[near]


def _firsts(ends: Positions, ranked: NDArray[np.number], count: int) -> Positions:
    """Positions of so many entries of each end that come first; equal ones as they stand."""
    order = np.lexsort((ranked, ends))
    if not len(order):
        return order
    starts = np.flatnonzero(np.append(True, np.diff(ends[order]) > 0))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return order[rank < count]


class Candidates:
    """For each picture those that may be the same."""

    def __init__(self, pairs: Pairs, twins: Mapping[int, Positions]) -> None:
        """Of pairs of pictures, and of the exact twins of those that are set aside."""
        ends = np.concatenate([pairs, pairs[:, ::-1]])
        ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
        self._others = ends[:, 1]
        self._with_any, starts = np.unique(ends[:, 0], return_index=True)
        self._starts = np.append(starts, len(ends))
        self._twins = twins

    def pictures(self) -> Positions:
        """Those that have any, ascending."""
        return np.union1d(self._with_any, np.fromiter(self._twins, np.int64, len(self._twins)))

    def of(self, picture: int) -> Positions:
        """Positions of the pictures that may be the same as one, ascending, without itself."""
        if picture in self._twins:
            return np.setdiff1d(self._twins[picture], picture)
        at = np.searchsorted(self._with_any, picture)
        if at == len(self._with_any) or self._with_any[at] != picture:
            return np.empty(0, np.int64)
        return np.asarray(self._others[self._starts[at] : self._starts[at + 1]])

    def of_leaders(self) -> Iterator[tuple[int, int]]:
        """Pairs of a picture that comes before all that may be the same as it, and one of these."""
        firsts = np.flatnonzero(self._others[self._starts[:-1]] > self._with_any)
        for at in firsts.tolist():
            picture = int(self._with_any[at])
            yield from ((picture, other) for other in self._others[self._starts[at] : self._starts[at + 1]].tolist())


def twins_of(pictures: pd.DataFrame, chosen: Positions) -> dict[int, Positions]:
    """For each chosen picture that has any, those of the chosen with the very same pixels and shape."""
    same = pictures.iloc[chosen].groupby(["pixels_sha256", "width", "height"], sort=False).indices
    return {int(chosen[i]): chosen[np.sort(group)] for group in same.values() if len(group) > 1 for i in group}
