"""The engine of many machines: plain tasks of a Ray cluster, each with a shard of the items.

Not Ray Data, whose shard costs more, and which tries a picture that crashes its process for ever (benchmarks/results).
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeVar

from cic_assets.engine.flight import RETRIES, Flight
from cic_assets.engine.protocol import EngineError

T = TypeVar("T")
R = TypeVar("R")

_SECONDS_TO_ANSWER = 10.0


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
        flight = Flight(_connected(self.address), task, instead, self.takes_part)
        try:
            yield from flight.results(chain([first], shards))
        finally:
            flight.stop()


def _connected(address: str) -> Any:
    # Before it is imported: Ray itself tries without end what took all memory of its node.
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
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
            with _sigterm_kept():
                ray.init(found, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _no_cluster(error) from error
    return ray


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """What SIGTERM does stays as it was: Ray takes it for itself, and aborts the process wherever it is."""
    if threading.current_thread() is not threading.main_thread():
        yield  # which alone may say what signals do
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


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
