"""Writing so that a reader, or a kill at any moment, sees the old content or the new, never a part.

On a local disk every write goes to a temporary name in the same folder and is renamed; on an object store a write is
atomic by itself.
"""

import ctypes
import errno
import fcntl
import glob
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike
from upath import UPath

from cic_assets.storage.lease import check_held
from cic_assets.storage.object_store import get_tagged, is_object_store, put, put_new

_TEMPORARY = re.compile(r"[a-z0-9_]{8}")
"""What `tempfile` puts behind a prefix."""


def is_local(path: UPath) -> bool:
    """Whether a path is on this machine's own file system."""
    return path.protocol in ("", "file", "local")


def write_atomically(path: UPath, data: bytes) -> None:
    """Write a file so that a reader, or a kill at any moment, sees the old content or the new, never a part."""
    if is_local(path):
        with open_atomically(path) as file:
            file.write(data)
    elif is_object_store(path):
        check_held(path)
        put(path, data)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@contextmanager
def open_atomically(path: UPath) -> Iterator[BinaryIO]:
    """A file to write into, which is at `path` when the block ends without an error; what was there stays otherwise."""
    if not is_local(path):
        # What is written to an object store is there when it is closed, also by an error: it is put there at the end.
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            if is_object_store(path):
                check_held(path)
                put(path, file)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as target:
                    shutil.copyfileobj(file, target)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=str(path.parent))
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes it readable for its owner alone; others on the machine read data sets too.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(str(path))
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: UPath, value: Any) -> None:
    """Write JSON whole, keys in order, so that equal values are equal files."""
    write_atomically(path, _as_json(value))


def create_json(path: UPath, value: Any) -> bool:
    """Write JSON where there is no file yet, of several writers one. Whether it was this one."""
    if is_object_store(path):
        return get_tagged(path) is None and put_new(path, _as_json(value)) is not None
    if path.exists():
        return False
    if not is_local(path):
        write_atomically(path, _as_json(value))
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", suffix=".part", dir=str(path.parent)) as file:
        file.write(_as_json(value))
        file.flush()
        os.fsync(file.fileno())
        Path(file.name).chmod(0o644)
        try:
            os.link(file.name, str(path))
        except FileExistsError:
            return False
    return True


def _as_json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def read_json(path: UPath) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


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


@contextmanager
def local_directory(
    path: UPath, last: str | None = None, publishing: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Iterator[Path]:
    """A local folder whose files are at `path` when the block ends without an error.

    On a local disk it is a sibling with a temporary name whose files, once they are on the disk for good, are moved
    over one by one; otherwise a temporary folder that is uploaded. So what is written after the block, such as a
    description of it all, survives no power cut that the files did not. Siblings that killed processes left behind are
    removed first.

    Args:
        path: the folder.
        last: name of the file in it that says that all others are there: it comes last, and what was in its place
            goes when all of them are written and before the first one comes.
        publishing: around the moment in which the files come there; an error in it keeps them away.
    """
    on_disk = is_local(path)
    if on_disk:
        path.mkdir(parents=True, exist_ok=True)
        remove_abandoned_directories(Path(str(path)))
    with (
        tempfile.TemporaryDirectory(dir=str(path.parent) if on_disk else None, prefix=f".{path.name}.") as name,
        locked(Path(name)),
    ):
        folder = Path(name)
        yield folder
        files = (item for item in folder.rglob("*") if item.is_file())
        in_order = sorted(files, key=lambda file: (file == folder / last if last else False, file))
        if on_disk:
            sync_file_system(folder)
        with publishing():
            if last:
                (path / last).unlink(missing_ok=True)
            for file in in_order:
                target = path / file.relative_to(folder).as_posix()
                if on_disk:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    file.replace(str(target))
                else:
                    with open_atomically(target) as copy, file.open("rb") as content:
                        shutil.copyfileobj(content, copy)
        if on_disk:
            sync_file_system(folder)  # the names too


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A local folder whose content is at `path` when the block ends without an error; nothing is there otherwise.

    Args:
        path: missing or empty.

    Raises:
        OSError: it holds something.
    """
    place = path.resolve()
    if place.exists() and any(place.iterdir()):
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(path))
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}.") as name:
        fresh = Path(name) / "new"
        fresh.mkdir()
        yield fresh
        if place.exists():  # and stays, for it may be where somebody stands
            for item in sorted(fresh.iterdir()):
                item.rename(place / item.name)
        else:
            fresh.rename(place)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A lock on a local folder for as long as the block lasts, or this process.

    Raises:
        BlockingIOError: another process has it.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def remove_abandoned_directories(path: Path) -> None:
    """Remove temporary siblings of a local folder whose makers were killed. They may have hundreds of megabytes.

    Args:
        path: the folder, as `local_directory` was given it.
    """
    for folder in path.parent.glob(f".{glob.escape(path.name)}.*/"):
        if _TEMPORARY.fullmatch(folder.name.removeprefix(f".{path.name}.")):
            with suppress(OSError):  # who is at work on it holds a lock, or has just renamed it
                if any(folder.iterdir()):  # and who has just made it holds none yet
                    with locked(folder):
                        shutil.rmtree(folder)
