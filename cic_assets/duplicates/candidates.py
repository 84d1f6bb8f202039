"""Which pictures may be the same: proposed by 64-bit hashes of several views, to be verified by others.

Whether two pictures are proposed depends on those two alone, never on which others there are. That is what makes the
groups independent of order, of partitions and of later additions. No pixels and no decisions here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.duplicates.search import Hashes, pairs_between
from cic_assets.duplicates.settings import DuplicateSettings

Positions = NDArray[np.int64]


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
        """The items of some keys, one after the other."""
        parts = [self.items[self.starts[key] : self.starts[key + 1]] for key in keys]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)


class Candidates:
    """For each picture those that may be the same, by the hashes of its views.

    Equal hashes are one entry, so that thousands of pictures with one hash cost no more than one of them.
    """

    def __init__(self, pictures: pd.DataFrame, settings: DuplicateSettings) -> None:
        """`pictures` has the columns of `Fingerprint`, one row a picture; positions count its rows."""
        flat = pictures["flatness"].to_numpy() >= settings.flat_share
        asked = np.stack([pictures["phash"].to_numpy(), pictures["phash_mirrored"].to_numpy()], axis=1)
        known = pictures["phash"].to_numpy()[:, np.newaxis]
        vivid = np.flatnonzero(~flat)
        self._asked, self._known = _Side(asked[vivid], vivid), _Side(known[vivid], vivid)
        pairs = pairs_between(self._asked.values, self._known.values, settings.radius)
        self._known_near_asked = _Index.of(pairs.left, pairs.right, len(self._asked.values))
        self._asked_near_known = _Index.of(pairs.right, pairs.left, len(self._known.values))
        self._twins = _twins_of(pictures, np.flatnonzero(flat))

    def of(self, picture: int) -> Positions:
        """Positions of the pictures that may be the same as one, ascending, without itself."""
        if picture in self._twins:
            return np.setdiff1d(self._twins[picture], picture)
        known = self._known.pictures.at(self._known_near_asked.at(self._asked.keys(picture)))
        asked = self._asked.pictures.at(self._asked_near_known.at(self._known.keys(picture)))
        return np.setdiff1d(np.concatenate([known, asked]), picture)


class _Side:
    """Hashes of pictures in (n, views), collapsed: each value once, with the pictures that have it."""

    def __init__(self, hashes: Hashes, pictures: Positions) -> None:
        self.values, inverse = np.unique(hashes, return_inverse=True)
        keys = inverse.reshape(hashes.shape).astype(np.int64)
        owners = np.repeat(pictures, hashes.shape[1])
        self.pictures = _Index.of(keys.ravel(), owners, len(self.values))
        self._rows = dict(zip(pictures.tolist(), keys, strict=True))

    def keys(self, picture: int) -> Positions:
        """Positions in `values` of the hashes of one picture."""
        return np.unique(self._rows[picture])


def _twins_of(pictures: pd.DataFrame, chosen: Positions) -> dict[int, Positions]:
    """For each chosen picture those of the chosen with the very same pixels and shape."""
    same = pictures.iloc[chosen].groupby(["pixels_sha256", "width", "height"], sort=False).indices
    return {int(chosen[i]): chosen[np.sort(group)] for group in same.values() for i in group}
