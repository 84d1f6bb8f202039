"""Nothing that was taken down meanwhile is written down again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from cic_assets.domain.sources.table import TABLE
from cic_assets.domain.sources.tombstones import TOMBSTONES, load_tombstones
from cic_assets.storage import DataRoot, FileState


class TakenDownMeanwhileError(Exception):
    """Something was taken down while a thing was made that may have it in it: it has to be made again."""


class TakedownGuard:
    """Of what is made out of tables: it is written where nothing was taken down since, and not at all otherwise.

    To be made before the tables are read.
    """

    def __init__(self, root: DataRoot, on_wait: Callable[[str], None] = lambda _line: None) -> None:
        """Begin.

        Args:
            root: the data root.
            on_wait: called with a line where somebody else has its lock.
        """
        self._root = root
        with root.lock.held(
            on_wait
        ):  # not in the middle of a take-down, whose tombstones are there before tables follow them
            self._reach, self._sources = _reach(root), frozenset(root.table_partitions(TABLE))

    @property
    def is_broken(self) -> bool:
        """Whether something was taken down since, or came back, or a whole source was removed."""
        return _reach(self._root) != self._reach or not self._sources.issubset(self._root.table_partitions(TABLE))

    @contextmanager
    def publishing(self, on_wait: Callable[[str], None] = lambda _line: None) -> Iterator[None]:
        """The data root's lock, for the moment of writing.

        Args:
            on_wait: called with a line where somebody else has it.

        Raises:
            TakenDownMeanwhileError: the guard is broken.
        """
        with self._root.lock.held(on_wait):
            if self.is_broken:
                raise TakenDownMeanwhileError("something was taken down while this was made: it is made again")
            yield


def _reach(root: DataRoot) -> str:
    """Of all tombstones. On a disk they are read again only where some were written since: there are many guards."""
    if not root.is_local:
        return load_tombstones(root).reach
    keys = root.table_partitions(TOMBSTONES)
    return _reach_as_of(str(root.path), tuple((key, FileState(root.table_path(TOMBSTONES, key)).now()) for key in keys))


@lru_cache(8)
def _reach_as_of(folder: str, _states: tuple[tuple[str, object], ...]) -> str:
    """Of files of such states, or of later ones, which have others."""
    return load_tombstones(DataRoot(folder)).reach
