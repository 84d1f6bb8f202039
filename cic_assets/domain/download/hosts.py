"""Which hosts are not worth asking again in a run."""

from collections import Counter

from cic_assets.domain.download.results import FetchError


class HostHealth:
    """Counts each host's failures in a row, so that ten thousand URLs of a dead host do not take a day."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_a_row: Counter[str] = Counter()
        self._last: dict[str, FetchError] = {}

    def succeeded(self, host: str) -> None:
        """It answered, be it with a 404."""
        self._in_a_row[host] = 0

    def failed(self, host: str, failure: FetchError) -> None:
        """It gave no answer, or told us to wait."""
        self._in_a_row[host] += 1
        if self._in_a_row[host] <= self._most:
            self._last[host] = failure

    def check(self, host: str) -> None:
        """Raise a failure like its last one if a host had its chances."""
        if self._in_a_row[host] >= self._most:
            last = self._last[host]
            reason = f"not asked: {host} failed {self._most} times in a row ({last.reason})"
            raise FetchError(last.outcome, reason, host_fault=True)
