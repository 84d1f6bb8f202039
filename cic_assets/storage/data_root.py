"""Where everything lies under the data root: the one place for paths. The root may be in a bucket."""

import glob
import json
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.storage.atomic import is_local, open_atomically
from cic_assets.storage.content_store import ContentStore
from cic_assets.storage.lease import Lease
from cic_assets.storage.locks import FolderLock, Lock
from cic_assets.storage.object_store import SCHEME, is_object_store, path_of
from cic_assets.storage.sharded_store import ShardedStore
from cic_assets.storage.table_rows import decode_rows, edit_rows, open_writer, rows_naming, rows_together

if TYPE_CHECKING:
    import pandas as pd


class DataRootError(ValueError):
    """Nothing can be kept under a URL; the message says why, and what is expected."""


_DAMAGED = (OSError, ValueError, LookupError, TypeError, NotImplementedError)
"""What reading a Parquet file with wrong bytes in it raises; most are Arrow's own, which are these as well."""

_LOCAL_SCHEMES = frozenset({"file", "local"})

_NO_CLIENT = "install cic-assets with the extra s3 (pip install 'cic-assets[s3]')"

_MEMORY = "memory"
"""Of one process, for trying things out."""


def _remote(url: str, scheme: str) -> UPath:
    if scheme not in (SCHEME, _MEMORY):
        # Others can be reached, too, but nobody tried what they do when two write at once, or when they are gone.
        raise DataRootError(f"data root {url}: expected a folder, or s3://BUCKET/PATH, not {scheme}://")
    try:
        path = path_of(url)
    except ImportError:
        raise DataRootError(
            f"data root {url}: install cic-assets with the extra s3 (pip install 'cic-assets[s3]')"
        ) from None
    if scheme == SCHEME and not url.partition("://")[2].strip("/"):
        raise DataRootError(f"data root {url}: expected s3://BUCKET/PATH")
    return path


Compression = Literal["snappy", "zstd"]
"""Of the pages of a Parquet file: quick, or small where there is much text."""


def write_parquet(file: "IO[bytes]", parts: "Iterable[pd.DataFrame]", compression: Compression = "snappy") -> None:
    """Write a table that is never in memory whole, with the attributes of its first part.

    Args:
        file: to be written to.
        parts: at least one, all of the columns and types of the first; each is written before the next is made.
        compression: of its pages.
    """
    import pyarrow as pa

    left = iter(parts)
    first = next(left)
    attributes, table = first.attrs, pa.Table.from_pandas(first, preserve_index=False)
    del first
    schema = table.schema
    if attributes:  # as pandas itself keeps them
        schema = schema.with_metadata({**(schema.metadata or {}), "PANDAS_ATTRS": json.dumps(attributes)})
    with open_writer(file, schema, table, compression) as writer:
        together = rows_together(table)
        writer.write_table(table.cast(schema), together)
        for part in left:
            writer.write_table(pa.Table.from_pandas(part, schema=schema, preserve_index=False), together)
            file.flush()  # so that it does not look like what nobody writes to any more


def write_parquet_atomically(
    path: UPath, parts: "Iterable[pd.DataFrame]", compression: Compression = "snappy"
) -> UPath:
    """The same, so that a reader sees the table of before or this one; its bytes are never in memory beside it."""
    with open_atomically(path) as file:
        write_parquet(file, parts, compression)
    return path


def write_parquet_if_new(path: UPath, parts: "Iterable[pd.DataFrame]") -> None:
    """The same where the file would be another one; neither is ever in memory whole."""
    with tempfile.TemporaryFile() as new:
        write_parquet(new, parts)
        new.seek(0)
        if path.exists():
            with path.open("rb") as old:
                if all(one == other for one, other in zip_longest(_chunks(new), _chunks(old))):
                    return
            new.seek(0)
        with open_atomically(path) as file:
            shutil.copyfileobj(new, file, _CHUNK)


def _chunks(file: "IO[bytes]") -> Iterator[bytes]:
    """What is in a file, some at a time."""
    return iter(lambda: file.read(_CHUNK), b"")


_CHUNK = 2**20


class DataRoot:
    """The folder, or the part of a bucket, under which everything that is materialized lies."""

    def __init__(self, url: str) -> None:
        """Take a folder or a URL; a folder may be written as a URL too.

        Raises:
            DataRootError: it is of a kind that nothing can be kept under.
        """
        self.url = url
        scheme, is_url, rest = url.partition("://")
        if is_url and scheme not in _LOCAL_SCHEMES:
            self.path = _remote(url, scheme)
        else:
            # Absolute, so that a step in another process with another working folder means the same place. Plain, for
            # what takes paths and no URLs: OpenCV, Dagster's SQLite, Keras.
            self.path = UPath(Path(rest if is_url else url).expanduser().resolve())

    @property
    def is_local(self) -> bool:
        """Whether it is a folder on this machine's own file system."""
        return is_local(self.path)

    @property
    def lock(self) -> Lock:
        """Held by whoever writes what a take-down could have to remove, on whatever machine."""
        return FolderLock(Path(str(self.path))) if self.is_local else self.lock_of(self.path, "root")

    def lock_of(self, folder: UPath, name: str) -> Lock:
        """A lock on a folder of this root, which may not be there yet; on whatever machine.

        Args:
            folder: under the data root.
            name: of what is locked; one for each folder.
        """
        if self.is_local:
            return FolderLock(Path(str(folder)))
        local = self.local_state / "locks" / name
        if is_object_store(folder):
            return Lease(self.path / "leases" / f"{name}.json", folder, local)
        return FolderLock(local)

    @property
    def local_state(self) -> Path:
        """A folder of this machine for what a remote root needs a disk for."""
        name = "".join(letter if letter.isalnum() else "-" for letter in self.url)
        return Path.home() / ".local" / "state" / "cic" / name

    @property
    def images(self) -> ContentStore:
        """Pictures as they came."""
        return ContentStore(self.path / "images")

    def resized(self, side: int | str) -> ShardedStore:
        """Pictures of `side` pixels square, each under the SHA-256 of the picture it was made from."""
        return ShardedStore(self.path / "resized" / str(side), self.path / "shards" / str(side))

    @property
    def all_resized(self) -> list[ShardedStore]:
        """The resized copies of every side that there is."""
        folders = [folder for name in ("resized", "shards") for folder in (self.path / name).glob("*")]
        return [self.resized(side) for side in sorted({folder.name for folder in folders})]

    @property
    def scratch(self) -> UPath:
        """Checkpoints and features of trainings, journals of scrapes, what a check asked about last.

        Nothing that could not be made again.
        """
        return self.path / "scratch"

    @property
    def dataset(self) -> UPath:
        """Arrays, manifest and description of the training data set."""
        return self.path / "dataset"

    @property
    def sheets(self) -> UPath:
        """Contact sheets of assets and checks, to be looked at."""
        return self.path / "sheets"

    def sheet_path(self, name: str, partition: str | None = None) -> UPath:
        """Where a contact sheet lies: `sheets/NAME.jpg`, or `sheets/NAME/PARTITION.jpg`."""
        return self.sheets / f"{name}.jpg" if partition is None else self.sheets / name / f"{partition}.jpg"

    @property
    def report(self) -> UPath:
        """`report.html`, `report.json` and the figures."""
        return self.path / "report"

    @property
    def dagster_home(self) -> UPath:
        """The durable Dagster instance that our commands use."""
        return self.path / "dagster"

    @property
    def models(self) -> UPath:
        """One folder a model."""
        return self.path / "models"

    def model(self, name: str) -> UPath:
        """`model.keras`, `card.json` and predictions of one model."""
        return self.models / name

    def table_path(self, name: str, partition: str | None = None) -> UPath:
        """Where a table lies: `tables/NAME.parquet`, or `tables/NAME/PARTITION.parquet`."""
        tables = self.path / "tables"
        return tables / f"{name}.parquet" if partition is None else tables / name / f"{partition}.parquet"

    def table_names(self) -> list[str]:
        """Every table that there is, by name; those of partitions count once."""
        return sorted({path.stem for path in (self.path / "tables").glob("*") if not path.name.startswith(".")})

    def table_partitions(self, name: str) -> list[str]:
        """The partitions of a table that there are, also those that no problem names any more."""
        return sorted(path.stem for path in (self.path / "tables" / name).glob("*.parquet"))

    def write_table(
        self,
        name: str,
        table: "pd.DataFrame",
        partition: str | None = None,
        *,
        compression: Compression = "snappy",
    ) -> UPath:
        """Write a table whole; the index is not kept."""
        return write_parquet_atomically(self.table_path(name, partition), [table], compression)

    def write_table_in_parts(self, name: str, parts: "Iterable[pd.DataFrame]", partition: str | None = None) -> UPath:
        """Write a table whole that is never in memory whole; what was there stays until all parts are written.

        Args:
            name: of the table.
            parts: at least one, all of the columns and types of the first; each is written before the next is made.
            partition: which one of it.
        """
        return write_parquet_atomically(self.table_path(name, partition), parts)

    def remove_table(self, name: str, partition: str | None = None) -> None:
        """Remove a table; nothing where there is none."""
        self.table_path(name, partition).unlink(missing_ok=True)

    def remove_unfinished(self, name: str, partition: str | None = None) -> None:
        """Remove the unfinished files of a writer of this table that was killed. For who alone writes it."""
        path = self.table_path(name, partition)
        if is_local(path):
            for leftover in Path(str(path.parent)).glob(f".{glob.escape(path.name)}.*.part"):
                leftover.unlink(missing_ok=True)

    def read_table(
        self, name: str, partition: str | None = None, columns: Sequence[str] | None = None
    ) -> "pd.DataFrame":
        """Read a table, or some columns of it, which takes a tenth of the time.

        Raises:
            MissingTableError: it was not materialized yet; the message says what to do.
        """
        import pandas as pd

        path = self.table_path(name, partition)
        if not path.exists():
            raise MissingTableError(name, partition, path)
        with path.open("rb") as file:
            return pd.read_parquet(file, columns=None if columns is None else list(columns))

    def read_rows(
        self, name: str, partition: str | None, columns: Sequence[str], among: Mapping[str, Collection[Any]]
    ) -> "pd.DataFrame":
        """The rows of a table in which one of some columns has one of some values: see `rows_naming`."""
        return rows_naming(self.table_path(name, partition), columns, among)

    def edit_table(
        self,
        name: str,
        partition: str | None,
        keep: NDArray[np.bool_],
        values: "Mapping[str, pd.Series[Any]]" = {},  # noqa: B006 - nothing changes it
        more: "pd.DataFrame | None" = None,
    ) -> None:
        """Take rows out of a table, change or add some: see `edit_rows`."""
        edit_rows(self.table_path(name, partition), keep, values, more)

    def columns_of(self, name: str, partition: str | None = None) -> frozenset[str]:
        """Names of the columns of a table, without a look at its rows; none where there is no table."""
        from pyarrow import parquet

        path = self.table_path(name, partition)
        if not path.exists():
            return frozenset()
        with path.open("rb") as file:
            return frozenset(parquet.read_schema(file).names)

    def count_rows(self, name: str, partition: str | None = None) -> int:
        """Rows of a table, without a look at them; 0 where there is none."""
        from pyarrow import parquet

        path = self.table_path(name, partition)
        if not path.exists():
            return 0
        with path.open("rb") as file:
            return int(parquet.read_metadata(file).num_rows)

    def read_tables(self, name: str, partitions: Iterable[str], columns: Sequence[str] | None = None) -> "pd.DataFrame":
        """The tables of several partitions, or some columns of them, as one; those without rows blur no types."""
        import pandas as pd

        tables = [self.read_table(name, partition, columns) for partition in partitions]
        return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)

    def read_table_or_none(
        self, name: str, partition: str | None = None, columns: Sequence[str] | None = None
    ) -> "pd.DataFrame | None":
        """A table, or some columns of it, or None where it was not materialized yet."""
        return self.read_table(name, partition, columns) if self.has_table(name, partition) else None

    def read_table_if_whole(
        self,
        name: str,
        partition: str | None = None,
        on_damage: Callable[[str], None] = lambda _line: None,
        columns: Sequence[str] | None = None,
    ) -> "pd.DataFrame | None":
        """A table that is made again where it has to be: None where there is none, or it is damaged.

        Args:
            name: of the table.
            partition: which one of it.
            on_damage: called with a line where there is one that cannot be read.
            columns: that are wanted; all unless told.
        """
        try:
            return self.read_table_or_none(name, partition, columns)
        except FileNotFoundError:  # somebody removed it between two looks
            return None
        except _DAMAGED as error:
            on_damage(f"{self.table_path(name, partition)} is damaged, and made again: {error}")
            return None

    def is_whole(self, name: str, partition: str | None = None, columns: Sequence[str] | None = None) -> bool:
        """Whether a table is there and can be read, or some columns of it can: none of it is kept in memory."""
        try:
            decode_rows(self.table_path(name, partition), columns)
        except _DAMAGED:
            return False
        return True

    def has_table(self, name: str, partition: str | None = None) -> bool:
        """Whether a table was materialized."""
        return bool(self.table_path(name, partition).exists())


class MissingTableError(FileNotFoundError):
    """A table that a step needs was not materialized yet."""

    def __init__(self, name: str, partition: str | None, path: UPath) -> None:
        of = f" of {partition}" if partition else ""
        super().__init__(f"{name}{of} is missing ({path}): materialize {name}{of} first, or use `cic run`")
