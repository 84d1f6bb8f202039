"""When to ask again: the host's Retry-After, and our own back-off with jitter."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
"""What may pass by itself: RFC 9110's, RFC 8470's 425, and Cloudflare's 52x for an origin that does not answer."""


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks to wait, never negative; None without the header or if it makes no sense.

    Args:
        value: seconds, or an HTTP date (RFC 9110, 10.2.3).
        now: the current time, with its zone.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # A date has whole seconds: the second that it names is over one second later.
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def backoff(attempt: int, base: float) -> float:
    """Seconds before the next attempt: `base`, doubled for each failure, spread from half to one and a half.

    Spreading keeps clients that failed together from coming back together (M. Brooker, "Exponential Backoff and
    Jitter", AWS Architecture Blog, 2015).

    Args:
        attempt: failures so far, at least 1.
        base: mean wait after the first, in seconds.
    """
    # No secret depends on this randomness.
    return float(base * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311
