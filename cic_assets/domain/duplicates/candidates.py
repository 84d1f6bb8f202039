"""Which pictures may be the same: proposed by 64-bit hashes of several crops, to be verified by others.

Whether two pictures are proposed depends on those two alone, never on which others there are. That is what makes the
groups independent of order, of partitions and of later additions. No pixels and no decisions here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.blocks import Hashes
from cic_assets.domain.duplicates.crops import Crops
from cic_assets.domain.duplicates.search import HashPairs, pairs_between

Positions = NDArray[np.int64]

_SEVERAL = -1


class Candidates:
    """For each picture those that may be the same, by the hashes of its crops.

    Equal hashes are one entry, so that thousands of pictures with one hash cost no more than one of them.
    """

    def __init__(self, pictures: pd.DataFrame, crops: Crops, is_flat: NDArray[np.bool_], radius: int) -> None:
        """Search once for all pictures.

        Args:
            pictures: with the columns of `Fingerprint`, one row a picture; positions count its rows.
            crops: of the same pictures.
            is_flat: which of them are set aside, to be proposed to their exact twins only.
            radius: bits in which the hashes of two crops may differ.
        """
        vivid = np.flatnonzero(~is_flat)
        self._asked, self._known = _Side(crops.asked, vivid), _Side(crops.known, vivid)
        pairs = pairs_between(self._asked.values, self._known.values, radius)
        self._known_near = _Index.of(pairs.left, pairs.right, len(self._asked.values))
        self._asked_near = _Index.of(pairs.right, pairs.left, len(self._known.values))
        self._is_alone = self._near_none_but_themselves(pairs)
        self._twins = _twins_of(pictures, np.flatnonzero(is_flat))

    def of(self, picture: int) -> Positions:
        """Positions of the pictures that may be the same as one, ascending, without itself."""
        if picture in self._twins:
            return np.setdiff1d(self._twins[picture], picture)
        if self._is_alone[picture]:
            return np.empty(0, np.int64)
        known = self._known.pictures.at(self._known_near.at(self._asked.keys(picture)))
        asked = self._asked.pictures.at(self._asked_near.at(self._known.keys(picture)))
        return np.setdiff1d(np.concatenate([known, asked]), picture)

    def of_leaders(self) -> Iterator[tuple[int, int]]:
        """Pairs of a picture that comes before all that may be the same as it, and one of these."""
        for picture in np.flatnonzero(~self._is_alone).tolist():
            others = self.of(picture).tolist()
            if others and picture < others[0]:
                yield from ((picture, other) for other in others)

    def _near_none_but_themselves(self, pairs: HashPairs) -> NDArray[np.bool_]:
        """Which pictures, as most are, need no look at their crops one by one."""
        one, other = self._asked.pictures.only_items()[pairs.left], self._known.pictures.only_items()[pairs.right]
        of_others = (one != other) | (one == _SEVERAL)
        return ~(self._asked.having(pairs.left[of_others]) | self._known.having(pairs.right[of_others]))


@dataclass(frozen=True, slots=True)
class _Index:
    """Lists of positions, one a key, in two arrays."""

    starts: Positions
    items: Positions

    @classmethod
    def of(cls, keys: Positions, items: Positions, n_keys: int) -> "_Index":
        order = np.lexsort((items, keys))
        return cls(np.searchsorted(keys[order], np.arange(n_keys + 1)), items[order])

    def at(self, keys: Positions) -> Positions:
        """The items of some keys, each once."""
        parts = [self.items[self.starts[key] : self.starts[key + 1]] for key in keys]
        return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)

    def only_items(self) -> Positions:
        """The item of each key that has one alone, be it repeatedly; else `_SEVERAL`. No key may be without."""
        first, last = self.items[self.starts[:-1]], self.items[self.starts[1:] - 1]
        return np.where(first == last, first, _SEVERAL)


class _Side:
    """Hashes of pictures, (n, crops), collapsed: each value once, with the pictures that have it."""

    def __init__(self, hashes: Hashes, chosen: Positions) -> None:
        self.values, inverse = np.unique(hashes[chosen], return_inverse=True)
        self._keys = np.full(hashes.shape, -1, np.int64)
        self._keys[chosen] = inverse.reshape(len(chosen), hashes.shape[1])
        owners = np.repeat(chosen, hashes.shape[1])
        self.pictures = _Index.of(self._keys[chosen].ravel(), owners, len(self.values))

    def keys(self, picture: int) -> Positions:
        """Positions in `values` of the hashes of one picture."""
        return np.unique(self._keys[picture])

    def having(self, keys: Positions) -> NDArray[np.bool_]:
        """Which pictures have one of some hashes, by position in `values`."""
        chosen = np.zeros(len(self.values) + 1, bool)  # one more for those that have none, whose keys are -1
        chosen[keys] = True
        return np.asarray(chosen[self._keys].any(axis=1))


def _twins_of(pictures: pd.DataFrame, chosen: Positions) -> dict[int, Positions]:
    """For each chosen picture those of the chosen with the very same pixels and shape."""
    same = pictures.iloc[chosen].groupby(["pixels_sha256", "width", "height"], sort=False).indices
    return {int(chosen[i]): chosen[np.sort(group)] for group in same.values() for i in group}
