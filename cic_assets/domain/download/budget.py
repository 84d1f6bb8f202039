"""Memory, handed out before it is used: for bodies in the event loop, for decoding among threads."""

import asyncio
import ctypes
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BYTES = 2**20
_GLIBC_LARGEST = 2**25
"""Where glibc's own adjustment of that threshold ends."""


@dataclass(slots=True, eq=False)
class Claim:
    """What one body holds.

    Attributes:
        most: bytes that it may have in the end.
        size: bytes that it has.
    """

    most: int
    size: int = 0

    @property
    def missing(self) -> int:
        """Bytes that it may still want."""
        return self.most - self.size


class ByteBudget:
    """At most so many bytes are held at once; who wants more waits until there is room.

    A body holds what came of it, not what was announced: a host that announces much and sends little is in nobody's
    way. So that bodies never wait in a circle, none gets bytes after which there would be no order in which all could
    come to their ends (E. W. Dijkstra's banker's algorithm). Who holds nothing yet waits behind those that wait.

    Args:
        total: bytes.
        largest: that one body may have in the end; the total where omitted.
    """

    def __init__(self, total: int, largest: int | None = None) -> None:
        self._total = total
        self._largest = total if largest is None else largest
        self._free = total
        self._claims: set[Claim] = set()
        self._waiting: deque[_Waiting] = deque()

    @property
    def free(self) -> int:
        """Bytes that nobody holds."""
        return self._free

    @contextmanager
    def claim(self, most: int) -> Iterator[Claim]:
        """Within the block a body may grow to `most` bytes, and holds what it grew by; nothing at first."""
        if not 0 <= most <= self._largest:
            raise ValueError(f"claim of {most} bytes from a budget of {self._total}")
        claim = Claim(most)
        self._claims.add(claim)
        try:
            yield claim
        finally:
            self._claims.remove(claim)
            self._free += claim.size
            self._serve()

    def try_grow(self, claim: Claim, size: int) -> bool:
        """Hold so many bytes more, if there is room for them; whether there is."""
        may_begin = claim.size > 0 or not self._waiting
        return may_begin and self._take(claim, size)

    async def grow(self, claim: Claim, size: int) -> None:
        """Hold so many bytes more, when there is room for them."""
        if self.try_grow(claim, size):
            return
        waiting = _Waiting(claim, size, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting.turn
        finally:
            if waiting in self._waiting:  # cancelled
                self._waiting.remove(waiting)
                self._serve()

    def end(self, claim: Claim) -> None:
        """A body is whole: it wants no more."""
        claim.most = claim.size
        self._serve()

    def _take(self, claim: Claim, size: int) -> bool:
        if size > self._free:
            return False
        self._change(claim, size)
        if self._all_can_end():
            return True
        self._change(claim, -size)
        return False

    def _change(self, claim: Claim, size: int) -> None:
        self._free -= size
        claim.size += size

    def _all_can_end(self) -> bool:
        if self._free >= self._largest:
            return True
        free = self._free
        for claim in sorted(self._claims, key=lambda one: one.missing):
            if claim.missing > free:
                return False
            free += claim.size
        return True

    def _serve(self) -> None:
        for waiting in list(self._waiting):
            may_begin = waiting.claim.size > 0 or waiting is self._waiting[0]
            if may_begin and not waiting.turn.done() and self._take(waiting.claim, waiting.size):
                self._waiting.remove(waiting)
                waiting.turn.set_result(None)


@dataclass(slots=True, eq=False)
class _Waiting:
    """A body that waits for room: how much it wants, and what ends the wait."""

    claim: Claim
    size: int
    turn: asyncio.Future[None]


class DecodingBudget:
    """At most so many bytes go into decoding at once, over all threads; a picture that takes more is alone."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._free = total
        self._changed = threading.Condition()

    @contextmanager
    def claim(self, size: int) -> Iterator[None]:
        """Hold so many bytes within the block."""
        claimed = min(size, self._total)
        with self._changed:
            self._changed.wait_for(lambda: claimed <= self._free)
            self._free -= claimed
        try:
            yield
        finally:
            with self._changed:
                self._free += claimed
                self._changed.notify_all()


@contextmanager
def large_blocks_returned() -> Iterator[None]:
    """Within the block, have the C library return large pieces of memory to the system as soon as they are freed.

    glibc keeps a heap for each thread, and once it has seen a large piece freed it takes pieces of up to 32 MB from
    there and holds them back: with bodies and pictures of that size 100 MB more than were in use. Other C libraries
    have no such setting, nor the need.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        yield
        return
    set_option(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    try:
        yield
    finally:
        set_option(_M_MMAP_THRESHOLD, _GLIBC_LARGEST)
