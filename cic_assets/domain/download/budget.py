"""Memory, handed out before it is used: for bodies in the event loop, for decoding among threads."""

import asyncio
import ctypes
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BYTES = 2**20
_GLIBC_LARGEST = 2**25
"""Where glibc's own adjustment of that threshold ends."""


class ByteBudget:
    """At most so many bytes are claimed at once; who wants more waits, first come first served.

    A claim is made before the first byte is read and holds nothing while it waits, so claims never wait in a circle.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._free = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def free(self) -> int:
        """What a claim gets without waiting: nothing, where others wait."""
        return 0 if self._waiting else self._free

    @asynccontextmanager
    async def claim(self, size: int) -> AsyncIterator[None]:
        """Hold `size` bytes, from 0 to the total, within the block."""
        await self._take(size)
        try:
            yield
        finally:
            self._give_back(size)

    async def _take(self, size: int) -> None:
        if not 0 <= size <= self._total:
            raise ValueError(f"claim of {size} bytes from a budget of {self._total}")
        if size <= self.free:
            self._free -= size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(size)
            else:
                self._serve()
            raise

    def _give_back(self, size: int) -> None:
        self._free += size
        self._serve()

    def _serve(self) -> None:
        while self._waiting and (self._waiting[0][1].cancelled() or self._waiting[0][0] <= self._free):
            size, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._free -= size
                turn.set_result(None)


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
