"""What may pass by itself, and our own back-off with jitter."""

import random

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
"""What may pass by itself: RFC 9110's, RFC 8470's 425, and Cloudflare's 52x for an origin that does not answer."""


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
