"""Nothing that was taken down meanwhile is written down again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cic_assets.domain.sources.table import TABLE
from cic_assets.domain.sources.tombstones import load_tombstones
from cic_assets.storage import DataRoot


class TakenDownMeanwhileError(Exception):
    """Something was taken down while a thing was made that may have it in it: it has to be made again."""


class TakedownGuard:
    """Of what is made out of tables: it is written where nothing was taken down since, and not at all otherwise.

    To be made before the tables are read.
    """

    def __init__(self, root: DataRoot) -> None:
        self._root = root
        self._reach, self._sources = load_tombstones(root).reach, frozenset(root.table_partitions(TABLE))

    @property
    def is_broken(self) -> bool:
        """Whether something was taken down since, or came back, or a whole source was removed."""
        return load_tombstones(self._root).reach != self._reach or not self._sources.issubset(
            self._root.table_partitions(TABLE)
        )

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
