"""Some rows of a Parquet file: read, taken out or changed, a group of rows after the other and none as objects.

Groups in which nothing changes are copied as they lie there.
"""

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.storage.atomic import open_atomically
from cic_assets.storage.parquet_footer import MAGIC, Footer, Group

if TYPE_CHECKING:
    import pandas as pd
    from pyarrow import Array, ChunkedArray, DataType, Schema, Table
    from pyarrow.parquet import ParquetFile, ParquetWriter

ROWS_TOGETHER = 4096
"""Rows of a group. Larger ones are read no quicker, and who takes some rows out of a table writes their groups anew."""

_BYTES_TOGETHER = 2**21
"""Bytes of a group in memory, of wide rows: of a million fingerprints a group of as many rows would be 10 MB."""

_GROUPS_AT_ONCE = 16
"""That are looked through together."""

_AT_ONCE = 2**24
"""Bytes in memory while groups are copied."""


def open_writer(
    file: IO[bytes], schema: "Schema", sample: "Table", compression: str, repeated: Collection[str] | None = None
) -> "ParquetWriter":
    """What writes tables into a Parquet file, without a dictionary of values that are hardly ever there twice.

    Args:
        file: to be written to.
        schema: of the tables.
        sample: some rows.
        compression: of pages; those of bytes, which are pictures and hashes, are smaller by none.
        repeated: columns that get a dictionary; as the sample shows unless given.
    """
    from pyarrow import parquet, types

    in_bytes = {name for name in schema.names if types.is_binary(schema.field(name).type)}
    if repeated is None:
        repeated = repeated_columns(sample)
    return parquet.ParquetWriter(
        file,
        schema,
        use_dictionary=[name for name in repeated if name not in in_bytes] or False,
        compression={name: "none" if name in in_bytes else compression for name in schema.names} or compression,
        write_statistics=[name for name in schema.names if name not in in_bytes] or False,
    )


def rows_together(sample: "Table") -> int:
    """Rows of a group in a file of such rows."""
    of_bytes = _BYTES_TOGETHER * len(sample) // max(1, sample.nbytes)
    return min(ROWS_TOGETHER, max(1, of_bytes)) if len(sample) else ROWS_TOGETHER


def repeated_columns(sample: "Table") -> list[str]:
    """Columns whose values are there twice on the average, as some rows show."""
    rows = sample.slice(0, ROWS_TOGETHER)
    return [name for name in rows.schema.names if _is_repeated(rows[name])]


def _is_repeated(column: "ChunkedArray") -> bool:
    """Whether values are there twice on the average; of what cannot be counted nobody knows."""
    from pyarrow import ArrowNotImplementedError, compute

    try:
        return bool(2 * compute.count_distinct(column).as_py() <= len(column))
    except ArrowNotImplementedError:
        return True


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
        if not file.metadata.num_rows or not any(map(len, among.values())):  # none has types, perhaps
            return pd.DataFrame(found[0].to_pandas())
        sought = {
            name: pa.array(list(values), _plain_type(schema.field(name).type))
            for name, values in among.items()
            if len(values)
        }
        places = [np.empty(0, np.int64)]
        groups = list(_groups(file))
        for some in (groups[at : at + _GROUPS_AT_ONCE] for at in range(0, len(groups), _GROUPS_AT_ONCE)):
            named = file.read_row_groups([group for group, _ in some], list(sought))
            hit = np.zeros(named.num_rows, bool)
            for name, values in sought.items():
                hit |= compute.is_in(_plain(named[name]), value_set=values).to_numpy()
            for group, start in some if hit.any() else ():
                of_group = hit[start - some[0][1] :][: file.metadata.row_group(group).num_rows]
                if of_group.any():
                    found.append(file.read_row_group(group, list(columns)).filter(pa.array(of_group)))
                    places.append(start + np.flatnonzero(of_group))
        rows = pd.DataFrame(pa.concat_tables(found).to_pandas())
        return rows.set_axis(pd.Index(np.concatenate(places)), axis=0)


def _plain(column: "ChunkedArray") -> "ChunkedArray":
    """A column whose values stand in it, and not in a list of categories beside it."""
    return column.cast(_plain_type(column.type))


def _plain_type(kind: "DataType") -> "DataType":
    from pyarrow import types

    return kind.value_type if types.is_dictionary(kind) else kind


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
        footer, schema, compression = Footer(opened), file.schema_arrow, _compression(file)
        edited = _Edited(target)
        for number, (group, start) in enumerate(_groups(file)):
            rows = slice(start, start + file.metadata.row_group(group).num_rows)
            changed = {name: of for name, new in values.items() if len(of := _of_rows(new, rows))}
            if keep[rows].all() and not changed:
                edited.copy(opened, footer.groups[number])
                continue
            table = file.read_row_group(group)
            for name, new in changed.items():
                at = schema.get_field_index(name)
                table = table.set_column(at, schema.field(name), _with(table[name], new, rows))
            edited.add(table.filter(pa.array(keep[rows])), compression)
            target.flush()  # so that it does not look like what nobody writes to any more
        if more is not None and len(more):
            edited.add(pa.Table.from_pandas(more, schema, preserve_index=False), compression)
        target.write(footer.written(edited.groups))


class _Edited:
    """A Parquet file that comes about from groups of another one and from rows."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        target.write(MAGIC)
        self._end = len(MAGIC)
        self.groups: list[Group] = []
        self._repeated: list[str] | None = None
        """Columns; of the first group that is written, for it takes as long as writing it."""

    def copy(self, source: IO[bytes], group: Group) -> None:
        """A group of a file as it lies there."""
        source.seek(group.start)
        for at in range(group.start, group.end, _AT_ONCE):
            self._target.write(source.read(min(_AT_ONCE, group.end - at)))
        self._append(group)

    def add(self, table: "Table", compression: str) -> None:
        """Some rows."""
        if not len(table):
            return
        buffer = io.BytesIO()
        if self._repeated is None:
            self._repeated = repeated_columns(table)
        with open_writer(buffer, table.schema, table, compression, self._repeated) as writer:
            writer.write_table(table, rows_together(table))
        for group in Footer(buffer).groups:
            self.copy(buffer, group)

    def _append(self, group: Group) -> None:
        moved = group.moved(self._end)
        self._end = moved.end
        self.groups.append(moved)


def _of_rows(values: "pd.Series[Any]", rows: slice) -> "pd.Series[Any]":
    """Those of some rows."""
    import pandas as pd

    at = values.index.to_numpy(np.int64)
    return pd.Series(values[(at >= rows.start) & (at < rows.stop)])


def _with(column: "ChunkedArray", changed: "pd.Series[Any]", rows: slice) -> "Array":
    """A column of some rows, with other values in some of them."""
    import pyarrow as pa
    from pyarrow import compute

    mask = np.zeros(rows.stop - rows.start, bool)
    mask[changed.index.to_numpy(np.int64) - rows.start] = True
    return compute.replace_with_mask(
        column.combine_chunks(), pa.array(mask), pa.array(changed.sort_index(), column.type)
    )


def _groups(file: "ParquetFile") -> Iterator[tuple[int, int]]:
    """Groups of rows by number, and where each begins."""
    start = 0
    for group in range(file.num_row_groups):
        yield group, start
        start += file.metadata.row_group(group).num_rows


def _compression(file: "ParquetFile") -> str:
    """That which its pages have, but for those of bytes."""
    if file.num_row_groups:
        first = file.metadata.row_group(0)
        for name in (first.column(at).compression for at in range(first.num_columns)):
            if name != "UNCOMPRESSED":
                return str(name).lower()
    return "snappy"
