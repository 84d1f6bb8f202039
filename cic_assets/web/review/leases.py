"""Who looks at which entry: one person at a time. Kept in memory alone: what a dead browser held is free in a minute.

Nobody's answer hangs on it. That an entry is decided once is seen to where it is written, whoever serves the page.
"""

import threading
import time
from collections.abc import Callable, Iterable

LEASE_SECONDS = 60.0
"""Without a word from a browser; one that is open says something every 20."""


class Leases:
    """Entries by the browser that shows them, or will next."""

    def __init__(self, seconds: float = LEASE_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._lock = threading.RLock()
        self._holders: dict[str, str] = {}
        self._of_client: dict[str, tuple[float, set[str]]] = {}

    def hold(self, client: str, entries: Iterable[str]) -> None:
        """Give a browser those of some entries that no other has, in the place of all that it had."""
        with self._lock:
            self._expire()
            _, before = self._of_client.pop(client, (0.0, set()))
            for entry in before:
                self._holders.pop(entry, None)
            held = {entry for entry in entries if entry not in self._holders}
            self._holders.update(dict.fromkeys(held, client))
            if held:
                self._of_client[client] = self._clock() + self._seconds, held

    def add(self, client: str, entries: Iterable[str]) -> None:
        """Give a browser more."""
        with self._lock:
            _, held = self._of_client.get(client, (0.0, set[str]()))
            self.hold(client, [*held, *entries])

    def is_held_by_another(self, client: str, entry: str) -> bool:
        """Whether a browser other than this has an entry."""
        with self._lock:
            self._expire()
            return self._holders.get(entry, client) != client

    def _expire(self) -> None:
        now = self._clock()
        for client in [client for client, (until, _) in self._of_client.items() if until <= now]:
            for entry in self._of_client.pop(client)[1]:
                del self._holders[entry]
