"""Some rows of a Parquet file: read, taken out or changed, a group of rows after the other and none as objects."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.storage.atomic import open_atomically

if TYPE_CHECKING:
    import pandas as pd
    from pyarrow import Array, ChunkedArray
    from pyarrow.parquet import ParquetFile

ROWS_TOGETHER = 16384
"""Rows of a group, at which tables are read quickest; who looks for some rows decodes no other group whole."""


def rows_naming(path: UPath, columns: Sequence[str], among: Mapping[str, Collection[Any]]) -> "pd.DataFrame":
    """The rows in which one of some columns has one of some values.

    Args:
        path: of the file.
        columns: that are wanted.
        among: values by column.

    Returns:
        Their index is where they are in the file.
    """
    import pandas as pd
    import pyarrow as pa
    from pyarrow import compute, parquet

    with path.open("rb") as opened, parquet.ParquetFile(opened) as file:
        schema, found = file.schema_arrow, [file.schema_arrow.empty_table().select(list(columns))]
        if not file.metadata.num_rows:  # and perhaps no types
            return pd.DataFrame(found[0].to_pandas())
        sought = {name: pa.array(list(values), schema.field(name).type) for name, values in among.items()}
        places = [np.empty(0, np.int64)]
        for group, start in _groups(file):
            named = file.read_row_group(group, list(sought))
            hit = np.zeros(named.num_rows, bool)
            for name, values in sought.items():
                hit |= compute.is_in(named[name], value_set=values).to_numpy()
            if hit.any():
                found.append(file.read_row_group(group, list(columns)).filter(pa.array(hit)))
                places.append(start + np.flatnonzero(hit))
        rows = pd.DataFrame(pa.concat_tables(found).to_pandas())
        return rows.set_axis(pd.Index(np.concatenate(places)), axis=0)


def decode_rows(path: UPath, columns: Sequence[str] | None = None) -> None:
    """Decode all rows, or some columns of them, and keep none: who is damaged raises an error."""
    from pyarrow import parquet

    with path.open("rb") as opened, parquet.ParquetFile(opened) as file:
        for group, _ in _groups(file):
            file.read_row_group(group, None if columns is None else list(columns))


def edit_rows(
    path: UPath,
    keep: NDArray[np.bool_],
    values: "Mapping[str, pd.Series[Any]]" = {},  # noqa: B006 - nothing changes it
    more: "pd.DataFrame | None" = None,
) -> None:
    """Write a file anew, without some of its rows, with other values in some columns, or with rows at its end.

    A reader sees the file of before or the new one. What the file says of itself stays.

    Args:
        path: of the file.
        keep: which of its rows stay.
        values: others in place of those that it has, by column; their index says of which rows.
        more: rows to add, with all columns.
    """
    import pyarrow as pa
    from pyarrow import parquet

    with path.open("rb") as opened, parquet.ParquetFile(opened) as file, open_atomically(path) as target:
        schema = file.schema_arrow
        with parquet.ParquetWriter(target, schema, compression=_compression(file)) as writer:
            for group, start in _groups(file):
                table = file.read_row_group(group)
                rows = slice(start, start + table.num_rows)
                for name, changed in values.items():
                    at = schema.get_field_index(name)
                    table = table.set_column(at, schema.field(name), _with(table[name], changed, rows))
                writer.write_table(table if keep[rows].all() else table.filter(pa.array(keep[rows])), ROWS_TOGETHER)
                target.flush()  # so that it does not look like what nobody writes to any more
            if more is not None and len(more):
                writer.write_table(pa.Table.from_pandas(more, schema, preserve_index=False), ROWS_TOGETHER)


def _with(column: "ChunkedArray", changed: "pd.Series[Any]", rows: slice) -> "Array | ChunkedArray":
    """A column of some rows, with those of some values that are of these."""
    import pyarrow as pa
    from pyarrow import compute

    at = changed.index.to_numpy(np.int64)
    is_here = (at >= rows.start) & (at < rows.stop)
    if not is_here.any():
        return column
    mask = np.zeros(rows.stop - rows.start, bool)
    mask[at[is_here] - rows.start] = True
    new = changed[is_here].sort_index()
    return compute.replace_with_mask(column.combine_chunks(), pa.array(mask), pa.array(new, column.type))


def _groups(file: "ParquetFile") -> Iterator[tuple[int, int]]:
    """Groups of rows by number, and where each begins."""
    start = 0
    for group in range(file.num_row_groups):
        yield group, start
        start += file.metadata.row_group(group).num_rows


def _compression(file: "ParquetFile") -> str:
    """That which its pages have."""
    has_rows = file.num_row_groups > 0 and file.metadata.row_group(0).num_columns > 0
    return str(file.metadata.row_group(0).column(0).compression).lower() if has_rows else "snappy"
