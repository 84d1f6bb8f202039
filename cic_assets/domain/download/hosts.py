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
        self._given_up: dict[str, tuple[Outcome, str]] = {}

    def succeeded(self, host: str) -> None:
        """It answered, be it with a 404."""
        self._in_a_row[host] = 0
        self._given_up.pop(host, None)

    def failed(self, host: str, failure: FetchError) -> None:
        """It gave no answer, or told us to wait."""
        self._in_a_row[host] += 1
        if self._in_a_row[host] >= self._most:
            self.give_up(host, failure, f"failed {self._most} times in a row")

    def refused(self, host: str, failure: FetchError) -> int:
        """It said that it is asked too fast: how often in a row."""
        self._in_a_row[host] += 1
        if self._in_a_row[host] >= min(self._most, MOST_REFUSALS):
            self.give_up(host, failure, "lets nothing through")
        return self._in_a_row[host]

    def give_up(self, host: str, failure: FetchError, why: str) -> None:
        """Ask it no more, unless an answer comes after all."""
        reason = f"not asked: {host} {why} ({failure.reason})"
        self._given_up.setdefault(host, (failure.outcome, reason))

    def is_given_up(self, host: str) -> bool:
        """Whether a host had its chances."""
        return host in self._given_up

    def check(self, host: str) -> None:
        """Raise a failure like its last one if a host had its chances."""
        if host in self._given_up:
            outcome, reason = self._given_up[host]
            raise FetchError(outcome, reason, host_fault=True)
