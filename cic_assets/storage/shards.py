"""Shards: many pictures in one tar, each with an index beside it, so that nothing costs a request a picture.

The tars are those of WebDataset: `KEY.jpg` after `KEY.jpg`, uncompressed, in the order of the keys. The index is
Parquet: where in the tar the bytes of each picture begin, how many there are, and their SHA-256. A shard is there when
its index is, which comes last and goes first; its name says what is in it and where, so that what an index names is
never written over.

What is taken down is overwritten where it lies, on a local disk: of a hundred pictures of a million, some megabytes are
written and not all shards anew. In its place is a member `__erased__` of zeros, a name that WebDataset skips.
"""

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.storage.atomic import is_local, open_atomically, write_atomically
from cic_assets.storage.object_store import get_range, is_object_store

if TYPE_CHECKING:
    import pyarrow as pa

Keys = NDArray[np.bytes_]
"""SHA-256 in bytes, 32 each."""

_TAR, _INDEX = ".tar", ".parquet"
_ERASING = ".erasing"
"""Beside a shard as long as pictures that are not in its index may be in its tar; says which shard had these."""

_EXTENSION = ".jpg"
_ERASED = "__erased__"
"""Names what is in the place of pictures that are gone. Of others than WebDataset it is an ordinary file."""

_WASTE = 16
"""A shard is written anew once a sixteenth of its tar are places of pictures that are gone."""

_AT_ONCE = 2**24
"""Bytes in memory while shards are copied."""

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
    return _members(_read_index(folder, shard, ["key", "offset", "size"]))


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
        found = os.pread(handle, size, offset)
    finally:
        os.close(handle)
    # What goes from a tar is overwritten once it has lost its name: where that is there still, all of it was read.
    os.stat(str(path))  # noqa: PTH116 - for thousands of pictures a second
    return found


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
        index = _index_of(list(_written(file, pictures)))
        name = _name_of(prefix, index)
        file.seek(0)
        with open_atomically(folder / f"{name}{_TAR}") as tar:
            shutil.copyfileobj(file, tar, 2**20)
    _write_index(folder, name, index)
    return name


def take_out(folder: UPath, shard: str, gone: Keys) -> str | None:
    """Take pictures out of a shard, of whose bytes none are left in it; nobody else may write shards meanwhile.

    Whoever reads meanwhile finds a shard with all others, the old one or the new, or that the old one is gone. After a
    kill, `remove_unfinished` and this once more.

    Args:
        folder: of all shards.
        shard: its name.
        gone: of pictures that go, as far as they are in it.

    Returns:
        The name that it has without them; None where nothing is left.

    Raises:
        FileNotFoundError: it is gone.
    """
    before = _read_index(folder, shard)
    index = before.filter(~np.isin(_members(before).keys, gone))
    if len(index) == len(before):
        return shard
    if not len(index):
        remove_shard(folder, shard)
        return None
    left, prefix = _members(index), shard.rpartition("-")[0]
    if is_local(folder) and _is_worth_keeping(folder, shard, left):
        name = _name_of(prefix, index)
        if _name_once_more(folder, shard, name):
            _write_index(folder, name, index)
            _erase(folder, name, shard, left)
            return name
    # One after another, as they would have been written without the others.
    starts = np.cumsum(room_of(left.sizes)) - room_of(left.sizes)
    index = index.set_column(1, INDEX_COLUMNS[1], [starts + tarfile.BLOCKSIZE])
    name = _name_of(prefix, index)
    with open_atomically(folder / f"{name}{_TAR}") as tar:
        _copy_members(folder, shard, left, tar)
    _write_index(folder, name, index)
    remove_shard(folder, shard)
    return name


def _is_worth_keeping(folder: UPath, shard: str, left: Members) -> bool:
    return _WASTE * int(room_of(left.sizes).sum()) >= (_WASTE - 1) * _size(folder, shard)


def _size(folder: UPath, shard: str) -> int:
    return Path(f"{folder}/{shard}{_TAR}").stat().st_size


def _name_once_more(folder: UPath, shard: str, name: str) -> bool:
    """Give the tar of a shard another name beside its own; False where the disk knows no such thing."""
    old, new = (Path(f"{folder}/{one}{_TAR}") for one in (shard, name))
    write_atomically(folder / f"{name}{_ERASING}", shard.encode())
    new.unlink(missing_ok=True)  # of who was killed here
    try:
        new.hardlink_to(old)
    except OSError:
        Path(f"{folder}/{name}{_ERASING}").unlink()
        return False
    return True


def _erase(folder: UPath, shard: str, old: str, left: Members) -> None:
    """Overwrite what is in the tar of a shard and not in its index, and was in that of an older one.

    The older one goes first: nobody who still reads by its index takes zeros for a picture.
    """
    remove_shard(folder, old)
    starts, ends = left.offsets - tarfile.BLOCKSIZE, left.offsets - tarfile.BLOCKSIZE + room_of(left.sizes)
    with Path(f"{folder}/{shard}{_TAR}").open("r+b") as tar:
        for start, end in zip(np.concatenate([[0], ends[:-1]]).tolist(), starts.tolist(), strict=True):
            if start < end:
                tar.seek(start)
                size = end - start - tarfile.BLOCKSIZE
                tar.write(_header(_ERASED, size))
                _write_zeros(tar, size)
        tar.seek(int(ends[-1]))  # what is behind the last one is the end of the tar
        _write_zeros(tar, _size(folder, shard) - int(ends[-1]))
        tar.flush()
        os.fsync(tar.fileno())
    Path(f"{folder}/{shard}{_ERASING}").unlink()


def _write_zeros(file: IO[bytes], count: int) -> None:
    for start in range(0, count, _AT_ONCE):
        file.write(bytes(min(_AT_ONCE, count - start)))


def _copy_members(folder: UPath, shard: str, members: Members, tar: IO[bytes]) -> None:
    """Some members of a shard's tar with their headers, neighbours together, and the end of a tar."""
    starts, rooms = members.offsets - tarfile.BLOCKSIZE, room_of(members.sizes)
    first = np.flatnonzero(np.concatenate([[True], starts[1:] != (starts + rooms)[:-1]]))
    ends = (starts + rooms)[np.concatenate([first[1:] - 1, [len(starts) - 1]])]
    for start, end in zip(starts[first].tolist(), ends.tolist(), strict=True):
        for at in range(start, end, _AT_ONCE):
            tar.write(read_part(folder, shard, at, min(_AT_ONCE, end - at)))
    _write_end(tar, int(rooms.sum()))


def remove_shard(folder: UPath, shard: str) -> None:
    """Remove a shard, its index first; nothing where it is gone."""
    for extension in (_INDEX, _TAR):
        (folder / f"{shard}{extension}").unlink(missing_ok=True)


def remove_unfinished(folder: UPath, group: str) -> None:
    """Remove what killed writers left of shards of a group, and what they were to erase. For who alone writes there."""
    found = {path.name: path for path in (folder / group).glob("*")}
    for name, path in found.items():
        if name.endswith(_ERASING):
            shard = path.stem
            if {shard + _TAR, shard + _INDEX} <= found.keys():
                _erase(folder, f"{group}/{shard}", path.read_text(), read_members(folder, f"{group}/{shard}"))
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
    end = 0
    for key, data in pictures:
        file.write(_header(f"{key}{_EXTENSION}", len(data)))
        file.write(data)
        file.write(bytes(-len(data) % tarfile.BLOCKSIZE))
        yield key, end + tarfile.BLOCKSIZE, len(data), hashlib.sha256(data).hexdigest()
        end += tarfile.BLOCKSIZE - (-len(data) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    _write_end(file, end)


def _write_end(file: IO[bytes], end: int) -> None:
    """What is behind the last member of a tar of so many bytes."""
    file.write(bytes(2 * tarfile.BLOCKSIZE + -(end + 2 * tarfile.BLOCKSIZE) % tarfile.RECORDSIZE))


# Without time and owner: equal pictures are equal files.
_EMPTY = tarfile.TarInfo("").tobuf(tarfile.USTAR_FORMAT)
_NAME, _SIZE, _CHECKSUM = slice(0, 100), slice(124, 136), slice(148, 156)
_SUM = sum(_EMPTY) - sum(_EMPTY[_SIZE]) - sum(_EMPTY[_CHECKSUM]) + 8 * ord(" ")


def _header(name: str, size: int) -> bytes:
    """Of a file in a tar: as `tarfile` writes it, in a thirtieth of the time."""
    in_octal, encoded = b"%011o\0" % size, name.encode()
    checksum = b"%06o\0 " % (_SUM + sum(encoded) + sum(in_octal))
    return b"".join(
        (
            encoded.ljust(_NAME.stop, b"\0"), _EMPTY[_NAME.stop : _SIZE.start], in_octal,
            _EMPTY[_SIZE.stop : _CHECKSUM.start], checksum, _EMPTY[_CHECKSUM.stop :],
        )
    )  # fmt: skip


def _index_of(rows: Sequence[tuple[str, int, int, str]]) -> "pa.Table":
    import pyarrow as pa

    return pa.table(dict(zip(INDEX_COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))


def _name_of(prefix: str, index: "pa.Table") -> str:
    """By what is in a shard, and where in its tar."""
    digest = hashlib.sha256()
    for name in ("key", "sha256"):
        digest.update(_joined(index[name]))
    for name in ("offset", "size"):
        digest.update(index[name].to_numpy().astype("<i8").tobytes())
    return f"{prefix}-{digest.hexdigest()[:_DIGITS]}"


def _read_index(folder: UPath, shard: str, columns: Sequence[str] | None = None) -> "pa.Table":
    from pyarrow import parquet

    return parquet.read_table(io.BytesIO((folder / f"{shard}{_INDEX}").read_bytes()), columns=columns)


def _write_index(folder: UPath, shard: str, index: "pa.Table") -> None:
    from pyarrow import parquet

    with open_atomically(folder / f"{shard}{_INDEX}") as file:
        parquet.write_table(index, file)


def _members(index: "pa.Table") -> Members:
    keys = np.frombuffer(bytes.fromhex(_joined(index["key"]).decode()), "S32")
    return Members(keys, index["offset"].to_numpy().copy(), index["size"].to_numpy().copy())


def _joined(column: "pa.ChunkedArray") -> bytes:
    """The texts of a column, one after another, as they lie there: of a million none becomes an object."""
    parts = []
    for chunk in column.chunks:
        _, ends, texts = chunk.buffers()
        start, end = np.frombuffer(ends, np.int32)[[chunk.offset, chunk.offset + len(chunk)]].tolist()
        parts.append(texts.slice(start, end - start))
    return b"".join(parts)


def _room_near(folder: UPath) -> str | None:
    """Where a tar is put together: on the disk that it goes to, for where temporary files lie there may be no room."""
    if not is_local(folder):
        return None
    Path(str(folder)).mkdir(parents=True, exist_ok=True)
    return str(folder)
