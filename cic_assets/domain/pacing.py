"""How fast and how much an API is asked, over all threads, processes and runs of a user: counted in small files."""

import hashlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

WINDOW_SECONDS = 60.0


DAY_SECONDS = 86400.0

logger = logging.getLogger(__name__)

_SPENT_HERE: dict[Path, list[tuple[float, int]]] = {}
"""When how much was spent in this process, by the ledger that cannot be written."""
_HERE = threading.Lock()


def ledger_of(service: str, who: str) -> Path:
    """Where what somebody asks of a service is counted, for all processes of this user on this machine.

    Reddit counts by app, Wikimedia by contact, and the graph scrapes its sources in several processes.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "cic_assets" / f"{service}-{hashlib.sha256(who.encode()).hexdigest()[:12]}.sqlite3"


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


class Allowance:
    """So much in any day, over all threads, processes and runs: what is over it is refused, for nobody waits a day.

    Args:
        most: in any `window`.
        ledger: the file in which it is counted; made if it is not there.
        window: seconds.
        clock: seconds since 1970.
    """

    def __init__(
        self, most: int, ledger: Path, *, window: float = DAY_SECONDS, clock: Callable[[], float] = time.time
    ) -> None:
        self.most = most
        self._ledger = ledger
        self._window = window
        self._clock = clock

    @property
    def left(self) -> int:
        """How much may be spent now; never less than nothing."""
        return max(0, self.most - self._change(0))

    def spend(self, amount: int) -> None:
        """Count what was spent, be it more than is left."""
        self._change(amount)

    def take(self, amount: int = 1) -> bool:
        """Spend it if it is left; whether it was."""
        return self._change(amount, self.most) <= self.most

    def _change(self, amount: int, most: int | None = None) -> int:
        """What is spent with this amount; over `most`, nothing is written down."""
        try:
            return self._change_for_all(amount, most)
        except (OSError, sqlite3.Error) as error:
            return self._change_here(amount, most, error)

    def _change_for_all(self, amount: int, most: int | None) -> int:
        self._ledger.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._ledger, timeout=60, isolation_level=None)) as ledger:
            ledger.execute("BEGIN IMMEDIATE")
            ledger.execute("CREATE TABLE IF NOT EXISTS spent (at REAL NOT NULL, amount INTEGER NOT NULL)")
            now = self._clock()
            # Those in the future are from before the clock was set back.
            ledger.execute("DELETE FROM spent WHERE at <= ? OR at > ?", (now - self._window, now))
            total = int(ledger.execute("SELECT coalesce(sum(amount), 0) FROM spent").fetchone()[0]) + amount
            if amount and (most is None or total <= most):
                ledger.execute("INSERT INTO spent VALUES (?, ?)", (now, amount))
            ledger.execute("COMMIT")
        return total

    def _change_here(self, amount: int, most: int | None, error: Exception) -> int:
        with _HERE:
            if self._ledger not in _SPENT_HERE:
                logger.warning("%s: what is used in a day is counted for this process alone: %s", self._ledger, error)
            now = self._clock()
            spent = [(at, much) for at, much in _SPENT_HERE.get(self._ledger, []) if now - self._window < at <= now]
            total = sum(much for _, much in spent) + amount
            if amount and (most is None or total <= most):
                spent.append((now, amount))
            _SPENT_HERE[self._ledger] = spent
        return total
