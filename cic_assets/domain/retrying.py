"""When to ask again: what an answer says of it, and our own back-off where it says nothing."""

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
"""What may pass by itself: RFC 9110's, RFC 8470's 425, and Cloudflare's 52x for an origin that does not answer."""

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
    except (ValueError, OverflowError):  # of a year or a zone without end
        return None
    if moment.tzinfo is None:  # HTTP dates are in UTC, whether or not they say so
        moment = moment.replace(tzinfo=UTC)
    # A date has whole seconds: the second that it names is over one second later.
    return max(0.0, (moment - now).total_seconds())


def backoff(failures: int, first: float = 1.0, longest: float = 20.0) -> float:
    """Seconds before the next attempt: doubled for each failure, spread from half to one and a half.

    Spreading keeps clients that failed together from coming back together (M. Brooker, "Exponential Backoff and
    Jitter", AWS Architecture Blog, 2015).

    Args:
        failures: so far, at least 1.
        first: mean wait after the first, in seconds.
        longest: mean wait that it grows to.
    """
    # No secret depends on this randomness.
    return min(first * 2.0 ** min(failures - 1, 60), longest) * random.uniform(0.5, 1.5)  # noqa: S311
