"""Shards: many pictures in one tar, each with an index beside it, so that nothing costs a request a picture.

The tars are those of WebDataset: `KEY.jpg` after `KEY.jpg`, uncompressed, in the order of the keys. The index is
Parquet: where in the tar the bytes of each picture begin, how many there are, and their SHA-256. A shard is there when
its index is, which comes last and goes first; its name says what is in it, so that what is there is never written over.
"""

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.storage.atomic import is_local, open_atomically
from cic_assets.storage.object_store import get_range, is_object_store

Keys = NDArray[np.bytes_]
"""SHA-256 in bytes, 32 each."""

_TAR, _INDEX = ".tar", ".parquet"
_EXTENSION = ".jpg"
_DIGITS = 16
"""Of a hash of what is in a shard, in its name."""


INDEX_COLUMNS = ("key", "offset", "size", "sha256")
"""The SHA-256 of the picture that each was made from, where it is in the tar, and the SHA-256 of its own bytes."""


class Members(NamedTuple):
    """What is in a shard, in the order of the keys.

    Attributes:
        keys: (N,).
        offsets: (N,) of the first byte of each in the tar.
        sizes: (N,) in bytes.
    """

    keys: Keys
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]


def as_keys(sha256s: Iterable[str]) -> Keys:
    """Keys of SHA-256s in hexadecimal digits."""
    return np.frombuffer(bytes.fromhex("".join(sha256s)), "S32")


def as_names(keys: Keys) -> list[str]:
    """SHA-256s of keys, in hexadecimal digits."""
    digits = keys.tobytes().hex()
    return [digits[start : start + 64] for start in range(0, len(digits), 64)]


def room_of(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes that files of some sizes take in a tar, each with its header."""
    return tarfile.BLOCKSIZE * (1 + -(-sizes // tarfile.BLOCKSIZE))


def list_groups(folder: UPath) -> list[str]:
    """Names of the groups that there is anything of."""
    return sorted({name.partition("/")[0] for name in _listed(folder)})


def list_shards(folder: UPath) -> frozenset[str]:
    """Names of the shards in a folder and the folders in it: `GROUP/NAME`."""
    names = _listed(folder)
    tars = {name.removesuffix(_TAR) for name in names if name.endswith(_TAR)}
    return frozenset(tars & {name.removesuffix(_INDEX) for name in names if name.endswith(_INDEX)})


def _listed(folder: UPath) -> list[str]:
    if is_local(folder):
        return [path.relative_to(str(folder)).as_posix() for path in Path(str(folder)).glob("*/*")]
    if not folder.exists():
        return []
    base = str(folder.path).rstrip("/") + "/"
    return [str(name).lstrip("/").removeprefix(base.lstrip("/")) for name in folder.fs.find(folder.path)]


def read_members(folder: UPath, shard: str) -> Members:
    """The index of a shard.

    Raises:
        FileNotFoundError: it is gone.
    """
    from pyarrow import parquet

    table = parquet.read_table(
        io.BytesIO((folder / f"{shard}{_INDEX}").read_bytes()), columns=["key", "offset", "size"]
    )
    return Members(
        as_keys(table["key"].to_pylist()), table["offset"].to_numpy().copy(), table["size"].to_numpy().copy()
    )


def read_part(folder: UPath, shard: str, offset: int, size: int) -> bytes:
    """Some bytes of a shard's tar.

    Raises:
        FileNotFoundError: it is gone.
    """
    path = folder / f"{shard}{_TAR}"
    if is_object_store(path):
        return get_range(path, offset, size)
    if not is_local(path):
        return bytes(path.fs.cat_file(path.path, start=offset, end=offset + size))
    handle = os.open(str(path), os.O_RDONLY)
    try:
        return os.pread(handle, size, offset)
    finally:
        os.close(handle)


def write_shard(folder: UPath, prefix: str, pictures: Iterable[tuple[str, bytes]]) -> str:
    """Write a shard and then its index; each is there whole or not at all.

    Args:
        folder: of all shards.
        prefix: `GROUP/BITS` of its name.
        pictures: SHA-256 and bytes of each, in their order.

    Returns:
        Its name.
    """
    with tempfile.TemporaryFile(dir=_room_near(folder)) as file:
        rows = list(_written(file, pictures))
        digest = hashlib.sha256("".join(f"{key} {sha256}\n" for key, _, _, sha256 in rows).encode()).hexdigest()
        name = f"{prefix}-{digest[:_DIGITS]}"
        file.seek(0)
        with open_atomically(folder / f"{name}{_TAR}") as tar:
            shutil.copyfileobj(file, tar, 2**20)
    with open_atomically(folder / f"{name}{_INDEX}") as index:
        _write_index(index, rows)
    return name


def remove_shard(folder: UPath, shard: str) -> None:
    """Remove a shard, its index first; nothing where it is gone."""
    for extension in (_INDEX, _TAR):
        (folder / f"{shard}{extension}").unlink(missing_ok=True)


def remove_unfinished(folder: UPath, group: str) -> None:
    """Remove what killed writers left of shards of a group. For who alone writes there."""
    found = {path.name: path for path in (folder / group).glob("*")}
    for name, path in found.items():
        whole = {path.stem + _TAR, path.stem + _INDEX}
        if name not in whole or not whole <= found.keys():
            path.unlink(missing_ok=True)


def divide(keys: Keys, sizes: NDArray[np.int64], most_bytes: int) -> Iterator[tuple[str, slice]]:
    """Divide pictures by the first bits of their keys, so far that none has more than so many bytes in a tar.

    So one picture more, or one less, changes one part, or makes two of one, or one of two.

    Args:
        keys: (N,), ascending.
        sizes: (N,) of the pictures.
        most_bytes: of a tar.

    Returns:
        The bits that all keys of a part begin with, and where they are.
    """
    ends = np.concatenate([[0], np.cumsum(room_of(sizes))])
    heads = np.frombuffer(keys.tobytes(), ">u8")[:: keys.itemsize // 8].astype(np.uint64)
    yield from _divided(heads, ends, most_bytes, "", 0, len(keys))


def _divided(
    heads: NDArray[np.uint64], ends: NDArray[np.int64], most_bytes: int, bits: str, start: int, end: int
) -> Iterator[tuple[str, slice]]:
    if start == end:
        return
    if ends[end] - ends[start] <= most_bytes or end - start == 1:
        yield bits, slice(start, end)
        return
    middle = np.uint64(int((bits + "1").ljust(64, "0"), 2))
    between = start + int(np.searchsorted(heads[start:end], middle))
    yield from _divided(heads, ends, most_bytes, bits + "0", start, between)
    yield from _divided(heads, ends, most_bytes, bits + "1", between, end)


def _written(file: IO[bytes], pictures: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, int, int, str]]:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for key, data in pictures:
            # Without time and owner: equal pictures are equal files.
            entry = tarfile.TarInfo(f"{key}{_EXTENSION}")
            entry.size = len(data)
            offset = tar.offset + tarfile.BLOCKSIZE
            tar.addfile(entry, io.BytesIO(data))
            yield key, offset, len(data), hashlib.sha256(data).hexdigest()


def _write_index(file: IO[bytes], rows: list[tuple[str, int, int, str]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = zip(*rows, strict=True)
    parquet.write_table(pa.table(dict(zip(INDEX_COLUMNS, map(list, columns), strict=True))), file)


def _room_near(folder: UPath) -> str | None:
    """Where a tar is put together: on the disk that it goes to, for where temporary files lie there may be no room."""
    if not is_local(folder):
        return None
    Path(str(folder)).mkdir(parents=True, exist_ok=True)
    return str(folder)
