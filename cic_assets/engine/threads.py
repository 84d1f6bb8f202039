"""The engine of one machine: threads, for tasks that leave Python's lock, as decoding and numpy do."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

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

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """As `Engine.map`."""
        workers = self.workers or os.cpu_count() or 1
        waiting: deque[Future[R]] = deque()
        with ThreadPoolExecutor(workers, thread_name_prefix="engine") as pool:
            try:
                for item in items:
                    waiting.append(pool.submit(task, item))
                    if len(waiting) >= workers * _AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
