"""Reddit's own limit on how often its API is asked, as it says it in every answer and keeps to it."""

import math
import time
from collections.abc import Callable

REQUESTS, WINDOW_SECONDS = 1000, 600.0
"""100 requests a minute, counted over ten minutes."""


class Quota:
    """Counts requests in windows.

    Args:
        clock: seconds that only grow.
        requests: in a window; Reddit's where omitted.
        window: seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        requests: int | None = None,
        window: float = WINDOW_SECONDS,
    ) -> None:
        self._clock, self._window = clock, window
        self._requests = REQUESTS if requests is None else requests
        self._ends = -math.inf
        self._used = 0

    def take(self) -> bool:
        """One more request; whether it is within the limit."""
        now = self._clock()
        if now >= self._ends:
            self._ends, self._used = now + self._window, 0
        self._used += 1
        return self._used <= self._requests

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What an answer says of it."""
        values = {
            "used": str(min(self._used, self._requests)),
            "remaining": f"{max(0, self._requests - self._used):.1f}",
            "reset": str(math.ceil(max(0.0, self._ends - self._clock()))),
        }
        return [(f"x-ratelimit-{name}".encode(), value.encode()) for name, value in values.items()]
