"""Image bytes, each kept once under the SHA-256 of its content."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from upath import UPath

from cic_assets.storage.atomic import is_local, sync_file_system, write_atomically
from cic_assets.storage.lease import check_held
from cic_assets.storage.object_store import is_object_store, path_of, put_new

EXTENSIONS = {
    "jpeg": ".jpg", "png": ".png", "gif": ".gif", "webp": ".webp", "bmp": ".bmp", "tiff": ".tif", "avif": ".avif",
    "heif": ".heic",
}  # fmt: skip
"""File name extension of each image format that the store keeps."""


def sha256_hex(data: bytes) -> str:
    """SHA-256 of some bytes, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


_DIGITS_OF_FOLDER = 2
"""With which the names of what is in it begin."""


class ContentStore:
    """Image bytes as they came, each under the SHA-256 of its content: `ab/abcdef….jpg`.

    The same picture from ten posts is kept once. Nothing is ever overwritten, so writing twice is harmless.
    """

    def __init__(self, root: UPath) -> None:
        self.root = root
        self._local_root = str(root) if is_local(root) else None

    def __reduce__(self) -> "tuple[Callable[..., ContentStore], tuple[str, ...]]":
        """In another process, what a bucket is spoken with by is made anew."""
        return _reopened, (str(self.root),)

    def path(self, sha256: str, image_format: str) -> UPath:
        """Where a picture lies or would lie. `image_format` is a key of `EXTENSIONS`."""
        return self.root / sha256[:2] / f"{sha256}{EXTENSIONS[image_format]}"

    def _local(self, sha256: str, image_format: str) -> str:
        """The same of a local store, as text."""
        return f"{self._local_root}/{sha256[:2]}/{sha256}{EXTENSIONS[image_format]}"

    def put(self, data: bytes, image_format: str) -> str:
        """Keep some bytes, whole or not at all whatever happens to this process; returns their SHA-256.

        What a power cut must not take either is to be followed by `flush`.
        """
        sha256 = sha256_hex(data)
        if self._local_root is None:
            _put_remote(self.path(sha256, image_format), data)
        else:
            self._put_local(self._local(sha256, image_format), data)
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
        if self._local_root is not None:
            # A path object costs as much as reading a small picture does.
            with open(self._local(sha256, image_format), "rb") as file:  # noqa: PTH123
                return file.read()
        return bytes(self.path(sha256, image_format).read_bytes())

    def has(self, sha256: str, image_format: str) -> bool:
        """Whether a picture is kept."""
        if self._local_root is not None:
            # Asked of every picture of a set, in each run: a path object costs ten times the question.
            return os.path.exists(self._local(sha256, image_format))  # noqa: PTH110
        return bool(self.path(sha256, image_format).exists())

    def names(self) -> set[str]:
        """The SHA-256 of every picture that is kept; one look for all, where `has` takes one for each."""
        if is_object_store(self.root):  # a thousand names a request, whatever folders they are in
            found = map(PurePosixPath, self.root.fs.find(self.root.path))
            return {path.stem for path in found if path.suffix}  # some stores list folders, too
        if self._local_root is not None:
            return set(_stems(self._local_root))
        return {path.stem for path in self.root.glob("??/*")} if self.root.exists() else set()

    def lacking(self, sha256s: Sequence[str], image_format: str) -> list[str]:
        """Those of some pictures that are not kept; of a remote store in one look for all."""
        if self._local_root is not None:
            return [sha256 for sha256 in sha256s if not self.has(sha256, image_format)]
        names = self.names() if len(sha256s) else set()
        return [sha256 for sha256 in sha256s if sha256 not in names]

    def holds(self, sha256: str) -> bool:
        """Whether there is anything of a picture, in whatever format."""
        return bool(self._files(sha256))

    def remove(self, sha256: str) -> None:
        """Forget a picture, in whatever format, and what a killed writer left of it; nothing if it is not there."""
        self.remove_all([sha256])

    def remove_all(self, sha256s: Iterable[str]) -> None:
        """The same of several: each folder is looked through once, of a million pictures some thousands of names."""
        for path in self._files_of_all(sha256s):
            path.unlink(missing_ok=True)

    def remove_file(self, sha256: str) -> None:
        """Forget a picture where it is a file of its own."""
        for path in self._files(sha256):
            path.unlink(missing_ok=True)

    def _unlink_all(self, sha256s: Iterable[str], image_format: str) -> None:
        """Remove the files of some pictures of which nothing else is there."""
        for sha256 in sha256s:
            if self._local_root is None:
                self.path(sha256, image_format).unlink(missing_ok=True)
            else:
                with suppress(FileNotFoundError):
                    os.unlink(self._local(sha256, image_format))  # noqa: PTH108

    def _files_of_all(self, sha256s: Iterable[str]) -> list[Path] | list[UPath]:
        if self._local_root is None:
            return [path for sha256 in sha256s for path in self._files(sha256)]
        folders = defaultdict[str, set[str]](set)
        for sha256 in sha256s:
            folders[f"{self._local_root}/{sha256[:2]}"].add(sha256)
        found = []
        for folder, wanted in folders.items():
            with suppress(FileNotFoundError):
                names = os.listdir(folder)  # noqa: PTH208 - a path object a picture would take ten times as long
                # Under a temporary name, a dot is before it.
                hit = (name for name in names if name.removeprefix(".").partition(".")[0] in wanted)
                found += [Path(folder, name) for name in hit]
        return found

    def _files(self, sha256: str) -> list[UPath]:
        folder = self.root / sha256[:2]
        return [*folder.glob(f"{sha256}.*"), *folder.glob(f".{sha256}.*")]


def _stems(root: str) -> Iterator[str]:
    """Names of the files in the folders of two letters below a local one, without a path object each."""
    with suppress(FileNotFoundError):
        for folder in os.listdir(root):  # noqa: PTH208
            if len(folder) == _DIGITS_OF_FOLDER:
                with suppress(NotADirectoryError):
                    yield from (name.rpartition(".")[0] for name in os.listdir(f"{root}/{folder}"))  # noqa: PTH208


def _reopened(url: str) -> ContentStore:
    return ContentStore(path_of(url))


def _put_remote(path: UPath, data: bytes) -> None:
    if is_object_store(path):
        check_held(path)
        put_new(path, data)  # one request, whether it is there or not
    elif not path.exists():
        write_atomically(path, data)


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
