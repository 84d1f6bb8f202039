"""The order of Reddit's listings, by its own published formulas (reddit-archive, r2/lib/db/_sorts.pyx).

Scores alone are recorded, so up- and downvotes are worked out from the score and the ratio of upvotes.
"""

import math
from collections.abc import Callable, Sequence

from cic_assets.domain.reddit import Post, Sort, TimeFilter

_SECONDS: dict[TimeFilter, float] = {
    "hour": 3600,
    "day": 86400,
    "week": 7 * 86400,
    "month": 30 * 86400,
    "year": 365 * 86400,
    "all": math.inf,
}
_REDDIT_EPOCH = 1134028003
"""8 December 2005, from which `hot` counts."""
_HOT_SECONDS = 45000
"""A post that is so much younger may have a tenth of the score and be as hot: 12.5 hours."""


def ranked(posts: Sequence[Post], sort: Sort, within: TimeFilter, now: float) -> list[Post]:
    """The posts that a listing shows, in its order; equal ones newest first.

    Args:
        posts: submissions with `created_utc`, `score` and, for `controversial`, `upvote_ratio`.
        sort: which listing.
        within: `top` and `controversial` show posts that are not older than this; others show all.
        now: seconds since 1970 from which ages count.
    """
    newest_first = sorted(posts, key=lambda post: float(post["created_utc"]), reverse=True)
    if sort == "new":
        return newest_first
    if sort == "rising":
        young = [post for post in newest_first if now - post["created_utc"] <= _SECONDS["day"]]
        return sorted(young, key=lambda post: _votes_an_hour(post, now), reverse=True)
    if sort == "hot":
        return sorted(newest_first, key=_hot, reverse=True)
    recent = [post for post in newest_first if now - post["created_utc"] <= _SECONDS[within]]
    key: Callable[[Post], float] = _score if sort == "top" else _controversy
    return sorted(recent, key=key, reverse=True)


def _score(post: Post) -> float:
    return float(post.get("score") or 0)


def _hot(post: Post) -> float:
    score = _score(post)
    order = math.log10(max(abs(score), 1))
    sign = (score > 0) - (score < 0)
    return sign * order + float(post["created_utc"] - _REDDIT_EPOCH) / _HOT_SECONDS


def _votes_an_hour(post: Post, now: float) -> float:
    # Reddit does not publish how `rising` works; this is what its help says: votes now, for the age.
    return _score(post) / (1 + float(now - post["created_utc"]) / 3600)


def _controversy(post: Post) -> float:
    ups, downs = _votes(post)
    if ups <= 0 or downs <= 0:
        return 0.0
    balance = downs / ups if ups > downs else ups / downs
    return float((ups + downs) ** balance)


def _votes(post: Post) -> tuple[float, float]:
    """Up- and downvotes that give this score and ratio: score = ups - downs, ratio = ups / (ups + downs)."""
    score, ratio = _score(post), float(post.get("upvote_ratio") or 1.0)
    if ratio == 0.5:  # noqa: PLR2004  half up, half down: any number of votes gives a score of 0
        return 1.0, 1.0
    total = score / (2 * ratio - 1)
    return ratio * total, (1 - ratio) * total
