"""Where everything lies under the data root, and how it is written: whole or not at all.

The one place for paths. The root may be any fsspec URL; on a local disk every write goes to a temporary name in the
same folder and is renamed, on an object store a write is atomic by itself. No knowledge of what the files mean.
"""

import ctypes
import fcntl
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fsspec.core import url_to_fs
from numpy.typing import DTypeLike
from upath import UPath

EXTENSIONS = {"jpeg": ".jpg", "png": ".png", "gif": ".gif", "webp": ".webp", "bmp": ".bmp", "tiff": ".tif"}
"""File name extension of each image format that the store keeps."""


def sha256_hex(data: bytes) -> str:
    """SHA-256 of some bytes, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def storable_text(text: str) -> str:
    """Text without lone surrogates, readable.

    JSON can hold them, and names of files that are not UTF-8 have them; UTF-8 and so Parquet cannot.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def is_local(path: UPath) -> bool:
    """Whether a path is on this machine's own file system."""
    return path.protocol in ("", "file", "local")


def write_atomically(path: UPath, data: bytes) -> None:
    """Write a file so that a reader, or a kill at any moment, sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not is_local(path):
        path.write_bytes(data)
        return
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=str(path.parent))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes it readable for its owner alone; others on the machine read data sets too.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(str(path))
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def create_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> "np.memmap[Any, Any]":
    """A new `.npy` file, mapped into memory, its room on the disk taken at once.

    Otherwise pages are written into holes, and on a full disk the process is killed by a signal, without a word.

    Raises:
        OSError: there is no room.
    """
    try:
        array: np.memmap[Any, Any] = np.lib.format.open_memmap(str(path), mode="w+", dtype=dtype, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None
    return array


def _create_whole(path: str, data: bytes) -> None:
    """Create a local file that has all of its bytes from the moment it has a name, and leave nothing if killed before.

    Linux writes a file without a name and then links it, at a tenth of the cost of a named one that is flushed and
    renamed. `ContentStore.flush` is what makes it survive a power cut.
    """
    folder = path.rpartition("/")[0]
    try:
        handle = os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o644)
    except FileNotFoundError:
        Path(folder).mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        # A directory handle, which the absolute source ignores, is what has Python follow the link to the file.
        os.link(f"/proc/self/fd/{handle}", path, src_dir_fd=handle, follow_symlinks=True)


def sync_file_system(folder: Path) -> None:
    """Wait until all that was written to the file system of a folder is on the disk for good.

    Other disks of the machine, which may be slow or gone, are not waited for where the system can tell them apart.

    Raises:
        OSError: the disk failed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        os.sync()
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if libc.syncfs(handle) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(handle)


class ContentStore:
    """Image bytes as they came, each under the SHA-256 of its content: `ab/abcdef….jpg`.

    The same picture from ten posts is kept once. Nothing is ever overwritten, so writing twice is harmless.
    """

    def __init__(self, root: UPath) -> None:
        self.root = root
        self._local_root = str(root) if is_local(root) else None

    def path(self, sha256: str, image_format: str) -> UPath:
        """Where a picture lies or would lie. `image_format` is a key of `EXTENSIONS`."""
        return self.root / sha256[:2] / f"{sha256}{EXTENSIONS[image_format]}"

    def put(self, data: bytes, image_format: str) -> str:
        """Keep some bytes, whole or not at all whatever happens to this process; returns their SHA-256.

        What a power cut must not take either is to be followed by `flush`.
        """
        sha256 = sha256_hex(data)
        if self._local_root is None:
            path = self.path(sha256, image_format)
            if not path.exists():
                write_atomically(path, data)
        else:
            self._put_local(f"{self._local_root}/{sha256[:2]}/{sha256}{EXTENSIONS[image_format]}", data)
        return sha256

    def flush(self) -> None:
        """Wait until all that was put is on the disk for good: before a table names it. Once, not for each file."""
        if self._local_root is not None and Path(self._local_root).is_dir():
            sync_file_system(Path(self._local_root))

    def _put_local(self, path: str, data: bytes) -> None:
        try:
            # A power cut before `flush` can leave an empty file.
            if os.stat(path).st_size == len(data):  # noqa: PTH116 - for thousands of files a second
                return
        except FileNotFoundError:
            with suppress(OSError, AttributeError):
                # A faster writer of the same bytes is as good: of a second, temporary file a kill would leave a part.
                with suppress(FileExistsError):
                    _create_whole(path, data)
                return
        # An empty leftover, or a system without nameless files.
        write_atomically(UPath(path), data)

    def get(self, sha256: str, image_format: str) -> bytes:
        """The bytes of a picture; FileNotFoundError names the missing file."""
        return bytes(self.path(sha256, image_format).read_bytes())

    def has(self, sha256: str, image_format: str) -> bool:
        """Whether a picture is kept."""
        if self._local_root is not None:
            # Asked of every picture of a set, in each run: a path object costs ten times the question.
            return os.path.exists(f"{self._local_root}/{sha256[:2]}/{sha256}{EXTENSIONS[image_format]}")  # noqa: PTH110
        return bool(self.path(sha256, image_format).exists())

    def names(self) -> set[str]:
        """The SHA-256 of every picture that is kept; one look for all, where `has` takes one for each."""
        return {path.stem for path in self.root.glob("??/*")} if self.root.exists() else set()

    def remove(self, sha256: str) -> None:
        """Forget a picture, in whatever format, and what a killed writer left of it; nothing if it is not there."""
        folder = self.root / sha256[:2]
        for path in [*folder.glob(f"{sha256}.*"), *folder.glob(f".{sha256}.*")]:
            path.unlink(missing_ok=True)


class DataRootError(ValueError):
    """Nothing can be kept under a URL; the message says why, and what is expected."""


_LOCAL_SCHEMES = frozenset({"file", "local"})


def _remote(url: str) -> UPath:
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
        """Checkpoints and features of trainings, a folder a model; nothing that could not be made again."""
        return self.path / "scratch"

    @property
    def dataset(self) -> UPath:
        """Arrays, manifest and description of the training data set."""
        return self.path / "dataset"

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

    def write_table(self, name: str, table: pd.DataFrame, partition: str | None = None) -> UPath:
        """Write a table whole; the index is not kept."""
        path = self.table_path(name, partition)
        write_atomically(path, table.to_parquet(index=False))
        return path

    def remove_table(self, name: str, partition: str | None = None) -> None:
        """Remove a table; nothing where there is none."""
        self.table_path(name, partition).unlink(missing_ok=True)

    def remove_leftovers(self, name: str, partition: str | None = None) -> None:
        """Remove the unfinished files of a writer of this table that was killed. For who alone writes it."""
        path = self.table_path(name, partition)
        if is_local(path):
            for leftover in Path(str(path.parent)).glob(f".{glob.escape(path.name)}.*.part"):
                leftover.unlink(missing_ok=True)

    def read_table(self, name: str, partition: str | None = None) -> pd.DataFrame:
        """Read a table.

        Raises:
            MissingTableError: it was not materialized yet; the message says what to do.
        """
        path = self.table_path(name, partition)
        if not path.exists():
            raise MissingTableError(name, partition, path)
        with path.open("rb") as file:
            return pd.read_parquet(file)

    def read_tables(self, name: str, partitions: Iterable[str]) -> pd.DataFrame:
        """The tables of several partitions as one; those without rows do not blur its types."""
        tables = [self.read_table(name, partition) for partition in partitions]
        return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)

    def read_table_or_none(self, name: str, partition: str | None = None) -> pd.DataFrame | None:
        """A table, or None where it was not materialized yet."""
        return self.read_table(name, partition) if self.has_table(name, partition) else None

    def has_table(self, name: str, partition: str | None = None) -> bool:
        """Whether a table was materialized."""
        return bool(self.table_path(name, partition).exists())


class MissingTableError(FileNotFoundError):
    """A table that a step needs was not materialized yet."""

    def __init__(self, name: str, partition: str | None, path: UPath) -> None:
        of = f" of {partition}" if partition else ""
        super().__init__(f"{name}{of} is missing ({path}): materialize {name}{of} first, or use `cic run`")


def write_json(path: UPath, value: Any) -> None:
    """Write JSON whole, keys in order, so that equal values are equal files."""
    write_atomically(path, (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode())


def read_json(path: UPath) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def content_version(*parts: Any) -> str:
    """A short hash that is the same exactly when the parts are: strings, numbers, lists, sets, dicts, tables.

    Tables count by their rows and columns, in order; 16 hexadecimal digits are enough for a data version.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, pd.DataFrame):
            digest.update(",".join(map(str, part.columns)).encode())
            digest.update(pd.util.hash_pandas_object(part, index=False).to_numpy().tobytes())
        else:
            digest.update(json.dumps(part, sort_keys=True, default=_in_order).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _in_order(part: object) -> object:
    """What JSON does not know: sets, whose order is another in each process, in order; anything else as text."""
    return sorted(map(str, part)) if isinstance(part, set | frozenset) else str(part)


@contextmanager
def local_directory(path: UPath) -> Iterator[Path]:
    """A local folder whose files are at `path` when the block ends without an error.

    On a local disk it is a sibling with a temporary name whose files are moved over one by one; otherwise a
    temporary folder that is uploaded. Siblings that killed processes left behind are removed first.
    """
    on_disk = is_local(path)
    path.mkdir(parents=True, exist_ok=True)
    if on_disk:
        _remove_abandoned(Path(str(path.parent)), f".{path.name}.")
    with (
        tempfile.TemporaryDirectory(dir=str(path.parent) if on_disk else None, prefix=f".{path.name}.") as name,
        _locked(Path(name)),
    ):
        folder = Path(name)
        yield folder
        for file in sorted(item for item in folder.rglob("*") if item.is_file()):
            target = path / file.relative_to(folder).as_posix()
            target.parent.mkdir(parents=True, exist_ok=True)
            if on_disk:
                file.replace(str(target))
            else:
                write_atomically(target, file.read_bytes())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """A lock on a folder for as long as the block lasts, or this process.

    Raises:
        BlockingIOError: another process has it.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _remove_abandoned(parent: Path, prefix: str) -> None:
    """Temporary folders that nobody holds a lock on: who made them was killed. They may have hundreds of megabytes."""
    for folder in parent.glob(f"{glob.escape(prefix)}*/"):
        with suppress(OSError), _locked(folder):
            shutil.rmtree(folder)
