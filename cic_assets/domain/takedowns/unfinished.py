"""What killed writers left under temporary names: a part of a table has titles in it, half a data set has pictures."""

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from cic_assets.storage import DataRoot

NOBODYS_SECONDS = 3600.0
"""What was not written to for so long is nobody's work any more: a table takes seconds, a large data set minutes."""

_FILE = re.compile(r"\..+\.[a-z0-9_]{8}\.part")
_FOLDER = re.compile(r"\.[^.]+\.[a-z0-9_]{8}")
_NOT_OURS = frozenset({"dagster"})
"""Folders under a data root in which others write."""


def remove_unfinished(root: DataRoot, older_than: float = NOBODYS_SECONDS) -> None:
    """Remove parts of tables, of pictures and of data sets that nobody will finish; nothing where the root is remote.

    Args:
        root: the data root.
        older_than: seconds since it was last written to; what is younger may be at work.
    """
    if not root.is_local:
        return
    latest = time.time() - older_than
    for parent, folders, files in os.walk(str(root.path)):
        found = [Path(parent, name) for name in folders if _FOLDER.fullmatch(name)]
        found += [Path(parent, name) for name in files if _FILE.fullmatch(name)]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _NOT_OURS]
        for path in found:
            _remove_if_older(path, latest)


def _remove_if_older(path: Path, latest: float) -> None:
    # Who wrote it may be done and have renamed it meanwhile.
    with suppress(FileNotFoundError):
        if max(item.stat().st_mtime for item in [path, *path.rglob("*")]) > latest:
            return
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
