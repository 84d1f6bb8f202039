"""The engine of one machine: threads, for tasks that leave Python's lock, as decoding and numpy do."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

from cic_assets.engine.protocol import named

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 16
"""Items a thread that may be done or waiting before the oldest is: a slow one keeps the others busy for a while."""


@dataclass(frozen=True, slots=True)
class Threads:
    """An `Engine` on threads of this process.

    Attributes:
        workers: how many; as many as there are processors unless told.
    """

    workers: int | None = None

    def each(
        self,
        task: Callable[[T], R],
        items: Iterable[T],
        *,
        shard: int = 1,  # noqa: ARG002 - to hand an item to a thread costs nothing
        instead: Callable[[T, str], R] | None = None,  # noqa: ARG002 - with a thread dies all that could say so
    ) -> Iterator[tuple[T, R]]:
        """As `Engine.each`, in the order of the items."""
        yield from self.map(lambda item: (item, named(task, item)), items)

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """The result of each item, in the order of the items, while later ones are at work; the task may be anything.

        Items are taken as they are needed, so that there may be millions, and on a thread of their own: a result is
        there when it is done, also where the next item is not there yet. Nothing starts before the first result is
        asked for, and who stops asking stops the rest.

        Raises:
            Exception: what the task of an item raised, or the items themselves, in its turn; the items after it may
                have been worked on.
        """
        workers = self.workers or os.cpu_count() or 1
        pool = ThreadPoolExecutor(workers, thread_name_prefix="engine")
        feed = _Feed(pool, task, items, workers * _AHEAD)
        try:
            yield from feed.results()
        finally:
            feed.stop()
            pool.shutdown(cancel_futures=True)


class _Feed(Generic[T, R]):
    """Takes items on a thread of its own: one that is long in coming does not hold up the results before it."""

    def __init__(self, pool: ThreadPoolExecutor, task: Callable[[T], R], items: Iterable[T], ahead: int) -> None:
        self._pool, self._task, self._items = pool, task, items
        self._room = threading.Semaphore(ahead - 1)
        self._submitted: SimpleQueue[Future[R] | None] = SimpleQueue()
        self._stopped = False

    def results(self) -> Iterator[R]:
        # A daemon: who stops asking does not wait for an item that may never come.
        threading.Thread(target=self._take_items, name="items", daemon=True).start()
        while (future := self._submitted.get()) is not None:
            result = future.result()
            self._room.release()
            yield result

    def stop(self) -> None:
        self._stopped = True
        self._room.release()

    def _take_items(self) -> None:
        try:
            for item in self._items:
                self._submitted.put(self._pool.submit(self._task, item))
                self._room.acquire()
                if self._stopped:
                    return
        except BaseException as error:  # noqa: BLE001 - the error of the items: it is raised where results are taken
            failed: Future[R] = Future()
            failed.set_exception(error)
            self._submitted.put(failed)
        self._submitted.put(None)
