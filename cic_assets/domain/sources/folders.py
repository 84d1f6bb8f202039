"""`folder:PATH`: every file below a folder, class folders included, or below a folder inside a zip archive."""

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.files import LocalFile, is_hidden
from cic_assets.domain.sources.presence import why_missing_folder
from cic_assets.domain.sources.zips import split_at_archive, zipped_files

Offer = tuple[list[Medium], dict[str, LocalFile]]
"""The media of a folder in the order of their names, and the file of each `media_url` that is to be read."""


def folder_media(path: Path, key: str) -> Offer:
    """What `folder:PATH` offers.

    Args:
        path: a folder, a zip archive, or a folder inside one: `cars.zip/train/car`.
        key: the partition.

    Raises:
        SourceError: there is no such folder, or nothing in it.
    """
    archive = split_at_archive(path)
    media, files = zipped_files(*archive, key) if archive else _folder(path, key)
    if not media:
        raise SourceError(f"folder:{path}: is empty: expected pictures in it")
    return media, files


def _folder(path: Path, key: str) -> Offer:
    if why := why_missing_folder(path):
        raise SourceError(why)
    media, files = [], {}
    for name, file in sorted((file.relative_to(path).as_posix(), file) for file in _files(path)):
        medium, local = _entry(file, name, key)
        media.append(medium)
        if local:
            files[medium.media_url] = local
    return media, files


def _files(path: Path) -> Iterator[Path]:
    """What is in a folder and those below it, links and folders that cannot be looked into included.

    Raises:
        SourceError: the folder itself cannot be looked into.
    """
    closed: list[OSError] = []
    for place, folders, names in os.walk(path, onerror=closed.append):
        folders[:] = [name for name in folders if not is_hidden(name)]
        links = [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in (*names, *links) if not is_hidden(name))
    for error in closed:
        if Path(error.filename) == path:
            raise SourceError(f"folder:{path}: cannot be read ({error.strerror})")
        yield Path(error.filename)


def _entry(path: Path, name: str, key: str) -> tuple[Medium, LocalFile | None]:
    """One of them, and how it is read; a medium with its outcome where it is not to be read."""
    medium = Medium(post_id=name, subreddit=key, media_url=path.as_uri(), title=name)
    try:
        about = path.lstat()
        if stat.S_ISDIR(about.st_mode):
            os.scandir(path).close()
    except OSError as error:  # taken away or closed since the folder was listed
        reason = f"cannot be read ({error.strerror})"
        return replace(medium, known_outcome=Outcome.ERROR, reason=reason), None
    if not stat.S_ISREG(about.st_mode):
        # A link may lead out of the folder, and in circles.
        kind = "a link" if stat.S_ISLNK(about.st_mode) else "no file"
        reason = f"{kind}; only files that are in the folder itself are read"
        return replace(medium, known_outcome=Outcome.SKIPPED, reason=reason), None
    return replace(medium, created_utc=about.st_mtime), _local_file(path, medium.media_url, about)


def _local_file(path: Path, url: str, about: os.stat_result) -> LocalFile:
    """A file on disk, stamped with its size and the time of its last change."""

    def read(most: int) -> bytes:
        with path.open("rb") as file:
            return file.read(most + 1)

    return LocalFile(url, about.st_size, f"{about.st_mtime_ns:x}-{about.st_size:x}", read)
