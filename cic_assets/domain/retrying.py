"""What an answer says of when to ask again."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_LONGEST = 999_999_999.0
"""Whoever says more means for ever; 30 years are."""


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks to wait, never negative; None without the header or if it makes no sense.

    Args:
        value: seconds, or an HTTP date (RFC 9110, 10.2.3); Reddit's X-Ratelimit-Reset, which has fractions, too.
        now: the current time, with its zone.
    """
    if value is None:
        return None
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), _LONGEST)
    return _seconds_until(value, now or datetime.now(UTC))


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:  # HTTP dates are in UTC, whether or not they say so
        moment = moment.replace(tzinfo=UTC)
    # A date has whole seconds: the second that it names is over one second later.
    return max(0.0, (moment - now).total_seconds())
