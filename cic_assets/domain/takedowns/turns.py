"""Whose turn it is to be asked about: by how old a post is and when it was asked about last.

Most of what goes, goes in its first days. Whatever is kept is asked about so often that what is gone is away within the
48 hours that Reddit's terms give, at two checks of a day or more.

When each was asked about last lies in `scratch/asked-SOURCE.parquet`; without it all turns begin anew.
"""

from collections.abc import Collection
from datetime import datetime
from itertools import chain, zip_longest

import numpy as np
import pandas as pd
from upath import UPath

from cic_assets.storage import DataRoot, write_parquet_atomically

EACH_TIME = 10_000
"""Posts of a source that every check asks about, however old they are: one minute of what Reddit answers."""

_HOUR = 3600.0
_YOUNG, _OLD = 48 * _HOUR, 30 * 24 * _HOUR
_PAUSE, _LONG_PAUSE = 11 * _HOUR, 23 * _HOUR
"""Seconds after an answer in which a post is not asked about again: none of one that is young, and a long one of one
that is old. A day's check that comes an hour early still asks, and what is left out of an answer is not settled before
the check after it: 23 hours, twice 12 between two checks, are 47."""


def in_turn(root: DataRoot, key: str, posts: "pd.Series[float]", gone: Collection[str], now: datetime) -> list[str]:
    """Posts that it is time to ask about, in the order in which to ask: never asked first, then longest overdue.

    What is gone and may be up again comes first, but every other one is of those that are up: many that never return
    would keep these from their turn.

    Args:
        root: the data root.
        key: of the source's partition.
        posts: when each of those that are kept was posted, in seconds since 1970, by its id.
        gone: posts with tombstones, or that wait for a second look, no matter whether they are in `posts` too.
        now: the moment of the check.
    """
    asked = _asked(root, key)
    up = posts[~posts.index.isin(list(gone))]
    away = pd.Series(np.inf, pd.Index(sorted(gone), dtype="str"))  # of whatever age, the next check asks again
    orders = (_due(one, asked, now.timestamp()) for one in (away, up))
    return [name for name in chain.from_iterable(zip_longest(*orders)) if name]


def _due(posted: "pd.Series[float]", asked: "pd.Series[float]", now: float) -> list[str]:
    """Those whose time it is, and as many more as are asked about each time."""
    ages = now - posted.to_numpy(np.float64)
    pauses = np.select([ages < _YOUNG, ages < _OLD], [0.0, _PAUSE], _LONG_PAUSE)
    due_at = asked.reindex(posted.index).fillna(-np.inf).to_numpy(np.float64) + pauses
    order = np.lexsort((pd.factorize(posted.index, sort=True)[0], due_at))
    count = max(EACH_TIME, int((due_at <= now).sum()))
    return list(posted.index[order[:count]])


def remember_asked(root: DataRoot, key: str, posts: Collection[str], answered: Collection[str], when: datetime) -> None:
    """Write down who had their turn, where not all have at each check.

    Args:
        root: the data root, whose lock is held.
        key: of the source's partition.
        posts: all that could be asked about; others are forgotten.
        answered: those that were asked about.
        when: now.
    """
    if not len(answered) or len(posts) == len(answered) <= EACH_TIME:
        return
    before = _asked(root, key)
    now = pd.Series(when.timestamp(), pd.Index(list(answered), dtype="str"))
    asked = pd.concat([before[~before.index.isin(now.index)], now])
    asked = asked[asked.index.isin(pd.Index(list(posts), dtype="str"))].sort_index()
    write_parquet_atomically(_path(root, key), [pd.DataFrame({"post_id": asked.index, "asked_at": asked.to_numpy()})])


def forget_turns(root: DataRoot, key: str) -> None:
    """Remove what is known of a source's turns."""
    _path(root, key).unlink(missing_ok=True)


def _asked(root: DataRoot, key: str) -> "pd.Series[float]":
    try:
        with _path(root, key).open("rb") as file:
            table = pd.read_parquet(file)
        return pd.Series(table["asked_at"].to_numpy(np.float64), pd.Index(table["post_id"], dtype="str"))
    except (OSError, ValueError, LookupError):  # none yet, or damaged
        return pd.Series(dtype="float64", index=pd.Index([], dtype="str"))


def _path(root: DataRoot, key: str) -> UPath:
    return root.scratch / f"asked-{key}.parquet"
