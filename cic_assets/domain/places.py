"""Where some names are among others, and in which order: for millions of them at once, without an object each."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Union

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Names = Union["pd.Series[str]", "pd.Index[str]"]


def are_among(names: Names, among: Names) -> NDArray[np.bool_]:
    """(N,) whether each name is among others: as `isin`, which first makes an object of each name."""
    from pyarrow import compute

    if _FEW * len(among) < len(names):
        return np.asarray(compute.is_in(_text(names), value_set=_text(among)))
    return places_of(names, among) >= 0


def places_of(names: Names, among: Names) -> NDArray[np.int64]:
    """(N,) of each name where it comes first among others, from 0; -1 where it does not."""
    from pyarrow import compute

    here, there = _text(names), _text(among)
    letters, others = _letters(here), _letters(there)
    if letters is not None and others is not None:
        if letters.shape[1] != others.shape[1]:
            return np.full(len(here), -1)
        found = _places_by_key(letters, others)
        if found is not None:
            return found
    if _FEW * len(here) < len(there):  # what is not asked for need not be remembered
        at = np.flatnonzero(compute.is_in(there, value_set=here))
        found = np.asarray(compute.index_in(here, value_set=there.take(at)).fill_null(-1), np.int64)
        return np.where(found < 0, found, at[found]) if len(at) else found
    return np.asarray(compute.index_in(here, value_set=there).fill_null(-1), np.int64)


def are_first(names: Names) -> NDArray[np.bool_]:
    """(N,) whether each name stands nowhere before: as `~duplicated()`, of SHA-256 in a fifth of the time."""
    letters = _letters(_text(names))
    first = np.ones(len(names), bool)
    # Equal names have equal keys, so that only those of which a key is there twice are compared.
    asked = slice(None) if letters is None else np.flatnonzero(pd.Index(_keys(letters)).duplicated(keep=False))
    first[asked] = ~names[asked].duplicated() if isinstance(names, pd.Index) else ~names.iloc[asked].duplicated()
    return first


_FEW = 8
"""So many times as many others are looked through first for those that are asked for."""
_KEY = 16
"""Letters that a key is made of."""
_ODD = np.uint64(0x9E3779B97F4A7C15)
_AT_ONCE = 8192
"""Names that are compared at once: so few stay in the processor's cache."""


def _text(names: Names) -> "pa.LargeStringArray":
    import pyarrow as pa

    found = pa.array(names.astype("str"), pa.large_string())
    if not isinstance(found, pa.ChunkedArray):
        return found
    # To combine the one chunk that there is as a rule would copy it.
    return found.chunk(0) if found.num_chunks == 1 else found.combine_chunks()


def _letters(text: "pa.LargeStringArray") -> NDArray[np.uint8] | None:
    """(N, K) names of K bytes each, as those of pictures are; None where they are of several sizes, or short."""
    _, offsets, data = text.buffers()
    if not len(text) or text.null_count or data is None:
        return None
    ends = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]
    size = int(ends[1] - ends[0])
    if size < _KEY or (np.diff(ends) != size).any():
        return None
    return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]].reshape(len(text), size)


def _keys(letters: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(N,) a number of each name, of its last letters: the same for equal names, and seldom for others."""
    halves = np.ascontiguousarray(letters[:, -_KEY:]).view(np.uint64)
    return halves[:, 0] * _ODD ^ halves[:, 1]


def _places_by_key(names: NDArray[np.uint8], among: NDArray[np.uint8]) -> NDArray[np.int64] | None:
    """As `places_of`; None where two names have one key, which is so rare that it need not be quick."""
    keys = pd.Index(_keys(among))
    first = None if keys.is_unique else np.flatnonzero(~keys.duplicated())
    found = (keys if first is None else keys[first]).get_indexer(pd.Index(_keys(names)))
    if first is not None:
        found = np.where(found < 0, found, first[found])
    for start in range(0, len(found), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        is_found = found[some] >= 0
        # Who comes first of one key comes first of its name, too, if it has that name.
        if not np.array_equal(among.take(found[some][is_found], axis=0), names[some][is_found]):
            return None
    return found.astype(np.int64, copy=False)


def in_order(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """A table in ascending order of some columns, with its index: as `sort_values`, which first ranks all names.

    A million names take a second by three columns, in place of five. Nothing may be missing in them.
    """
    import pyarrow as pa
    from pyarrow import compute

    keys = pa.table({name: pa.array(table[name]) for name in columns})
    order = compute.sort_indices(keys, [(name, "ascending") for name in columns])
    return table.take(np.asarray(order, np.int64))


def order_by(
    ranks: Sequence[NDArray[np.generic]], of_equal: Callable[[NDArray[np.int64]], NDArray[np.int64]]
) -> NDArray[np.int64]:
    """The order of rows by some numbers, of which the first count most.

    Args:
        ranks: (N,) of each row; not a number comes last.
        of_equal: given the rows that are as another one by all these numbers, ascending, the order of those by these
            and whatever else there is.
    """
    order = np.lexsort(ranks[::-1])
    is_next = np.zeros(max(0, len(order) - 1), bool)
    for rank in ranks:
        ordered = rank[order]
        is_next |= (ordered[1:] != ordered[:-1]) & ((ordered[1:] == ordered[1:]) | (ordered[:-1] == ordered[:-1]))
    if not len(order) or is_next.all():
        return order
    equal = np.flatnonzero(~(np.append(True, is_next) & np.append(is_next, True)))
    rows = np.sort(order[equal])
    order[equal] = rows[of_equal(rows)]
    return order
