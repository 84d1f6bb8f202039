"""The engine of many machines: plain tasks of a Ray cluster, each with a shard of the items.

Not Ray Data, whose shard costs more, and which tries a picture that crashes its process for ever (benchmarks/results).
"""

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Generic, TypeVar

from cic_assets.engine.protocol import EngineError, TaskLostError, named

T = TypeVar("T")
R = TypeVar("R")

RETRIES = 3
"""Times that a shard is tried again when what worked on it died: three nodes may go down in one fingerprinting."""

_IN_FLIGHT = 2
"""Shards a processor of the cluster that are at work or wait for their turn; what is done beyond waits in memory."""

_COUNT_SECONDS = 10.0
"""Between two looks at how many processors there are: nodes come and go."""

_SECONDS_TO_ANSWER = 10.0

ONE_THREAD = {"OPENCV_FOR_THREADS_NUM": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""For a task, which has one processor: with threads for all cores in each, they would only take turns."""


@dataclass(frozen=True, slots=True)
class OnRay:
    """An `Engine` on a Ray cluster, whose nodes have this package and reach the same storage.

    Attributes:
        address: of the cluster; unless given, that of RAY_ADDRESS, or the one that this machine is a node of.
        takes_part: this process works too while it waits, on its own thread: for one that has a processor of the
            cluster to itself, as two of these could wait for each other's for ever. Who works on what kills him, and is
            the first to try, may be this process.
    """

    address: str = ""
    takes_part: bool = False

    def each(
        self,
        task: Callable[[T], R],
        items: Iterable[T],
        *,
        shard: int = 64,
        instead: Callable[[T, str], R] | None = None,
    ) -> Iterator[tuple[T, R]]:
        """As `Engine.each`; the items are taken on the thread that asks for results."""
        shards = _shards(items, shard)
        if (first := next(shards, None)) is None:
            return  # for nothing no cluster is needed
        flight = _Flight(_connected(self.address), task, instead, self.takes_part)
        try:
            yield from flight.results(chain([first], shards))
        finally:
            flight.stop()


def _connected(address: str) -> Any:
    try:
        import ray
    except ImportError:
        raise EngineError(
            "the engine ray needs Ray: install cic-assets with the extra ray (pip install 'cic-assets[ray]')"
        ) from None
    if not ray.is_initialized():
        found = find_cluster(address)
        try:
            # With an address it starts no cluster where it finds none. What tasks print is for the cluster's logs.
            ray.init(found, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _no_cluster(error) from error
    return ray


def find_cluster(address: str = "") -> str:
    """The address by which Ray finds a cluster; that of RAY_ADDRESS, or of this machine's node, unless given.

    Raises:
        EngineError: nobody answers there. Ray itself would ask for minutes.
    """
    found = address or os.environ.get("RAY_ADDRESS") or "auto"
    host, _, port = found.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        try:
            socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER).close()
        except OSError as error:
            raise _no_cluster(error) from error
    return found


def _no_cluster(error: Exception) -> EngineError:
    return EngineError(f"no Ray cluster answers: start one, or name it by RAY_ADDRESS ({error})")


def _shards(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(items)
    while shard := list(islice(left, size)):
        yield shard


@dataclass(frozen=True, slots=True)
class _Raised:
    """What the task of an item raised: an answer, as another worker would get the same."""

    error: Exception


def _work(task: Callable[[T], R], shard: Sequence[T]) -> list[R] | _Raised:
    """In a worker."""
    try:
        return [named(task, item) for item in shard]
    except Exception as error:  # noqa: BLE001 - it is raised where results are asked for
        return _Raised(_whole_when_pickled(error))


def _whole_when_pickled(error: Exception) -> Exception:
    import pickle

    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception as why:  # noqa: BLE001 - whatever an exception of a library does
        copy = why
    if type(copy) is type(error) and str(copy) == str(error):
        return error
    told = RuntimeError(f"{type(error).__name__}: {error}")
    for note in getattr(error, "__notes__", ()):
        told.add_note(note)
    return told


@dataclass
class _Flight(Generic[T, R]):
    """The shards that are at work."""

    ray: Any
    task: Callable[[T], R]
    instead: Callable[[T, str], R] | None
    takes_part: bool
    at_work: dict[Any, list[T]] = field(default_factory=dict)
    """The last that was handed out comes last."""
    alone: deque[list[T]] = field(default_factory=deque)
    """Items of shards that were lost, each by itself."""
    suspects: set[Any] = field(default_factory=set)
    """Those of them that are at work: this process does not try them."""
    room: int = 0
    counted_at: float = float("-inf")

    def results(self, shards: Iterator[list[T]]) -> Iterator[tuple[T, R]]:
        start = self._starter()
        while True:
            while len(self.at_work) < self._room() and self._hand_out(start, shards):
                pass
            if not self.at_work:
                return
            mine = self._for_this_process()
            ready, _ = self.ray.wait(list(self.at_work), num_returns=1, timeout=None if mine is None else 0)
            if ready:
                yield from self._taken(ready[0])
            elif mine is not None:
                self.ray.cancel(mine)  # most likely it waits for its turn; if it does not, it was begun twice
                shard = self.at_work.pop(mine)
                yield from self._answered(shard, _work(self.task, shard))

    def stop(self) -> None:
        for reference in self.at_work:
            self.ray.cancel(reference)

    def _starter(self) -> Callable[[list[T]], Any]:
        task = self.ray.put(self.task)  # once, however many shards
        remote = self.ray.remote(_work).options(
            num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD", runtime_env={"env_vars": ONE_THREAD}
        )
        return lambda shard: remote.remote(task, shard)

    def _hand_out(self, start: Callable[[list[T]], Any], shards: Iterator[list[T]]) -> bool:
        """One more shard, if there is one."""
        is_suspect = bool(self.alone)
        shard = self.alone.popleft() if is_suspect else next(shards, None)
        if shard is None:
            return False
        self.at_work[reference := start(shard)] = shard
        if is_suspect:
            self.suspects.add(reference)
        return True

    def _for_this_process(self) -> Any | None:
        """What it may do while it waits: the shard that was handed out last, whose turn with others is the farthest."""
        if not self.takes_part:
            return None
        return next((reference for reference in reversed(self.at_work) if reference not in self.suspects), None)

    def _room(self) -> int:
        if time.monotonic() - self.counted_at > _COUNT_SECONDS:
            self.room = max(_IN_FLIGHT * int(self.ray.cluster_resources().get("CPU", 0)), 1)
            self.counted_at = time.monotonic()
        return self.room

    def _taken(self, done: Any) -> Iterator[tuple[T, R]]:
        shard = self.at_work.pop(done)
        self.suspects.discard(done)
        try:
            results = self.ray.get(done)
        except self.ray.exceptions.RuntimeEnvSetupError as error:
            raise EngineError(f"a worker of the cluster could not begin: {error}") from error
        except self.ray.exceptions.RayTaskError as error:
            # Ours says what the task raised itself: it did not get so far, as where the package is another one there.
            raise EngineError(f"a worker of the cluster could not begin: {error.cause}") from error
        except self.ray.exceptions.RayError as error:
            yield from self._lost(shard, f"{type(error).__name__} {RETRIES + 1} times")
            return
        yield from self._answered(shard, results)

    def _answered(self, shard: list[T], results: list[R] | _Raised) -> Iterator[tuple[T, R]]:
        if isinstance(results, _Raised):
            raise results.error
        yield from zip(shard, results, strict=True)

    def _lost(self, shard: list[T], why: str) -> Iterator[tuple[T, R]]:
        if len(shard) > 1:
            self.alone.extend([item] for item in shard)
        elif self.instead is None:
            raise TaskLostError(f"what worked on {shard[0]!r:.200} died of it: {why}")
        else:
            yield shard[0], self.instead(shard[0], f"what worked on it died of it: {why}")
