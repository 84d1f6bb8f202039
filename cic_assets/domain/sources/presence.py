"""Whether what a source names is on this machine: asked before anything starts, and again when it is read."""

from collections.abc import Callable
from pathlib import Path

from cic_assets.domain.sources.source import Source, SourceKind
from cic_assets.domain.sources.zips import split_at_archive

_FILES = {
    SourceKind.URLS: "a list of URLs, a .csv, .tsv, .txt, .jsonl or .parquet file",
    SourceKind.DUMP: "submissions, one a line, as text or .zst",
}
_NAMED = 10
"""Neighbours of what is missing that a message names."""


def why_missing(source: Source) -> str | None:
    """Why a source cannot be read at all: the file or folder is not there. None if it is, or is not of this machine.

    What is inside a zip archive is not looked for.
    """
    path = Path(source.value)
    if source.kind is SourceKind.FOLDER:
        return why_missing_folder(path)
    if not source.kind.has_path or path.is_file():
        return None
    found = "is a folder" if path.is_dir() else "there is no such file"
    return f"{source}: {found}: expected {_FILES[source.kind]}{_nearby(path, Path.is_file)}"


def why_missing_folder(path: Path) -> str | None:
    """The same of `folder:PATH`: a folder, or one in a zip archive."""
    if path.is_dir() or split_at_archive(path):
        return None
    archive = next((part for part in (path, *path.parents) if part.suffix.lower() == ".zip"), None)
    if archive:
        return f"folder:{path}: there is no zip archive {archive.name}{_nearby(archive, Path.is_file)}"
    return f"folder:{path}: there is no such folder: expected one with pictures in it{_nearby(path, Path.is_dir)}"


def _nearby(path: Path, is_alike: Callable[[Path], bool]) -> str:
    """What there is beside a path that is missing, for the message."""
    parent = path.parent
    names = sorted(item.name for item in parent.iterdir() if is_alike(item)) if parent.is_dir() else []
    return f"; in {parent} there are {', '.join(names[:_NAMED])}" if names else ""
