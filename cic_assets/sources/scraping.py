"""One scrape of one source: list, fetch what is new, and write the table that says what became of each medium.

Nothing that was seen before is lost when it falls off a subreddit's listings, and no byte is fetched twice: what ended
well is kept, what ended for good is not asked again, what failed in passing is. A folder, an archive or a list shows
all that it has: what was taken out of it is gone from the table too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd
from praw import Reddit

from cic_assets.download import Download, DownloadSettings, FetchRequest, Network, download
from cic_assets.media import Medium, Outcome
from cic_assets.reddit import RedditSettings
from cic_assets.sources.files import is_unchanged, read_files
from cic_assets.sources.limits import judged_again, limits_version
from cic_assets.sources.listing import Listing, list_media
from cic_assets.sources.origins import carried_over
from cic_assets.sources.source import Partition
from cic_assets.sources.table import completed, empty_table, make_row, make_table, rows_not_in, settled, table_version
from cic_assets.storage import ContentStore, DataRoot

TABLE = "raw_images"


@dataclass(frozen=True)
class Connection:
    """How a scrape reaches Reddit and the hosts that posts link to.

    Attributes:
        origin: where the pictures come from, in a word; those of different origins are not mixed in one table.
        reddit: the client; None where no subreddit is asked.
        network: which addresses may be connected to.
    """

    origin: str
    reddit: Reddit | None
    network: Network


@dataclass(frozen=True)
class Scrape:
    """What a scrape found.

    Attributes:
        table: `raw_images` of the partition.
        version: the same exactly when media, outcomes and pictures are the same.
        new_rows: media not seen before.
        gone_rows: media that were taken out of a folder, an archive or a list since.
        fetched_bytes: of pictures, over the network or from a folder.
    """

    table: pd.DataFrame
    version: str
    new_rows: int
    gone_rows: int
    fetched_bytes: int

    @property
    def outcomes(self) -> dict[str, int]:
        """How many media ended in which outcome, most frequent first."""
        return {str(outcome): int(count) for outcome, count in self.table["outcome"].value_counts().items()}

    @property
    def pictures(self) -> pd.DataFrame:
        """One row a picture: the newest post of each."""
        return self.table[self.table["outcome"] == Outcome.OK].drop_duplicates("sha256")


def scrape(
    partition: Partition,
    root: DataRoot,
    connection: Connection,
    reddit_settings: RedditSettings,
    download_settings: DownloadSettings,
    *,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> Scrape:
    """List a source, fetch what is new, and write its `raw_images` table.

    Raises:
        SourceError: a file or folder is not what it should be, or the table holds pictures that are not to be mixed.
        RedditError: the subreddit cannot be listed.
    """
    root.remove_leftovers(TABLE, partition.key)
    stored = _stored(root, partition.key)
    listing = list_media(partition, reddit_settings, connection.reddit, on_progress)
    name = str(root.table_path(TABLE, partition.key))
    before = judged_again(carried_over(stored, partition, connection.origin, listing.media, name), download_settings)
    known = {
        url: became
        for url, became in settled(before, root.images).items()
        if is_unchanged(listing.files.get(url), became)
    }
    wanted = [medium for medium in listing.media if not medium.known_outcome and medium.media_url not in known]
    on_progress(f"{partition.source}: {len(listing.media)} media, {len(wanted)} to fetch")
    fetched = _fetch(wanted, listing, root.images, connection.network, download_settings, on_progress)
    facts = {
        "origin": connection.origin,
        "limits": limits_version(download_settings),
        "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    rows = (
        make_row(medium, became, partition, **facts) for medium, became in _what_became(listing.media, known, fetched)
    )
    table = make_table(rows, before, keep_old=not partition.source.kind.lists_all)
    if not (root.has_table(TABLE, partition.key) and table.equals(stored)):
        root.images.flush()
        root.write_table(TABLE, table, partition.key)
    return Scrape(
        table,
        table_version(table),
        new_rows=len(rows_not_in(stored, table)),
        gone_rows=len(rows_not_in(table, stored)),
        fetched_bytes=sum(one.bytes or 0 for one in fetched.values() if not one.not_modified),
    )


def _stored(root: DataRoot, key: str) -> pd.DataFrame:
    return completed(root.read_table(TABLE, key)) if root.has_table(TABLE, key) else empty_table()


def _what_became(
    media: Sequence[Medium], known: Mapping[str, Download], fetched: Mapping[str, Download]
) -> Iterator[tuple[Medium, Download]]:
    for medium in media:
        url = medium.media_url
        if medium.known_outcome:
            yield medium, Download(url=url, outcome=medium.known_outcome, reason=medium.reason)
        else:
            yield medium, known[url] if url in known else fetched[url]


def _fetch(
    media: Sequence[Medium],
    listing: Listing,
    store: ContentStore,
    network: Network,
    settings: DownloadSettings,
    on_progress: Callable[[str], None],
) -> dict[str, Download]:
    """What became of each URL; each is fetched once, however many media name it."""
    if listing.files:
        return read_files([listing.files[medium.media_url] for medium in media], store, settings, on_progress)
    return download(
        [FetchRequest(url=medium.media_url, fallback_url=medium.fallback_url) for medium in media],
        store=store,
        settings=settings,
        network=network,
        on_result=lambda _download, progress: on_progress(str(progress)),
    )
