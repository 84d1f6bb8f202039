"""Fetching within what a site gives in a day."""

from collections.abc import Callable, Sequence

from cic_assets.domain.download import Download, FetchRequest
from cic_assets.domain.media import Outcome
from cic_assets.domain.pacing import Allowance

A_BATCH = 100
_MOST_BYTES = 2_000_000
"""Of a photo of 1024 pixels, generously: nobody knows how long one is before it is here."""

ALL_USED = "not asked: what its site gives in a day is used"


def fetch_within(
    allowance: Allowance,
    requests: Sequence[FetchRequest],
    fetch: Callable[[Sequence[FetchRequest]], dict[str, Download]],
) -> dict[str, Download]:
    """Fetch some pictures after others as long as there are bytes left for them; the rest is for another day.

    Args:
        allowance: bytes.
        requests: in any order.
        fetch: gives what became of some of them.
    """
    found: dict[str, Download] = {}
    for start in range(0, len(requests), A_BATCH):
        some = requests[start : start + A_BATCH]
        if allowance.left < len(some) * _MOST_BYTES:
            found |= {one.url: _postponed(one.url) for one in requests[start:]}
            return found
        got = fetch(some)
        allowance.spend(sum(one.bytes or 0 for one in got.values()))
        found |= got
    return found


def _postponed(url: str) -> Download:
    return Download(url=url, outcome=Outcome.ERROR, reason=ALL_USED, transient=True)
