"""Where everything lies under the data root: the one place for paths. The root may be any fsspec URL."""

import glob
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from upath import UPath

from cic_assets.storage.atomic import is_local, open_atomically, write_atomically
from cic_assets.storage.content_store import ContentStore
from cic_assets.storage.locks import FolderLock, Lock

if TYPE_CHECKING:
    import pandas as pd


class DataRootError(ValueError):
    """Nothing can be kept under a URL; the message says why, and what is expected."""


_DAMAGED = (OSError, ValueError, LookupError, TypeError, NotImplementedError)
"""What reading a Parquet file with wrong bytes in it raises; most are Arrow's own, which are these as well."""

_LOCAL_SCHEMES = frozenset({"file", "local"})


def _remote(url: str) -> UPath:
    from fsspec.core import url_to_fs

    try:
        # Most protocols need a package of their own: better missed now than at the first write.
        url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise DataRootError(f"data root {url}: {error}: expected a folder, or a URL that fsspec knows") from None
    return UPath(url)


class DataRoot:
    """The folder (or fsspec URL) under which everything that is materialized lies."""

    def __init__(self, url: str) -> None:
        """Take a folder or a URL; a folder may be written as a URL too.

        Raises:
            DataRootError: nothing here knows such URLs.
        """
        self.url = url
        scheme, is_url, rest = url.partition("://")
        if is_url and scheme not in _LOCAL_SCHEMES:
            self.path = _remote(url)
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
        """Held by whoever writes what a take-down could have to remove. Of a remote root, by those of this machine."""
        return FolderLock(Path(str(self.path)) if self.is_local else self.local_state)

    @property
    def local_state(self) -> Path:
        """A folder of this machine for what a remote root needs a disk for."""
        name = "".join(letter if letter.isalnum() else "-" for letter in self.url)
        return Path.home() / ".local" / "state" / "cic" / name

    @property
    def images(self) -> ContentStore:
        """Pictures as they came."""
        return ContentStore(self.path / "images")

    def resized(self, side: int) -> ContentStore:
        """Pictures of `side` pixels square, each under the SHA-256 of the picture it was made from."""
        return ContentStore(self.path / "resized" / str(side))

    @property
    def all_resized(self) -> list[ContentStore]:
        """The resized copies of every side that there is."""
        return [ContentStore(folder) for folder in sorted((self.path / "resized").glob("*"))]

    @property
    def scratch(self) -> UPath:
        """Checkpoints and features of trainings, journals of scrapes; nothing that could not be made again."""
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

    def write_table(self, name: str, table: "pd.DataFrame", partition: str | None = None) -> UPath:
        """Write a table whole; the index is not kept."""
        path = self.table_path(name, partition)
        write_atomically(path, table.to_parquet(index=False))
        return path

    def write_table_in_parts(self, name: str, parts: "Iterable[pd.DataFrame]", partition: str | None = None) -> UPath:
        """Write a table whole that is never in memory whole; what was there stays until all parts are written.

        Args:
            name: of the table.
            parts: at least one, all of the columns and types of the first; each is written before the next is made.
            partition: which one of it.
        """
        import pyarrow as pa
        from pyarrow import parquet

        path, tables = (
            self.table_path(name, partition),
            (pa.Table.from_pandas(part, preserve_index=False) for part in parts),
        )
        with open_atomically(path) as file:
            first = next(tables)
            with parquet.ParquetWriter(file, first.schema) as writer:
                for table in chain([first], tables):
                    writer.write_table(table)
                    file.flush()  # so that it does not look like what nobody writes to any more
        return path

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

    def read_tables(self, name: str, partitions: Iterable[str]) -> "pd.DataFrame":
        """The tables of several partitions as one; those without rows do not blur its types."""
        import pandas as pd

        tables = [self.read_table(name, partition) for partition in partitions]
        return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)

    def read_table_or_none(self, name: str, partition: str | None = None) -> "pd.DataFrame | None":
        """A table, or None where it was not materialized yet."""
        return self.read_table(name, partition) if self.has_table(name, partition) else None

    def read_table_if_whole(
        self, name: str, partition: str | None = None, on_damage: Callable[[str], None] = lambda _line: None
    ) -> "pd.DataFrame | None":
        """A table that is made again where it has to be: None where there is none, or it is damaged.

        Args:
            name: of the table.
            partition: which one of it.
            on_damage: called with a line where there is one that cannot be read.
        """
        try:
            return self.read_table_or_none(name, partition)
        except FileNotFoundError:  # somebody removed it between two looks
            return None
        except _DAMAGED as error:
            on_damage(f"{self.table_path(name, partition)} is damaged, and made again: {error}")
            return None

    def has_table(self, name: str, partition: str | None = None) -> bool:
        """Whether a table was materialized."""
        return bool(self.table_path(name, partition).exists())


class MissingTableError(FileNotFoundError):
    """A table that a step needs was not materialized yet."""

    def __init__(self, name: str, partition: str | None, path: UPath) -> None:
        of = f" of {partition}" if partition else ""
        super().__init__(f"{name}{of} is missing ({path}): materialize {name}{of} first, or use `cic run`")
