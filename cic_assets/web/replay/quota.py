"""Reddit's own limit on how often its API is asked, as it says it in every answer and keeps to it."""

import math
import time
from collections.abc import Callable

REQUESTS, WINDOW_SECONDS = 1000, 600.0
"""100 requests a minute, counted over ten minutes."""


class Quota:
    """Counts requests in windows of ten minutes.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = -math.inf
        self._used = 0

    def take(self) -> bool:
        """One more request; whether it is within the limit."""
        now = self._clock()
        if now >= self._ends:
            self._ends, self._used = now + WINDOW_SECONDS, 0
        self._used += 1
        return self._used <= REQUESTS

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What an answer says of it."""
        values = {
            "used": str(min(self._used, REQUESTS)),
            "remaining": f"{max(0, REQUESTS - self._used):.1f}",
            "reset": str(math.ceil(max(0.0, self._ends - self._clock()))),
        }
        return [(f"x-ratelimit-{name}".encode(), value.encode()) for name, value in values.items()]
