"""Sources that the problem names no more: what they left stays, and nothing asks whether its posts are still up."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from cic_assets.domain.sheets import remove_sheets_of
from cic_assets.domain.sources import TOMBSTONES, TakedownReason, load_tombstones, remove_journal
from cic_assets.domain.takedowns.by_hand import keys_of
from cic_assets.domain.takedowns.removal import RAW, carry_out, remove
from cic_assets.domain.takedowns.turns import forget_turns
from cic_assets.storage import DataRoot

_FOR_GOOD = frozenset({TakedownReason.DELETED, TakedownReason.PURGED, TakedownReason.PURGED_PICTURE})
"""What is gone and can never return."""


@dataclass(frozen=True)
class Dropped:
    """What a source left, or had before it was removed.

    Attributes:
        key: of its partition.
        pictures: that it alone has.
        kept: that another source has too.
    """

    key: str
    pictures: int
    kept: int


def dropped_sources(root: DataRoot, keys: Collection[str]) -> list[Dropped]:
    """The sources of which a data root has tables, but the problem has no partition.

    Args:
        root: the data root.
        keys: of the problem's partitions.
    """
    left = [key for key in root.table_partitions(RAW) if key not in keys]
    return [_Source(root, key).as_dropped() for key in left]


def remove_source(root: DataRoot, key: str, on_progress: Callable[[str], None] = lambda _line: None) -> Dropped:
    """Remove everything that came from one source alone. What can never return of it stays refused.

    Interrupted, it is ended by the same call: the table that says what is to go is the last to go.

    Args:
        root: the data root.
        key: of the source's partition.
        on_progress: called with a line where something is removed.

    Raises:
        PurgeError: there is no such source; nothing was changed.
    """
    with root.lock.held(on_progress):
        return _remove_source(root, key, on_progress)


def _remove_source(root: DataRoot, key: str, on_progress: Callable[[str], None]) -> Dropped:
    (key,) = keys_of(root, key)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    carry_out(root, key, when, on_progress)  # of a purge that was interrupted, while its rows are there
    source = _Source(root, key)
    done = source.as_dropped()
    on_progress(f"{key}: removing {done.pictures} pictures")
    remove(root, source.alone, source.alone, source.posts, when, on_progress)
    remove_sheets_of(root, key)
    _forget_what_may_return(root, key)
    remove_journal(root, key)
    forget_turns(root, key)
    for name in sorted(set(root.table_names()) - {TOMBSTONES}, key=lambda name: name == RAW):
        root.remove_unfinished(name, key)
        root.remove_table(name, key)
    return done


def _forget_what_may_return(root: DataRoot, key: str) -> None:
    """No check of this source will lift its tombstones, and they count for posts of other sources too."""
    table = load_tombstones(root, key).table
    root.write_table(TOMBSTONES, table[table["reason"].isin(_FOR_GOOD)], key)


class _Source:
    """One source's posts and pictures, and which of these no other source has."""

    def __init__(self, root: DataRoot, key: str) -> None:
        raw = root.read_table(RAW, key)
        others = [root.read_table(RAW, other) for other in root.table_partitions(RAW) if other != key]
        self._key = key
        self.posts = frozenset(zip(raw["subreddit"], raw["post_id"], strict=True))
        self._pictures = _pictures(raw)
        self.alone = self._pictures - frozenset().union(*map(_pictures, others))

    def as_dropped(self) -> Dropped:
        return Dropped(self._key, len(self.alone), len(self._pictures - self.alone))


def _pictures(raw: pd.DataFrame) -> frozenset[str]:
    """Also those that are kept but not used: too small for today's limits, or adult."""
    return frozenset(raw["sha256"]) - {""}
