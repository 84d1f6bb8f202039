"""What the search knows of the look of many pictures: in arrays, 1.4 kB a picture, where a table of objects takes 5."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.descriptors import COLOUR_SIDE, SIDE, Grey
from cic_assets.domain.duplicates.windows import Box

Positions = NDArray[np.int64]

_EDGES = ["content_left", "content_top", "content_right", "content_bottom"]
_PLAIN = ["phash", "phash_mirrored"]
_LONG = ["phash256", "phash256_mirrored"]
LOOK_COLUMNS = [*_PLAIN, *_LONG, "thumbnail", "content_thumbnail", "colours"]
"""Columns of `Fingerprint` and `Descriptors` that are in `Looks`, and no more in a table."""


class Looks:
    """The looks of some pictures, by position."""

    def __init__(self, arrays: Sequence[NDArray[Any]], rows: Positions | None = None) -> None:
        """Of arrays that `gather` made: use that, or `of`.

        Args:
            arrays: see `_arrays_of`.
            rows: where in the arrays each picture is; as they come unless told.
        """
        self._arrays = arrays
        self._plain, self._long, self._whole, self._content_row, self._content, self._edges, self._colours = arrays
        self._rows = np.arange(len(self._plain)) if rows is None else rows

    @classmethod
    def of(cls, pictures: pd.DataFrame) -> "Looks":
        """Of a table with the columns of `Fingerprint` and `Descriptors`, one row a picture."""
        return cls(_arrays_of(pictures))

    def __len__(self) -> int:
        """How many pictures."""
        return len(self._rows)

    def at(self, rows: Positions) -> "Looks":
        """The same of some of the pictures, in another order; the arrays are shared."""
        return Looks(self._arrays, self._rows[rows])

    def copied(self, rows: Positions) -> "Looks":
        """The same, but in arrays of their own, which are small where the pictures are few: to be sent elsewhere."""
        at = self._rows[rows]
        content = self._content_row[at]
        is_other = content >= 0
        renumbered = np.where(is_other, np.cumsum(is_other, dtype=np.int32) - 1, np.int32(-1))
        own = [array[at] for array in (self._plain, self._long, self._whole, self._edges, self._colours)]
        plain, long, whole, edges, colours = own
        return Looks([plain, long, whole, renumbered, self._content[content[is_other]], edges, colours])

    def plain(self, at: Positions) -> NDArray[np.uint64]:
        """(k, 2): pHash of the picture as it is, and mirrored."""
        return np.asarray(self._plain[self._rows[at]])

    def long(self, at: Positions) -> NDArray[np.uint64]:
        """(k, 2, 4): the same of 256 bits, in words."""
        return np.asarray(self._long[self._rows[at]])

    def colours(self, at: Positions) -> NDArray[np.float32]:
        """(k, rows, columns, 2): colour grids around 0."""
        return np.asarray(self._colours[self._rows[at]].astype(np.float32) - 128)

    def thumbnails(self, at: Positions, *, content: NDArray[np.bool_] | bool = False) -> Grey:
        """(k, SIDE, SIDE): of the whole of pictures, or of their content.

        Args:
            at: of which pictures.
            content: of which of them the content.
        """
        rows = self._rows[at]
        found = self._whole[rows]
        of_content = np.flatnonzero((self._content_row[rows] >= 0) & content)
        found[of_content] = self._content[self._content_row[rows[of_content]]]
        return np.asarray(found)

    def bordered_of(self, at: Positions) -> Positions:
        """Those of some pictures that have a border, so that their content is another picture than the whole."""
        return at[self._content_row[self._rows[at]] >= 0]

    def content_box(self, picture: int) -> Box:
        """What of a picture is no border."""
        return Box(*self._edges[self._rows[picture]].tolist())


def gather(tables: Iterable[pd.DataFrame]) -> tuple[pd.DataFrame, Looks]:
    """One table of some, without the columns that are of the look of a picture, and these in the order of its rows.

    Args:
        tables: with the columns of `Fingerprint` and `Descriptors`; each is let go before the next is taken, so that
            there is never more of them than one in memory.
    """
    light: list[pd.DataFrame] = []
    arrays = [_Growing(array) for array in _arrays_of(pd.DataFrame(columns=[*LOOK_COLUMNS, *_EDGES]))]
    for table in tables:
        if len(table):
            found = _arrays_of(table)
            found[3][found[3] >= 0] += len(arrays[4])
            for array, part in zip(arrays, found, strict=True):
                array.add(part)
            del found
        if len(table) or not light:  # a source without pictures has no columns of their looks
            light.append(table.drop(columns=LOOK_COLUMNS, errors="ignore"))
        del table
    with_rows = [table for table in light if len(table)] or light[:1]
    return pd.concat(with_rows, ignore_index=True), Looks([array.whole() for array in arrays])


class _Growing:
    """An array that parts are added to.

    It takes room for twice as much when it is full. What was never written there is no memory yet, so there is never
    more of it than there is in the end; many parts that are joined at last are there twice, and leave holes.
    """

    def __init__(self, empty: NDArray[Any]) -> None:
        self._room, self._count = empty, 0

    def __len__(self) -> int:
        return self._count

    def add(self, part: NDArray[Any]) -> None:
        end = self._count + len(part)
        if end > len(self._room):
            room = np.empty((max(end, 2 * len(self._room)), *part.shape[1:]), part.dtype)
            room[: self._count] = self._room[: self._count]
            self._room = room
        self._room[self._count : end] = part
        self._count = end

    def whole(self) -> NDArray[Any]:
        return self._room[: self._count]


def _arrays_of(table: pd.DataFrame) -> list[NDArray[Any]]:
    """Hashes (plain, long), thumbnails (whole; row of the content's, or -1; content), edges of the content, colours."""
    whole, content = _stacked(table["thumbnail"]), _stacked(table["content_thumbnail"])
    is_other = (whole != content).any(axis=(1, 2))
    rows = np.full(len(table), -1, np.int32)
    rows[is_other] = np.arange(np.count_nonzero(is_other))
    colours = np.frombuffer(b"".join(table["colours"]), np.uint8).reshape(-1, COLOUR_SIDE, COLOUR_SIDE, 2)
    long = np.stack([_words(table[name]) for name in _LONG], axis=1)
    edges = table[_EDGES].to_numpy(np.float64)
    return [table[_PLAIN].to_numpy(np.uint64), long, whole, rows, content[is_other], edges, colours]


def _stacked(thumbnails: pd.Series) -> Grey:
    return np.frombuffer(b"".join(thumbnails), np.uint8).reshape(-1, SIDE, SIDE)


def _words(hashes: pd.Series) -> NDArray[np.uint64]:
    """256-bit hashes as (n, 4) words."""
    return np.frombuffer(b"".join(hashes), ">u8").reshape(-1, 4).astype(np.uint64)
