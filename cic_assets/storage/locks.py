"""One at a time: a lock that processes, and threads of one process, take in turns."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol


class Lock(Protocol):
    """What writers of one data root take in turns. Whoever holds it may take it again."""

    def held(self, on_wait: Callable[[str], None] = ...) -> AbstractContextManager[None]:
        """Hold it for as long as the block lasts; wait for others first, and say so."""


class FolderLock:
    """A lock on a folder of this machine; what a killed process held is free at once."""

    _of_this_thread = threading.local()

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self, on_wait: Callable[[str], None] = lambda _line: None) -> Iterator[None]:
        """Hold it for as long as the block lasts; wait for others first, and say so.

        Args:
            on_wait: called with a line where somebody else has it.
        """
        mine: set[Path] = self._of_this_thread.__dict__.setdefault("folders", set())
        if self._folder in mine:
            yield
            return
        handle = self._locked(on_wait)
        try:
            mine.add(self._folder)
            yield
        finally:
            mine.discard(self._folder)
            os.close(handle)

    def _locked(self, on_wait: Callable[[str], None]) -> int:
        """The folder, open and locked. Who had it before may have removed it: a lock on that would keep nobody out."""
        while True:
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue
            try:
                _take(handle, lambda: on_wait(f"Waiting for what else writes in {self._folder}"))
                if _is_at(handle, self._folder):
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)


def _is_at(handle: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), folder.stat())
    except FileNotFoundError:
        return False


def _take(handle: int, on_wait: Callable[[], None]) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        on_wait()
        fcntl.flock(handle, fcntl.LOCK_EX)
