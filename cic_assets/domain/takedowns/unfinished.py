"""What killed writers left under temporary names: a part of a table has titles in it, half a data set has pictures.

A data root may lie where a person keeps things too, as `data` beside its problem file does: only places where the
program writes are looked at, and folders only where they have the name of one that it makes.
"""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cic_assets.domain import duplicates, features
from cic_assets.storage import DataRoot, remove_abandoned_directories

NOBODYS_SECONDS = 3600.0
"""What was not written to for so long is nobody's work any more: a picture takes seconds."""

_FILE = re.compile(r"\..+\.[a-z0-9_]{8}\.part")
_ALL_BELOW = ("tables", "images", "resized", "sheets", "scratch")
"""Folders under a data root in which the program alone writes, at any depth."""
_LONG = ".adhoc_predictions."
"""How the unfinished file of a table begins that may take hours to write, and is written without the lock for that."""


def remove_unfinished(root: DataRoot, older_than: float = NOBODYS_SECONDS) -> None:
    """Remove parts of tables, of pictures and of data sets that nobody will finish.

    Of a remote root, where writes are whole, only what was kept for a run that was killed and is damaged.

    Args:
        root: the data root, whose lock is held: so nobody is at work on a table.
        older_than: seconds since another file was last written to; what is younger may be at work.
    """
    for table in (duplicates.UNFINISHED, features.UNFINISHED):
        for key in root.table_partitions(table):
            # Which pictures a damaged one is about, nobody can tell; it saves time and is nothing that is lost.
            if root.read_table_if_whole(table, key) is None:
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
    models = Path(str(root.models))
    return [Path(str(root.dataset)), Path(str(root.report)), *(path for path in models.glob("[!.]*") if path.is_dir())]


def _parts(root: DataRoot) -> Iterator[Path]:
    place = Path(str(root.path))
    yield from place.glob(".*.part")
    for name in _ALL_BELOW:
        yield from (place / name).rglob(".*.part")
    for folder in _made_whole(root):
        yield from folder.glob(".*.part")
