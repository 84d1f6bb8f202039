"""What every engine can do."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class EngineError(RuntimeError):
    """The engine cannot work at all: it is not installed, or nobody answers; the message says what to do."""


class TaskLostError(RuntimeError):
    """What worked on an item died of it, or did not answer, again and again; the message names the item."""


class Engine(Protocol):
    """Runs many tasks of one kind, several at once."""

    def each(
        self,
        task: Callable[[T], R],
        items: Iterable[T],
        *,
        shard: int = 64,
        instead: Callable[[T, str], R] | None = None,
    ) -> Iterator[tuple[T, R]]:
        """Each item with its result, in the order in which they are done.

        Items are taken as they are needed, so that there may be millions; of those that are taken or done, and not
        asked for, there are never more than some shards a worker. Nothing starts before the first result is asked for,
        and who stops asking stops the rest.

        A worker that dies with its shard, or does not answer, is not the task's fault: the shard goes to another, and
        the items of one that dies with every worker go one by one, to find which it is. So a task may be done twice,
        also at once, and what it writes is written whole, or not at all.

        Args:
            task: what is done with an item. It may be pickled and run in another process, on another machine: large
                results belong into storage, and what is returned is small.
            items: may be pickled too.
            shard: items that go to a worker together, where handing one over costs something; of a second's work.
            instead: gives the result of an item whose worker dies or is silent each time, by the item and why.

        Raises:
            Exception: what the task of an item raised, with a note that names the item, or the items themselves.
            TaskLostError: a worker died with an item or was silent each time, and there is no `instead`.
            EngineError: the engine cannot work at all.
        """
        ...


def named(task: Callable[[T], R], item: T) -> R:
    """Do a task; what it raises has a note that names the item."""
    try:
        return task(item)
    except Exception as error:
        error.add_note(f"at {item!r:.200}")
        raise
