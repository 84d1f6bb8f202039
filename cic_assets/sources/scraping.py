"""One scrape of one source: list, fetch what is new, and write the table that says what became of each medium.

Nothing that was seen before is lost when it falls off a listing, and no byte is fetched twice: what ended well is
kept, what ended for good is not asked again, what failed in passing is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from praw import Reddit

from cic_assets.download import Download, DownloadSettings, FetchRequest, Network, download
from cic_assets.images import inspect
from cic_assets.media import Medium, Outcome
from cic_assets.reddit import RedditSettings
from cic_assets.sources.listing import Listing, SourceError, list_media
from cic_assets.sources.source import Partition
from cic_assets.sources.table import empty_table, make_row, make_table, settled, table_version
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
        fetched_bytes: of pictures, over the network or from a folder.
    """

    table: pd.DataFrame
    version: str
    new_rows: int
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
        SourceError: a file or folder is not what it should be, or the table holds pictures of another origin.
        RedditError: the subreddit cannot be listed.
    """
    before = _before(root, partition.key, connection.origin)
    listing = list_media(partition, reddit_settings, connection.reddit, on_progress)
    known = settled(before, root.images)
    wanted = [medium for medium in listing.media if not medium.known_outcome and medium.media_url not in known]
    on_progress(f"{partition.source}: {len(listing.media)} media, {len(wanted)} to fetch")
    fetched = _fetch(wanted, listing, root.images, connection.network, download_settings, on_progress)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    rows = (
        make_row(medium, became, partition.key, connection.origin, when)
        for medium, became, when in _what_became(listing.media, known, fetched, now)
    )
    table = make_table(rows, before)
    root.images.flush()
    root.write_table(TABLE, table, partition.key)
    return Scrape(
        table,
        table_version(table),
        new_rows=len(table) - len(before),
        fetched_bytes=sum(one.bytes or 0 for one in fetched.values() if not one.not_modified),
    )


def _before(root: DataRoot, key: str, origin: str) -> pd.DataFrame:
    if not root.has_table(TABLE, key):
        return empty_table()
    table = root.read_table(TABLE, key)
    others = sorted(set(table["origin"]) - {origin})
    if others:
        raise SourceError(
            f"{root.table_path(TABLE, key)} holds pictures from {', '.join(others)}, which are not mixed with those "
            f"from {origin}: use another data root, or remove that table"
        )
    return table


def _what_became(
    media: Sequence[Medium], known: Mapping[str, tuple[Download, str]], fetched: Mapping[str, Download], now: str
) -> Iterator[tuple[Medium, Download, str]]:
    for medium in media:
        if medium.known_outcome:
            yield medium, Download(url=medium.media_url, outcome=medium.known_outcome, reason=medium.reason), now
        elif medium.media_url in known:
            yield medium, *known[medium.media_url]
        else:
            yield medium, fetched[medium.media_url], now


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
        files = {medium.media_url: listing.files[medium.media_url] for medium in media}
        return _read_files(files, store, settings, on_progress)
    return download(
        [FetchRequest(url=medium.media_url, fallback_url=medium.fallback_url) for medium in media],
        store=store,
        settings=settings,
        network=network,
        on_result=lambda _download, progress: on_progress(str(progress)),
    )


def _read_files(
    files: Mapping[str, Path], store: ContentStore, settings: DownloadSettings, on_progress: Callable[[str], None]
) -> dict[str, Download]:
    def read(item: tuple[str, Path]) -> Download:
        return _read_file(item[0], item[1], store, settings)

    results: dict[str, Download] = {}
    with ThreadPoolExecutor(settings.workers) as pool:
        for result in pool.map(read, files.items()):
            results[result.url] = result
            on_progress(f"{len(results)} of {len(files)} files")
    return results


def _read_file(url: str, path: Path, store: ContentStore, settings: DownloadSettings) -> Download:
    size = path.stat().st_size
    if size > settings.max_bytes:
        reason = f"{size} bytes, at most {settings.max_bytes} are taken"
        return Download(url=url, outcome=Outcome.TOO_LARGE, reason=reason)
    data = path.read_bytes()
    inspection = inspect(data, settings.limits)
    header = inspection.header
    if inspection.outcome is not Outcome.OK or header is None:
        return Download(url=url, outcome=inspection.outcome, reason=inspection.reason, bytes=size)
    return Download(
        url=url,
        outcome=Outcome.OK,
        sha256=store.put(data, header.format),
        format=header.format,
        width=header.width,
        height=header.height,
        bytes=size,
        final_url=url,
    )
