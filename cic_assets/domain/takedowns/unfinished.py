"""What killed writers left under temporary names: a part of a table has titles in it, half a data set has pictures.

A data root may lie where a person keeps things too, as `data` beside its problem file does: only places where the
program writes are looked at, and folders only where they have the name of one that it makes.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from upath import UPath

from cic_assets.domain import duplicates, features
from cic_assets.domain.models import trained_folder, version_folders
from cic_assets.domain.sources import POSTS
from cic_assets.storage import EXTENSIONS, DataRoot, remove_abandoned_directories

NOBODYS_SECONDS = 3600.0
"""What was not written to for so long is nobody's work any more: a picture takes seconds."""

_FILE = re.compile(r"\..+\.[a-z0-9_]{8}\.part")
_PICTURES = tuple(EXTENSIONS.values())
_ALL_BELOW = ("tables", "images", "resized", "shards", "sheets", "scratch")
"""Folders under a data root in which the program alone writes, at any depth."""
_LONG = ".adhoc_predictions."
"""How the unfinished file of a table begins that may take hours to write, and is written without the lock for that."""


_SAVING_TIME = (
    duplicates.UNFINISHED, features.UNFINISHED, duplicates.UNFINISHED_VERDICTS, duplicates.VERDICTS, features.NEAREST,
    POSTS,
)  # fmt: skip
"""Tables without which what they hold is computed again, or is in columns of others too."""


def remove_unfinished(root: DataRoot, older_than: float = NOBODYS_SECONDS) -> None:
    """Remove parts of tables, of pictures and of data sets that nobody will finish.

    Of a remote root, where writes are whole, only what was kept for a run that was killed and is damaged.

    Args:
        root: the data root, whose lock is held: so nobody is at work on a table.
        older_than: seconds since another file was last written to; what is younger may be at work.
    """
    for table in _SAVING_TIME:
        partitions: list[str | None] = [*root.table_partitions(table)] or [None]
        for key in partitions:
            # Which pictures a damaged one is about, nobody can tell; it saves time, or keeps what columns have too. Of
            # posts, gigabytes of a million, those alone are decoded that go.
            if not root.is_whole(table, key, ["post_id"] if table == POSTS else None):
                root.remove_table(table, key)
    if not root.is_local:
        return
    latest = time.time() - older_than
    tables = Path(str(root.path)) / "tables"
    for file in _parts(root):
        # Who wrote it may be done and have renamed it meanwhile.
        with suppress(FileNotFoundError):
            is_locked = tables in file.parents and not file.name.startswith(_LONG)
            if _FILE.fullmatch(file.name) and file.is_file() and (is_locked or file.stat().st_mtime <= latest):
                file.unlink()
    for folder in _made_whole(root):
        remove_abandoned_directories(folder)


def _made_whole(root: DataRoot) -> list[Path]:
    """The folders that appear whole, from a temporary sibling."""
    models = [path for path in Path(str(root.models)).glob("[!.]*") if path.is_dir()]
    versions = [Path(str(folder)) for model in models for folder in _versions(UPath(model))]
    return [Path(str(root.dataset)), Path(str(root.report)), *models, *versions]


def _versions(model: UPath) -> list[UPath]:
    """Also where a first training is at work, whose own folder is not there yet."""
    return [trained_folder(model), *version_folders(model)[1:]]


def _parts(root: DataRoot) -> Iterator[Path]:
    place = Path(str(root.path))
    yield from place.glob(".*.part")
    for name in _ALL_BELOW:
        yield from _parts_below(place / name)
    for folder in _made_whole(root):
        yield from folder.glob(".*.part")


def _parts_below(folder: Path) -> Iterator[Path]:
    """At any depth. Among a million pictures: names alone are looked at, of which most are no folder's."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - a path object a picture would take ten times as long
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in [name for name in names if name[0] == "." or not name.endswith(_PICTURES)]:
        path = folder / name
        if name[0] == "." and name.endswith(".part"):
            yield path
        if path.is_dir() and not path.is_symlink():
            yield from _parts_below(path)
