"""When what gave no picture is asked for again: soon at first, then ever later, and not for ever."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cic_assets.domain.download import Download
from cic_assets.domain.media import Outcome

MOST_ASKS = 8
"""Scrapes that ask for a URL in vain. With waits of 1, 2, 4 … days between them the last comes some months later."""

_PASSING = frozenset({Outcome.TIMEOUT, Outcome.ERROR, Outcome.SKIPPED})
"""Outcomes that may pass whatever their cause; others do if the download says so: a 503, a body cut short."""

_REFUSED = re.compile(r"HTTP (?!404|410)\d|an HTML page")
"""Reasons of an answer that may be another in some days: a login, a blocked country, a hotel's own page. Whoever says
404 or 410 means it."""


class Asked(NamedTuple):
    """How often in a row a URL was asked for in vain, by one scrape each, and when last (ISO 8601)."""

    times: int = 0
    at: str = ""


def asked_so_far(table: pd.DataFrame) -> dict[str, Asked]:
    """The same by URL, from an earlier table."""
    return dict(zip(table["media_url"], map(Asked, table["asks"], table["asked_at"]), strict=True))


def asked_now(became: Download, before: Asked, when: str) -> Asked:
    """The same of a URL that this scrape asked for; nothing where that settled it."""
    may_change = became.transient or became.outcome in _PASSING or _is_refused(became.outcome, became.reason)
    return Asked(before.times + 1, when) if may_change else Asked()


def is_due(table: pd.DataFrame, now: datetime) -> "pd.Series[bool]":
    """Which rows of an earlier table are to be asked for again.

    What failed in passing by the next scrape and then after 1, 2, 4 … days; what was refused after 1, 2, 4 … days.
    """
    passing = table["transient"] | table["outcome"].isin(_PASSING)
    said = [_is_refused(outcome, reason) for outcome, reason in zip(table["outcome"], table["reason"], strict=True)]
    refused = ~passing & (table["asks"] > 0) & np.array(said, bool)
    doublings = table["asks"].clip(upper=MOST_ASKS) - 2 + refused
    # A scrape of every day does not come at the same second.
    hours = np.where(doublings >= 0, 24 * 2.0**doublings - 1, 0)
    asked_at = pd.to_datetime(table["asked_at"], utc=True, format="ISO8601", errors="coerce")
    is_time = asked_at.isna() | (asked_at + pd.to_timedelta(hours, unit="h") <= now)
    return (passing | refused) & (table["asks"] < MOST_ASKS) & is_time


def marked_due(table: pd.DataFrame, hit: "pd.Series[bool]") -> pd.DataFrame:
    """A table some rows of which are to be asked for again by the next scrape, as if for the first time."""
    return table.assign(
        transient=table["transient"] | hit, asks=table["asks"].mask(hit, 0), asked_at=table["asked_at"].mask(hit, "")
    )


def with_outcome(table: pd.DataFrame, outcomes: Collection[Outcome]) -> "pd.Series[bool]":
    """Which rows of a table ended so; not what was taken down, of which nothing is left to ask for."""
    return table["outcome"].isin(outcomes) & (table["media_url"] != "")


def _is_refused(outcome: Any, reason: str) -> bool:
    return outcome in (Outcome.HTTP_ERROR, Outcome.NOT_AN_IMAGE) and _REFUSED.match(reason) is not None
