"""Which hosts are not worth asking again in a run."""

from collections import Counter

from cic_assets.domain.download.results import FetchError
from cic_assets.domain.media import Outcome

MOST_REFUSALS = 8
"""A host that says so often in a row that it is asked too fast, each time to fewer requests, lets nothing through."""


class HostHealth:
    """Counts each host's failures in a row, so that ten thousand URLs of a dead host do not take a day."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_a_row: Counter[str] = Counter()
        self._dead: dict[str, tuple[Outcome, str]] = {}
        self._left_alone: dict[str, tuple[Outcome, str]] = {}

    def succeeded(self, host: str) -> None:
        """It answered, be it with a 404: it is not dead."""
        self._in_a_row[host] = 0
        self._dead.pop(host, None)

    def failed(self, host: str, failure: FetchError) -> None:
        """It gave no answer, or told us to wait."""
        self._in_a_row[host] += 1
        if self._in_a_row[host] >= self._most:
            self._dead.setdefault(host, _last_words(host, failure, f"failed {self._most} times in a row"))

    def refused(self, host: str, failure: FetchError) -> int:
        """It said that it is asked too fast: how often in a row."""
        self._in_a_row[host] += 1
        if self._in_a_row[host] >= min(self._most, MOST_REFUSALS):
            self.leave_alone(host, failure, "lets nothing through")
        return self._in_a_row[host]

    def leave_alone(self, host: str, failure: FetchError, why: str) -> None:
        """Ask it no more, whatever it still answers to requests that were under way: it said so."""
        self._left_alone.setdefault(host, _last_words(host, failure, why))

    def is_left_alone(self, host: str) -> bool:
        """Whether it is asked no more, come what may."""
        return host in self._left_alone

    def check(self, host: str) -> None:
        """Raise a failure like its last one if a host had its chances."""
        words = self._left_alone.get(host) or self._dead.get(host)
        if words:
            outcome, reason = words
            raise FetchError(outcome, reason, host_fault=True)


def _last_words(host: str, failure: FetchError, why: str) -> tuple[Outcome, str]:
    return failure.outcome, f"not asked: {host} {why} ({failure.reason})"
