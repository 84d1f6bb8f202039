"""The nearest pictures of each by their features, kept: what was compared once is not compared again.

What comes out is what a search among all of them finds. A picture that is there for the first time is compared with
all others, and so is one of whose nearest one is gone; the others are compared with what is new. But where others are
equally near, but for rounding, to a picture, which of them is its last may depend on what came first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates import short_ids
from cic_assets.domain.features.table import feature_matrix
from cic_assets.domain.schema import Column
from cic_assets.storage import content_version

NEIGHBOURS = 10
"""The nearest of each picture by their features, which are looked at. Of 110 photos, cut and in other light, the one
they are of was always among as many."""

NEAREST = "nearest_pictures"
"""The table of them."""

NEAREST_COLUMNS: Mapping[str, Column] = {
    "one": Column("uint64", "of a picture: the first 64 bits of its SHA-256"),
    "other": Column("uint64", f"of one of the {NEIGHBOURS} that are nearest to it by their features, likewise"),
    "features": Column("uint64", "what stands for the features of the former: with others, it is compared again"),
    "similarity": Column("float64", "of both, by their features: the cosine of the angle between their roots"),
    "points": Column(
        "int64", "in one arrangement in both, by which they are of one scene or not; -1: one could not be read"
    ),
}
"""Columns of the table."""

_RULES = "compared_by"
_BLOCK = 512
"""Pictures that are compared with all others at once: more take memory, and are no faster."""

Rows = NDArray[np.int64]
Pairs = NDArray[np.int64]
"""(P, 2) of rows, the lower one first; each pair once, in order."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest of each picture, by rows of a table of features whose names ascend.

    Attributes:
        others: (N, K), the nearest first.
        similarity: (N, K).
        pairs: all pairs of which one is among the nearest of the other.
        points: (P,) of each pair, in one arrangement; -1 where that was not looked at yet.
    """

    others: Rows
    similarity: NDArray[np.float32]
    pairs: Pairs
    points: Rows


def find_nearest(pictures: pd.DataFrame, before: pd.DataFrame | None, version: int) -> Nearest:
    """Find them.

    Args:
        pictures: of `image_features`, each once, in the order of their names.
        before: what `nearest_table` made of an earlier time.
        version: of the way in which points are counted.
    """
    known = _Known(pictures, before, version)
    others, similarity = known.others, known.similarity
    if not known.is_whole.all():
        _compare(_directions(feature_matrix(pictures)), known)
    rows = np.repeat(np.arange(len(others)), others.shape[1])
    ends = np.sort(np.stack([rows, others.ravel()], axis=1), axis=1)
    pairs = np.unique(ends, axis=0) if len(ends) else np.empty((0, 2), np.int64)
    return Nearest(others, similarity, pairs, known.points_of(pairs))


def nearest_table(pictures: pd.DataFrame, nearest: Nearest, version: int) -> pd.DataFrame:
    """All of it, to be kept: `NEAREST_COLUMNS`.

    Args:
        pictures: that it was found of.
        nearest: with the points of every pair.
        version: of the way in which points were counted.
    """
    ids, count = short_ids(pictures["sha256"]), nearest.others.shape[1]
    rows = np.repeat(np.arange(len(ids)), count)
    ends = np.sort(np.stack([rows, nearest.others.ravel()], axis=1), axis=1)
    places = np.searchsorted(_keys(nearest.pairs, len(ids)), _keys(ends, len(ids)))
    table = pd.DataFrame(
        {
            "one": ids[rows],
            "other": ids[nearest.others.ravel()],
            "features": _marks(pictures)[rows],
            "similarity": nearest.similarity.ravel().astype(np.float64),
            "points": nearest.points[places] if len(rows) else np.empty(0, np.int64),
        }
    )
    table.attrs[_RULES] = _rules(version)
    return table


class _Known:
    """What an earlier time found, as far as it is of the same pictures with the same features.

    Attributes:
        others, similarity: (N, K), filled where they are known.
        is_new: (N,), of pictures that were not there, or with other features.
        is_whole: (N,), of pictures whose nearest of before are all still there.
    """

    def __init__(self, pictures: pd.DataFrame, before: pd.DataFrame | None, version: int) -> None:
        ids, marks, count = short_ids(pictures["sha256"]), _marks(pictures), len(pictures)
        nearest = max(0, min(NEIGHBOURS, count - 1))
        self.others = np.zeros((count, nearest), np.int64)
        self.similarity = np.zeros((count, nearest), np.float32)
        table = before if before is not None and before.attrs.get(_RULES) == _rules(version) else _nothing()
        one, is_one = _places(ids, table["one"].to_numpy(np.uint64))
        other, is_other = _places(ids, table["other"].to_numpy(np.uint64))
        is_one &= marks[one] == table["features"].to_numpy(np.uint64) if count else False
        self.is_new = np.ones(count, bool)
        self.is_new[one[is_one]] = False
        is_here = is_one & is_other & ~self.is_new[other] if count else is_one
        left = np.bincount(one[is_here], minlength=count)
        # Of fewer than that, one may be gone, or there may have been no more: either is looked for anew.
        self.is_whole = (left == NEIGHBOURS) & (nearest == NEIGHBOURS)
        self._count = count
        self._keep(one[is_here], other[is_here], table[is_here])

    def _keep(self, one: Rows, other: Rows, table: pd.DataFrame) -> None:
        similarity = table["similarity"].to_numpy(np.float32)
        is_used = self.is_whole[one] if len(one) else np.zeros(0, bool)
        order = np.lexsort((-similarity[is_used], one[is_used]))
        shape = int(self.is_whole.sum()), self.others.shape[1]
        self.others[self.is_whole] = other[is_used][order].reshape(shape)
        self.similarity[self.is_whole] = similarity[is_used][order].reshape(shape)
        keys = _keys(np.sort(np.stack([one, other], axis=1), axis=1), self._count)
        self._looked_at, first = np.unique(keys, return_index=True)
        self._points = table["points"].to_numpy(np.int64)[first]

    def points_of(self, pairs: Pairs) -> Rows:
        """(P,), -1 where nobody looked yet."""
        if not len(self._looked_at) or not len(pairs):
            return np.full(len(pairs), -1, np.int64)
        keys = _keys(pairs, self._count)
        at = np.minimum(np.searchsorted(self._looked_at, keys), len(self._looked_at) - 1)
        return np.where(self._looked_at[at] == keys, self._points[at], -1)


def _compare(directions: NDArray[np.float32], known: _Known) -> None:
    """Find the nearest of pictures of which they are not known, and which of the new are nearer to the others."""
    count, wholes = known.others.shape[1], np.flatnonzero(known.is_whole)
    rows = np.flatnonzero(~known.is_whole) if count else np.empty(0, np.int64)
    farthest = known.similarity[wholes].min(axis=1, initial=np.inf)
    nearer: list[tuple[Rows, Rows, NDArray[np.float32]]] = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        similarity = directions[block] @ directions.T
        similarity[np.arange(len(block)), block] = -np.inf
        places = np.argpartition(similarity, -count, axis=1)[:, -count:]
        of_places = np.take_along_axis(similarity, places, axis=1)
        order = np.argsort(-of_places, axis=1, kind="stable")
        known.others[block] = np.take_along_axis(places, order, axis=1)
        known.similarity[block] = np.take_along_axis(of_places, order, axis=1)
        if len(wholes) and known.is_new[block].any():
            new = np.flatnonzero(known.is_new[block])
            at, of = np.nonzero((beside := similarity[np.ix_(new, wholes)]) > farthest)
            nearer.append((wholes[of], block[new[at]], beside[at, of]))
    if nearer:
        _join(known, *(np.concatenate(part) for part in zip(*nearer, strict=True)))


def _join(known: _Known, rows: Rows, others: Rows, similarity: NDArray[np.float32]) -> None:
    """Put new pictures among the nearest of those of before, in place of those that are farther."""
    changed, count = np.unique(rows), known.others.shape[1]
    rows = np.concatenate([np.repeat(changed, count), rows])
    others = np.concatenate([known.others[changed].ravel(), others])
    similarity = np.concatenate([known.similarity[changed].ravel(), similarity])
    order = np.lexsort((-similarity, rows))
    rows, others, similarity = rows[order], others[order], similarity[order]
    is_near = np.arange(len(rows)) - np.searchsorted(rows, rows) < count
    known.others[changed] = others[is_near].reshape(-1, count)
    known.similarity[changed] = similarity[is_near].reshape(-1, count)


def _directions(features: NDArray[np.float16]) -> NDArray[np.float32]:
    """(N, F) of length 1. Their root gives few strong features and many weak ones more equal voices."""
    roots = np.sqrt(features.astype(np.float32).clip(min=0))
    lengths = np.linalg.norm(roots, axis=1, keepdims=True)
    return np.asarray(roots / np.where(lengths > 0, lengths, 1), np.float32)


def _places(ids: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> tuple[Rows, NDArray[np.bool_]]:
    """Rows of ids, which ascend, and whether they are there at all."""
    if not len(ids):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return at, ids[at] == wanted


def _marks(pictures: pd.DataFrame) -> NDArray[np.uint64]:
    """(N,), what stands for the features of each."""
    digests = (blake2b(features, digest_size=8).digest() for features in pictures["features"])
    return np.frombuffer(b"".join(digests), np.uint64)


def _keys(pairs: Pairs, count: int) -> Rows:
    return np.asarray(pairs[:, 0] * count + pairs[:, 1], np.int64)


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=column.kind) for name, column in NEAREST_COLUMNS.items()})


def _rules(version: int) -> str:
    return content_version(version, NEIGHBOURS)
