"""How fast Reddit is asked: the one place that keeps its limit."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

WINDOW_SECONDS = 60.0


def ledger_of(client_id: str) -> Path:
    """Where the requests of an app are counted, for all processes of this user on this machine.

    Reddit counts by app, and the graph scrapes its subreddits in several processes.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "cic_assets" / f"reddit-{hashlib.sha256(client_id.encode()).hexdigest()[:12]}.sqlite3"


class Pace:
    """Lets at most so many requests through in any minute, over all threads and processes; others wait their turn.

    Args:
        per_window: requests in any `window`.
        ledger: the file in which they are counted; made if it is not there.
        window: seconds.
        clock, sleep: seconds since 1970, the same in all processes, and waiting for some.
    """

    def __init__(
        self,
        per_window: int,
        ledger: Path,
        *,
        window: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_window = per_window
        self._ledger = ledger
        self._window = window
        self._clock = clock
        self._sleep = sleep

    def wait(self) -> None:
        """Return when the next request may go out."""
        try:
            self._ledger.parent.mkdir(parents=True, exist_ok=True)
            while seconds := self._seconds_until_free():
                self._sleep(seconds)
        except (OSError, sqlite3.Error):
            # Nothing can be written there. One process that keeps an even distance is within the limit too.
            self._sleep(self._window / self._per_window)

    def _seconds_until_free(self) -> float:
        """Take a place if there is one, and return 0; else how long until there may be."""
        with closing(sqlite3.connect(self._ledger, timeout=self._window, isolation_level=None)) as ledger:
            # A count that a power cut loses does no harm.
            ledger.execute("PRAGMA synchronous = OFF")
            ledger.execute("BEGIN IMMEDIATE")
            ledger.execute("CREATE TABLE IF NOT EXISTS requests (at REAL NOT NULL)")
            now = self._clock()
            # Those in the future are from before the clock was set back.
            ledger.execute("DELETE FROM requests WHERE at <= ? OR at > ?", (now - self._window, now))
            taken, first = ledger.execute("SELECT count(*), min(at) FROM requests").fetchone()
            if taken < self._per_window:
                ledger.execute("INSERT INTO requests VALUES (?)", (now,))
            ledger.execute("COMMIT")
        return 0.0 if taken < self._per_window else max(float(first) + self._window - now, 0.001)
