"""Whether a file was written anew since it was last looked at."""

import time
from collections.abc import Callable

from upath import UPath

from cic_assets.storage.atomic import is_local

ASK_AGAIN_SECONDS = 5
"""After which a remote file is looked at again: that takes as long as an answer."""


class FileState:
    """Something that is another once a file was written anew; of a remote one, as of some seconds ago."""

    def __init__(self, path: UPath, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._is_local = is_local(path)
        self._asked_at = float("-inf")
        self._remote: object = None

    def now(self) -> object:
        """It; None where there is no file."""
        if self._is_local:
            return _local_state(self._path)
        if (now := self._clock()) - self._asked_at >= ASK_AGAIN_SECONDS:
            self._remote, self._asked_at = _remote_state(self._path), now
        return self._remote


def _local_state(path: UPath) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _remote_state(path: UPath) -> object:
    """By size, time and tag of the object, whatever its store has of these."""
    path.fs.invalidate_cache(path.parent.path)  # where the folder was listed once, that would be said again
    try:
        return path.fs.ukey(path.path)
    except OSError:
        return None
