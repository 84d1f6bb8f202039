"""How fast Reddit is asked: the one place that keeps the limit, and how long to wait when told to."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

WINDOW_SECONDS = 60.0


class Pace:
    """Lets at most so many requests through in any minute, over all threads; the others wait their turn.

    Args:
        per_minute: requests in any 60 seconds; None lets everything through.
        clock, sleep: seconds that only go forward, and waiting for some of them.
    """

    def __init__(
        self,
        per_minute: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._sleep = sleep
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may go out."""
        if self._per_minute is None:
            return
        # Held while sleeping: who comes later must not go first.
        with self._lock:
            while len(self._recent) >= self._per_minute:
                age = self._clock() - self._recent[0]
                if age >= WINDOW_SECONDS:
                    self._recent.popleft()
                else:
                    self._sleep(WINDOW_SECONDS - age)
            self._recent.append(self._clock())


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or an HTTP date (RFC 9110, 10.2.3). None: it says none."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        # A date without a zone, which HTTP does not allow, is taken as what HTTP dates are in.
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
    return max(seconds, 0.0) if seconds < float("inf") else None


def backoff(attempt: int, *, first: float = 1.0, longest: float = 30.0) -> float:
    """Seconds to wait after the attempt of this number (from 0) when nobody says how long.

    Doubling, with full jitter, so that clients who failed together do not come back together.
    """
    return random.uniform(0.5, 1.0) * min(first * 2.0**attempt, longest)  # noqa: S311  # not for secrets
