"""Memory, handed out before it is used: for bodies in the event loop, for decoding among threads."""

import asyncio
import ctypes
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BYTES = 2**20
_GLIBC_LARGEST = 2**25
"""Where glibc's own adjustment of that threshold ends."""


@dataclass(slots=True)
class Claim:
    """What one body holds.

    Attributes:
        size: bytes.
        shared: those of them that count among the parts of bodies whose length is not known.
    """

    size: int = 0
    shared: int = 0


class ByteBudget:
    """At most so many bytes are claimed at once; who wants more waits, first come first served.

    A claim of a known size is made before the first byte is read and holds nothing while it waits. A body that does
    not say its length claims as its bytes arrive, and holds what it has while it waits for more: so that such bodies
    never wait in a circle, all of them together leave room for the largest, and one at a time grows into that room.

    Args:
        total: bytes.
        largest: that a growing body may have in the end; none grows where it is not given.
    """

    def __init__(self, total: int, largest: int | None = None) -> None:
        self._total = total
        self._free = total
        self._shared = total - (total if largest is None else largest)
        self._alone: Claim | None = None
        self._claiming: deque[_Waiting] = deque()
        self._growing: deque[_Waiting] = deque()

    @property
    def free(self) -> int:
        """What a claim gets without waiting: nothing, where others wait."""
        return 0 if self._claiming else self._free

    @asynccontextmanager
    async def claim(self, size: int) -> AsyncIterator[Claim]:
        """Hold `size` bytes, from 0 to the total, within the block, and what it grows by."""
        if not 0 <= size <= self._total:
            raise ValueError(f"claim of {size} bytes from a budget of {self._total}")
        claim = Claim()
        try:
            if size > self.free or not self._take(claim, size):
                await self._turn(self._claiming, lambda: self._take(claim, size))
            yield claim
        finally:
            self._give_back(claim)

    def try_grow(self, claim: Claim, size: int) -> bool:
        """Hold so many bytes more, if there is room for them; whether there is."""
        if size > self._free:
            return False
        if claim is not self._alone:
            if size <= self._shared:
                self._shared -= size
                claim.shared += size
            elif self._alone is None:
                self._alone = claim
                self._shared += claim.shared
                claim.shared = 0
            else:
                return False
        return self._take(claim, size)

    async def grow(self, claim: Claim, size: int) -> None:
        """Hold so many bytes more, when there is room for them; before any claim that holds nothing yet."""
        if not self.try_grow(claim, size):
            await self._turn(self._growing, lambda: self.try_grow(claim, size))

    def _take(self, claim: Claim, size: int) -> bool:
        if size > self._free:
            return False
        self._free -= size
        claim.size += size
        return True

    async def _turn(self, queue: "deque[_Waiting]", take: Callable[[], bool]) -> None:
        waiting = _Waiting(take, asyncio.get_running_loop().create_future())
        queue.append(waiting)
        try:
            await waiting.turn
        except asyncio.CancelledError:
            with suppress(ValueError):
                queue.remove(waiting)
            self._serve()
            raise

    def _give_back(self, claim: Claim) -> None:
        self._free += claim.size
        self._shared += claim.shared
        if self._alone is claim:
            self._alone = None
        self._serve()

    def _serve(self) -> None:
        for waiting in list(self._growing):
            if waiting.served():
                self._growing.remove(waiting)
        while self._claiming and self._claiming[0].served():
            self._claiming.popleft()


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody who waits for room: how it is taken, and what ends the wait."""

    take: Callable[[], bool]
    turn: asyncio.Future[None]

    def served(self) -> bool:
        """Whether it waits no more."""
        if not self.turn.done() and self.take():
            self.turn.set_result(None)
        return self.turn.done()


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
