"""What every engine can do."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Runs many tasks of one kind, several at once."""

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """The result of each item, in the order of the items, while later ones are at work.

        Items are taken as they are needed, so that there may be millions, and on a thread of their own: a result is
        there when it is done, also where the next item is not there yet. Nothing starts before the first result is
        asked for, and who stops asking stops the rest.

        Raises:
            Exception: what the task of an item raised, or the items themselves, in its turn; the items after it may
                have been worked on.
        """
        ...
