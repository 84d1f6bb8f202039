"""Where some names are among others, and in which order: for millions of them at once, without an object each."""

from collections.abc import Sequence
from typing import Any, Union

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Names = Union["pd.Series[str]", "pd.Index[str]"]


def are_among(names: Names, among: Names) -> NDArray[np.bool_]:
    """(N,) whether each name is among others. As `isin`, which makes an object of each name that it looks for."""
    return places_of(names, among) >= 0


def places_of(names: Names, among: Names) -> NDArray[np.int64]:
    """(N,) of each name where it comes first among others, from 0; -1 where it does not."""
    import pyarrow as pa
    from pyarrow import compute

    here, there = (pa.array(one.astype("str"), pa.large_string()) for one in (names, among))
    found: Any = compute.index_in(here, value_set=there)
    return np.asarray(found.fill_null(-1), np.int64)


def in_order(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """A table in ascending order of some columns, with its index: as `sort_values`, which first ranks all names.

    A million names take a second by three columns, in place of five. Nothing may be missing in them.
    """
    import pyarrow as pa
    from pyarrow import compute

    keys = pa.table({name: pa.array(table[name]) for name in columns})
    order = compute.sort_indices(keys, [(name, "ascending") for name in columns])
    return table.take(np.asarray(order, np.int64))
