"""Nothing that was taken down meanwhile is written down again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
        self._before = load_tombstones(root).reach

    @contextmanager
    def publishing(self, on_wait: Callable[[str], None] = lambda _line: None) -> Iterator[None]:
        """The data root's lock, for the moment of writing.

        Args:
            on_wait: called with a line where somebody else has it.

        Raises:
            TakenDownMeanwhileError: something was taken down, or came back.
        """
        with self._root.lock.held(on_wait):
            if load_tombstones(self._root).reach != self._before:
                raise TakenDownMeanwhileError("something was taken down while this was made: it is made again")
            yield
