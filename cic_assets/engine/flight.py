"""Shards of items on their way through a Ray cluster: what is at work, and what is done where no answer comes."""

import atexit
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from cic_assets.engine.protocol import EngineError, TaskLostError, named

T = TypeVar("T")
R = TypeVar("R")

RETRIES = 3
"""Times that a shard is tried again when what worked on it died: three nodes may go down in one fingerprinting."""

ATTEMPTS = 3
"""Times that a shard is handed out where none of those who have it answers."""

PATIENCE = 600.0
"""Seconds until an answer is overdue: a task may wait three minutes for a server, and make first what it works with."""

PATIENCE_AFTER_LOSS = 60.0
"""The same from when a node was lost, for what was handed out before: Ray needs some seconds to begin it elsewhere."""

TIMES_THE_LONGEST = 3
"""No answer is overdue before so many times what the longest took."""

LOOK_SECONDS = 10.0
"""Between two looks at the cluster, and at what is overdue."""

SILENCE_SECONDS = 40.0
"""Until a cluster that says nothing of itself counts as gone; some seconds later Ray itself would end this process."""

PROBE_SECONDS = 60.0
"""In which who asks for a processor gets one, if there is one; it may have to begin a process first."""

FETCH_SECONDS = 60.0
"""For an answer that is there; one of more than 100 kB may lie on a node that is lost meanwhile."""

_IN_FLIGHT = 2
"""Shards a processor of the cluster that are at work or wait for their turn; what is done beyond waits in memory."""

_ONE_THREAD = {"OPENCV_FOR_THREADS_NUM": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""For a task, which has one processor: with threads for all cores in each, they would only take turns."""

_LOG = logging.getLogger(__name__)


@dataclass
class _Cluster:
    """What there is of a cluster, by a look now and then: nodes come and go."""

    ray: Any
    looked_at: float = float("-inf")
    nodes: frozenset[str] = frozenset()
    processors: int = 0
    bare_since: float = float("inf")
    lost_a_node_at: float = float("-inf")

    @property
    def room(self) -> int:
        """Shards that may be at work."""
        return max(_IN_FLIGHT * self.processors, 1)

    def look(self) -> bool:
        """Look, unless that was done only now; whether it was done."""
        if (now := time.monotonic()) - self.looked_at < LOOK_SECONDS:
            return False
        alive = [node for node in self._asked(self.ray.nodes) if node["Alive"]]
        before, self.nodes = self.nodes, frozenset(node["NodeID"] for node in alive)
        self.processors = sum(int(node["Resources"].get("CPU", 0)) for node in alive)
        self.looked_at = now
        self.bare_since = float("inf") if self.processors else min(self.bare_since, now)
        if before - self.nodes:
            self.lost_a_node_at = now
        return True

    def _asked(self, question: Callable[[], R]) -> R:
        """What the head answers: asked on another thread, for Ray waits without end for one that stands still.

        Raises:
            EngineError: it does not answer.
        """
        answer: Future[R] = Future()
        asking = partial(_answer, answer, question)
        threading.Thread(target=asking, name="look at the cluster", daemon=True).start()
        try:
            return answer.result(SILENCE_SECONDS)
        except TimeoutError:
            # Where this process ends, Ray would tell the head, and wait for it.
            atexit.unregister(self.ray.shutdown)
            if sys.excepthook.__module__.startswith("ray."):
                sys.excepthook = sys.__excepthook__
            raise EngineError(
                f"the head of the Ray cluster has not answered for {SILENCE_SECONDS:.0f} seconds: see whether it runs "
                "(ray status), then start again what was at work"
            ) from None

    def is_overdue(self, handed_out_at: float, longest: float) -> bool:
        """Whether an answer is, where the longest that came took so many seconds."""
        now, patience = self.looked_at, TIMES_THE_LONGEST * longest
        if handed_out_at < self.lost_a_node_at:
            return now - self.lost_a_node_at > max(PATIENCE_AFTER_LOSS, patience)
        return now - handed_out_at > max(PATIENCE, patience)

    def check_that_it_has_processors(self) -> None:
        """Without any, nobody would ever answer."""
        if (seconds := self.looked_at - self.bare_since) > PATIENCE:
            raise EngineError(
                f"the Ray cluster has had no processor to give for {seconds:.0f} seconds: add a node to it (ray status "
                "says what it has)"
            )

    def gives_processors(self) -> bool:
        """Whether who asks for one gets one; not where others have them all.

        Raises:
            EngineError: nobody has them, and yet it gives none.
        """
        probe = self.ray.remote(_nothing).options(num_cpus=1).remote()
        if self.ray.wait([probe], timeout=PROBE_SECONDS)[0]:
            return True
        self.ray.cancel(probe)
        if self._asked(self.ray.available_resources).get("CPU", 0) >= 1:
            raise EngineError("the Ray cluster has a free processor and gives it to nobody: start the cluster anew")
        return False


@dataclass(eq=False, slots=True)
class _Shard(Generic[T]):
    """Items that are at work together.

    Attributes:
        items: of them.
        is_suspect: it is an item of a shard that was lost, by itself, and may be why: this process does not try it.
        handed_out: how often.
        handed_out_at: the last time.
        attempts: by Ray's reference to the answer, when it was handed out.
    """

    items: list[T]
    is_suspect: bool = False
    handed_out: int = 0
    handed_out_at: float = 0.0
    attempts: dict[Any, float] = field(default_factory=dict)


@dataclass
class Flight(Generic[T, R]):
    """The shards that are at work.

    What a node that dies had, Ray itself begins again elsewhere. But now and then it is never heard of again: where a
    request for a worker was on its way to that node (ray-project/ray#63405), or where the node stands still and closes
    no connection. So nothing is waited for without end: what is overdue is handed out once more, and who answers first
    counts.
    """

    ray: Any
    task: Callable[[T], R]
    instead: Callable[[T, str], R] | None
    takes_part: bool
    at_work: list[_Shard[T]] = field(default_factory=list)
    """The last that was handed out comes last."""
    first: deque[_Shard[T]] = field(default_factory=deque)
    """What is handed out before others: items of shards that were lost, each by itself."""
    one_by_one: bool = False
    """Nothing was answered, and one of what was at work may keep the others from their turn."""
    answered_at: float = float("-inf")
    longest: float = 0.0
    """Seconds that an answer took, with its turn at the cluster and here."""

    def __post_init__(self) -> None:
        self._cluster = _Cluster(self.ray)
        self._put_task()
        self._remote = self.ray.remote(_work).options(
            num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD", runtime_env={"env_vars": _ONE_THREAD}
        )

    def results(self, shards: Iterator[list[T]]) -> Iterator[tuple[T, R]]:
        """Each item with its result, shards in the order in which they are done; raises as `Engine.each`."""
        while True:
            if self._cluster.look():
                for late in self._overdue():
                    if late in self.at_work:
                        yield from self._again(late)
            while len(self.at_work) < (1 if self.one_by_one else self._cluster.room) and (shard := self._next(shards)):
                self.at_work.append(shard)
                self._hand_out(shard)
            if not self.at_work:
                return
            mine = self._for_this_process()
            attempts = [attempt for shard in self.at_work for attempt in shard.attempts]
            ready, _ = self.ray.wait(attempts, num_returns=1, timeout=LOOK_SECONDS if mine is None else 0)
            if ready:
                yield from self._taken(ready[0])
            elif mine is not None:
                self._end(mine)  # most likely it waits for its turn; if it does not, it was begun twice
                yield from self._answered(mine, _work(self.task, mine.items))
            else:
                self._cluster.check_that_it_has_processors()

    def stop(self) -> None:
        """Nobody asks for more."""
        while self.at_work:
            self._end(self.at_work[0])

    def _next(self, shards: Iterator[list[T]]) -> _Shard[T] | None:
        if self.first:
            return self.first.popleft()
        items = next(shards, None)
        return None if items is None else _Shard(items)

    def _put_task(self) -> None:
        """Once, however many shards; and anew where requests for workers may wait at a node that is lost.

        Ray asks for no more workers than there are shards to be begun, and counts these requests, too. What has another
        argument asks for its own.
        """
        self._task, self._put_at = self.ray.put(self.task), time.monotonic()

    def _hand_out(self, shard: _Shard[T]) -> None:
        if shard.handed_out or self._put_at < self._cluster.lost_a_node_at:
            self._put_task()
        shard.handed_out_at = time.monotonic()
        shard.attempts[self._remote.remote(self._task, shard.items)] = shard.handed_out_at
        shard.handed_out += 1

    def _end(self, shard: _Shard[T], *, by_force: bool = False) -> None:
        """It is no longer at work; by force, also where the task does not let itself be interrupted."""
        self.at_work.remove(shard)
        for attempt in shard.attempts:
            self.ray.cancel(attempt, force=by_force)
        shard.attempts.clear()

    def _for_this_process(self) -> _Shard[T] | None:
        """What it may do while it waits: the shard that was handed out last, whose turn with others is the farthest."""
        if not self.takes_part:
            return None
        return next((shard for shard in reversed(self.at_work) if not shard.is_suspect), None)

    def _overdue(self) -> list[_Shard[T]]:
        """Of what this process will not do itself."""
        others = [shard for shard in self.at_work if shard.is_suspect or not self.takes_part]
        late = [shard for shard in others if self._cluster.is_overdue(shard.handed_out_at, self.longest)]
        # Not what has an answer that was not taken yet: who asks for results may be slow.
        return [shard for shard in late if not self.ray.wait(list(shard.attempts), timeout=0)[0]]

    def _again(self, shard: _Shard[T]) -> Iterator[tuple[T, R]]:
        """Hand it out once more, or do without."""
        if shard.handed_out < ATTEMPTS:
            _LOG.warning("no answer of the cluster on %d items: they are handed out once more", len(shard.items))
            self._hand_out(shard)
            return
        why = f"did not answer, {ATTEMPTS} times"
        if self.answered_at > shard.handed_out_at:  # others had their turn
            self._end(shard, by_force=True)
            yield from self._lost(shard, why)
            return
        silent = [*(other for other in self.at_work if other is not shard), shard]
        for one in silent:
            self._end(one, by_force=True)  # so that who does not answer gives back his processor
        if len(silent) == 1 and self._cluster.gives_processors():
            yield from self._lost(shard, why)
            return
        _LOG.warning("nothing answers on the cluster: what was handed out is handed out again, one after the other")
        self.first.extend(_Shard(one.items, one.is_suspect) for one in silent)
        self.one_by_one = True
        self._put_task()

    def _taken(self, done: Any) -> Iterator[tuple[T, R]]:
        shard = next(shard for shard in self.at_work if done in shard.attempts)
        handed_out_at = shard.attempts.pop(done)
        try:
            results = self.ray.get(done, timeout=FETCH_SECONDS)
        except self.ray.exceptions.GetTimeoutError:
            yield from self._again(shard)
            return
        except self.ray.exceptions.RuntimeEnvSetupError as error:
            raise EngineError(f"a worker of the cluster could not begin: {error}") from error
        except self.ray.exceptions.RayTaskError as error:
            # Ours says what the task raised itself: it did not get so far, as where the package is another one there.
            raise EngineError(f"a worker of the cluster could not begin: {error.cause}") from error
        except self.ray.exceptions.RayError as error:
            self._end(shard)
            yield from self._lost(shard, f"died of it: {type(error).__name__} {RETRIES + 1} times")
            return
        self.answered_at, self.one_by_one = time.monotonic(), False
        self.longest = max(self.longest, self.answered_at - handed_out_at)
        self._end(shard)
        yield from self._answered(shard, results)

    def _answered(self, shard: _Shard[T], results: "list[R] | _Raised") -> Iterator[tuple[T, R]]:
        if isinstance(results, _Raised):
            raise results.error
        yield from zip(shard.items, results, strict=True)

    def _lost(self, shard: _Shard[T], why: str) -> Iterator[tuple[T, R]]:
        if len(shard.items) > 1:
            self.first.extend(_Shard([item], is_suspect=True) for item in shard.items)
            return
        item = shard.items[0]
        if self.instead is None:
            raise TaskLostError(f"what worked on {item!r:.200} {why}")
        yield item, self.instead(item, f"what worked on it {why}")


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


def _answer(future: Future[R], function: Callable[[], R]) -> None:
    try:
        future.set_result(function())
    except Exception as error:  # noqa: BLE001 - it is raised where the answer is asked for
        future.set_exception(error)


def _nothing() -> None:
    """In a worker."""
