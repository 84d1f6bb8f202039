"""`folder:PATH`: every file below a folder, class folders included, or below a folder inside a zip archive."""

from pathlib import Path

from cic_assets.media import Medium, Outcome
from cic_assets.sources.errors import SourceError
from cic_assets.sources.files import LocalFile, is_hidden
from cic_assets.sources.zips import split_at_archive, zipped_files

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
    if not path.is_dir():
        raise SourceError(f"folder:{path}: there is no such folder: expected one with pictures in it{_nearby(path)}")
    media, files = [], {}
    for name, file in sorted(_visible(path).items()):
        medium = _medium(file, name, key)
        media.append(medium)
        if not medium.known_outcome:
            files[medium.media_url] = local_file(file, medium.media_url)
    return media, files


def _visible(path: Path) -> dict[str, Path]:
    named = {file.relative_to(path).as_posix(): file for file in path.rglob("*")}
    return {name: file for name, file in named.items() if not is_hidden(name) and (file.is_file() or file.is_symlink())}


def _medium(file: Path, name: str, key: str) -> Medium:
    # A link may lead out of the folder, and in circles.
    is_link = file.is_symlink()
    return Medium(
        post_id=name,
        subreddit=key,
        media_url=file.as_uri(),
        title=name,
        created_utc=0.0 if is_link else file.stat().st_mtime,
        known_outcome=Outcome.SKIPPED if is_link else None,
        reason="a link; only files that are in the folder itself are read" if is_link else "",
    )


def local_file(path: Path, url: str) -> LocalFile:
    """A file on disk, stamped with its size and the time of its last change."""

    def read(most: int) -> bytes:
        with path.open("rb") as file:
            return file.read(most + 1)

    about = path.stat()
    return LocalFile(url, about.st_size, f"{about.st_mtime_ns:x}-{about.st_size:x}", read)


def _nearby(path: Path) -> str:
    """The folders beside the one that is missing, for the message."""
    parent = path.parent
    names = sorted(item.name for item in parent.iterdir() if item.is_dir())[:10] if parent.is_dir() else []
    return f"; in {parent} there are {', '.join(names)}" if names else ""
