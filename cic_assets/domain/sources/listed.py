"""What of a source of Reddit need not be listed again: what an earlier scrape has read to the ends of all listings.

When that was lies in `scratch/listed-SOURCE.json`; without it all is read.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from upath import UPath

from cic_assets.domain.download import DownloadSettings
from cic_assets.domain.media import Outcome
from cic_assets.domain.reddit import IN_A_ROW, Known, RedditSettings
from cic_assets.domain.sources.limits import limits_version
from cic_assets.domain.sources.source import Partition
from cic_assets.domain.sources.table import TABLE, completed, settled
from cic_assets.domain.sources.tombstones import GONE, is_blank, load_tombstones
from cic_assets.storage import DataRoot, content_version, write_atomically

_NEWEST = 1000
"""Media that are looked at: as many posts as a listing shows."""


@dataclass(frozen=True)
class Listings:
    """How the listings of a source were read.

    Attributes:
        root: the data root.
        partition: the source.
        version: the same exactly when they would show and be judged the same.
        patience: how long a reading of all of them counts.
    """

    root: DataRoot
    partition: Partition
    version: str
    patience: timedelta

    @classmethod
    def of(
        cls, root: DataRoot, partition: Partition, origin: str, reddit: RedditSettings, download: DownloadSettings
    ) -> "Listings":
        """By the settings of a scrape. A post's score may rise above a limit, wherever it is listed by then."""
        version = content_version(
            str(partition.source.canonical), origin, reddit.model_dump(mode="json"), limits_version(download)
        )
        days = reddit.relist_after_days if partition.source.kind.is_reddit and reddit.min_score is None else 0
        return cls(root, partition, version, timedelta(days=days))

    def known(self, now: datetime) -> Known:
        """What need not be listed again, and what is wanted all the same; nothing where it is time to read all."""
        key = self.partition.key
        if not self._is_current(now) or not self.root.has_table(TABLE, key):
            return Known()
        table = self.root.read_table(TABLE, key, ["post_id"])
        newest = completed(self.root.read_table(TABLE, key).head(_NEWEST))
        waits = ~newest["media_url"].isin(list(settled(newest, self.root.images, now)))
        again = newest.loc[waits & (newest["outcome"] != Outcome.SKIPPED), "post_id"]
        return Known(frozenset(table["post_id"]), frozenset(again) | self._returned())

    def remember(self, now: datetime, posts: int, *, is_whole: bool) -> None:
        """Write down that all listings were read, once the table is written that says what they showed.

        Args:
            now: when.
            posts: that the table has; of few nothing is written, as they are all read each time.
            is_whole: whether all were read.
        """
        if is_whole and self.patience and posts >= IN_A_ROW:
            read = {"version": self.version, "at": now.isoformat()}
            write_atomically(self._path, json.dumps(read).encode())

    def _returned(self) -> frozenset[str]:
        """Posts whose rows are blank although nothing says any more that they are gone."""
        key, tombstones = self.partition.key, load_tombstones(self.root).table
        gone = tombstones.loc[tombstones["reason"].isin(GONE), ["post_id", "crosspost_of"]]
        rows = self.root.read_rows(TABLE, key, ["post_id", "media_url", "reason"], {"media_url": [""]})
        blank = rows.loc[is_blank(rows), "post_id"]
        return frozenset(blank).difference(gone["post_id"], gone["crosspost_of"])

    def _is_current(self, now: datetime) -> bool:
        try:
            read = json.loads(self._path.read_text())
            age = now - datetime.fromisoformat(read["at"])
            return bool(read["version"] == self.version) and timedelta(0) <= age < self.patience
        except (OSError, ValueError, TypeError, LookupError):  # none, or damaged
            return False

    @property
    def _path(self) -> UPath:
        return self.root.scratch / f"listed-{self.partition.key}.json"
