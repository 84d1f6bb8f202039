"""One scrape of one source: list, fetch what is new, and write the table that says what became of each medium.

Nothing that was seen before is lost when it falls off a subreddit's listings, and what is here is not fetched again:
what ended well is kept, what ended for good is not asked again, what failed in passing is, at growing intervals. A
folder, an archive or a list shows all that it has: what was taken out of it is gone from the table too.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from cic_assets.domain.download import Download, DownloadSettings, FetchRequest, Network, Progress, download
from cic_assets.domain.licenses import SHAREABLE
from cic_assets.domain.media import Medium, Outcome, is_item
from cic_assets.domain.pacing import Allowance
from cic_assets.domain.reddit import RedditSettings
from cic_assets.domain.sources.allowances import fetch_within
from cic_assets.domain.sources.asking import Asked, asked_now, asked_so_far, marked_due, with_outcome
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.files import is_unchanged, read_files
from cic_assets.domain.sources.journal import Journal, fetched_elsewhere, remove_journal, remove_unnamed
from cic_assets.domain.sources.limits import judged_again, judged_by_licenses, judged_by_selection, limits_version
from cic_assets.domain.sources.listed import Listings
from cic_assets.domain.sources.listing import Listing, list_media, request_for
from cic_assets.domain.sources.open_access import OpenAccess
from cic_assets.domain.sources.open_sources import bytes_allowance
from cic_assets.domain.sources.origins import carried_over
from cic_assets.domain.sources.posts import keep_posts
from cic_assets.domain.sources.selections import selection_of
from cic_assets.domain.sources.source import Partition
from cic_assets.domain.sources.table import (
    TABLE,
    complete_row,
    completed,
    count_changes,
    empty_table,
    make_row,
    make_table,
    settled,
    table_version,
)
from cic_assets.domain.sources.tombstones import WORDS, TakedownReason, Tombstones, blank_row, is_blank, load_tombstones
from cic_assets.storage import DataRoot, storable_text

if TYPE_CHECKING:
    from praw import Reddit

CHANGED_MEANWHILE = "taken down, or put up again, while the source was scraped: asked for at the next scrape"


@dataclass(frozen=True)
class Connection:
    """How a scrape reaches Reddit and the hosts that posts link to.

    Attributes:
        origin: where the pictures come from, in a word; those of different origins are not mixed in one table.
        reddit: the client; None where no subreddit is asked.
        network: which addresses may be connected to.
        contact: of the person who runs this, for open sources.
        licenses: families of licences that are taken from open sources.
    """

    origin: str
    reddit: "Reddit | None"
    network: Network
    contact: str = ""
    licenses: Collection[str] = SHAREABLE

    @property
    def access(self) -> OpenAccess:
        """How open sources are asked."""
        return OpenAccess(self.network, self.contact, self.licenses)


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
    now: datetime | None = None,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> Scrape:
    """List a source, fetch what is new, and write its `raw_images` table.

    What was taken down is neither fetched nor described again, whatever the source says of it.

    Raises:
        SourceError: a file or folder is not what it should be, or the table holds pictures that are not to be mixed.
        RedditError: the subreddit cannot be listed.
    """
    now, had_table = now or datetime.now(UTC), root.has_table(TABLE, partition.key)
    listings = Listings.of(root, partition, connection.origin, reddit_settings, download_settings)
    listing = list_media(
        partition, reddit_settings, connection.reddit, on_progress, connection.access, listings.known(now)
    )
    if partition.source.kind.is_open:
        download_settings = connection.access.downloading(partition.source, download_settings)
    state = _State(partition, root, connection, listing, download_settings, now)
    journal = Journal(root, partition.key, connection.origin, limits_version(download_settings))
    refusing = state.refusing
    found = {} if listing.files else _fetched_before(journal, state.new_urls, refusing.placeholders)
    wanted = [medium for medium in state.wanted if medium.media_url not in found]
    on_progress(f"{partition.source}: {len(listing.media)} media, {len(wanted)} to fetch")
    allowance = bytes_allowance(partition.source.kind, connection.access)
    fetched = _fetch(wanted, listing, journal, connection.network, refusing, on_progress, allowance)
    # Others may have scraped it, or taken something down, while the pictures were fetched.
    with root.lock.held(on_progress):
        if had_table and not root.has_table(TABLE, partition.key):
            remove_unnamed(root, partition.key, {one.sha256 for one in fetched.values() if one.sha256})
            raise SourceError(f"{partition.key} was removed while it was scraped: nothing of it is written")
        state = state.renewed()
        table = state.table_with(found, fetched)
        if not (root.has_table(TABLE, partition.key) and table.equals(state.stored)):
            root.images.flush()
            root.remove_unfinished(TABLE, partition.key)
            root.write_table(TABLE, table, partition.key)
        if partition.source.kind.is_reddit:
            state.keep_posts(table)
        remove_unnamed(root, partition.key, {one.sha256 for one in (found | fetched).values() if one.sha256})
        remove_journal(root, partition.key)
        listings.remember(now, table["post_id"].nunique(), is_whole=listing.is_whole)
    new_rows, gone_rows = count_changes(state.stored, table)
    return Scrape(
        table,
        table_version(table),
        new_rows=new_rows,
        gone_rows=gone_rows,
        fetched_bytes=sum(one.bytes or 0 for one in fetched.values()),
    )


class _State:
    """What is known of a source at a moment: its table, what was taken down, and so what is still to be fetched."""

    def __init__(
        self,
        partition: Partition,
        root: DataRoot,
        connection: Connection,
        listing: Listing,
        settings: DownloadSettings,
        now: datetime,
    ) -> None:
        self._partition, self._root, self._connection, self._listing = partition, root, connection, listing
        self._settings, self._now, self._when = settings, now, now.isoformat(timespec="seconds")
        self._images = root.images
        self._file = _file_of(root, partition.key)
        self.stored = _stored(root, partition.key)
        name = str(root.table_path(TABLE, partition.key))
        before = carried_over(self.stored, partition, connection.origin, listing.media, name)
        if partition.source.kind.is_open:
            before = judged_by_licenses(before, connection.licenses, root.images, self._when)
        elif partition.source.kind.is_reddit:
            before = judged_by_selection(before, selection_of(partition.source), root.images, self._when)
        self._before = judged_again(before, settings)
        self._tombstones = load_tombstones(root)
        self._media = _allowed(listing.media, self._tombstones)
        # What fell off the listings, as most of a table has, is kept as it is.
        urls = {storable_text(one.media_url) for one in self._media}
        self._listed = self._before[self._before["media_url"].isin(urls)]
        self._known = {
            url: became
            for url, became in settled(self._listed, root.images, now).items()
            if is_unchanged(listing.files.get(url), became)
        }

    def renewed(self) -> "_State":
        """The state of now: this one, if nothing has changed."""
        key = self._partition.key
        is_same = self._file is not None and _file_of(self._root, key) == self._file  # or what is in it may be, still
        if (is_same or _stored(self._root, key).equals(self.stored)) and (
            load_tombstones(self._root).reach == self._tombstones.reach
        ):
            return self
        return _State(self._partition, self._root, self._connection, self._listing, self._settings, self._now)

    @property
    def new_urls(self) -> set[str]:
        """Of what is to be fetched."""
        return {one.media_url for one in self.wanted}

    @property
    def wanted(self) -> list[Medium]:
        """What is to be fetched."""
        return [one for one in self._media if not one.known_outcome and one.media_url not in self._known]

    @property
    def refusing(self) -> DownloadSettings:
        """Settings by which pictures that were purged are refused too."""
        refused = self._settings.placeholders | self._tombstones.purged_pictures
        return self._settings.model_copy(update={"placeholders": refused})

    def table_with(self, found: Mapping[str, Download], fetched: Mapping[str, Download]) -> pd.DataFrame:
        """The source's table, with what became of what was fetched now, and of what was found to be here already."""
        facts = {
            "origin": self._connection.origin,
            "limits": limits_version(self._settings),
            "fetched_at": self._when,
        }
        asked = asked_so_far(self._listed)
        became, pictures = {**found, **fetched}, _kept_pictures(self._listed)
        if not self._listing.files:  # a file that is here is looked at each time
            asked |= {url: asked_now(one, asked.get(url, Asked()), facts["fetched_at"]) for url, one in became.items()}
        rows = [
            make_row(
                medium,
                self._became(medium, became, pictures),
                self._partition,
                **facts,
                asked=asked.get(medium.media_url, Asked()),
            )
            for medium in self._media
        ]
        rows += _refused(self._listing.media, self._tombstones, self._before, self._partition, facts)
        keep_old = not self._partition.source.kind.lists_all
        return make_table(rows, _without_returned(self._before, self._media), keep_old=keep_old)

    def keep_posts(self, table: pd.DataFrame) -> None:
        """Keep what Reddit sent of the posts of the source's table."""
        keep_posts(self._root, self._partition.key, self._listing.posts, table, self._tombstones.anonymous)

    def _became(
        self, medium: Medium, fetched: Mapping[str, Download], pictures: Mapping[str, tuple[str, str]]
    ) -> Download:
        url = medium.media_url
        if medium.known_outcome:
            return _as_known(medium, pictures.get(url, ("", "")))
        became = self._known.get(url) or fetched.get(url)
        if became is None or (became.outcome is Outcome.OK and not self._has(became)):
            return Download(url=url, outcome=Outcome.ERROR, reason=CHANGED_MEANWHILE, transient=True)
        if became.sha256 in self._tombstones.purged_pictures:
            return Download(url=url, outcome=Outcome.PLACEHOLDER, reason=WORDS[TakedownReason.PURGED_PICTURE])
        return became

    def _has(self, picture: Download) -> bool:
        return bool(picture.sha256 and picture.format and self._images.has(picture.sha256, picture.format))


def ask_again(root: DataRoot, outcomes: Collection[Outcome], key: str) -> int:
    """Have the next scrape of a source ask for whatever ended so, however often it was asked for; returns how much.

    Raises:
        MissingTableError: the source was not scraped yet.
    """
    with root.lock.held():
        table = completed(root.read_table(TABLE, key))
        hit = with_outcome(table, outcomes)
        if hit.any():
            root.write_table(TABLE, marked_due(table, hit), key)
    return int(hit.sum())


def _file_of(root: DataRoot, key: str) -> object:
    """Of a table on a disk what is another one once it is written anew; of any other None."""
    if not root.is_local:
        return None
    try:
        # Opened, for a network file system may tell of what it knew a minute ago of files that nobody opens.
        with root.table_path(TABLE, key).open("rb") as file:
            found = os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _stored(root: DataRoot, key: str) -> pd.DataFrame:
    return completed(root.read_table(TABLE, key)) if root.has_table(TABLE, key) else empty_table()


def _allowed(media: Sequence[Medium], tombstones: Tombstones) -> list[Medium]:
    """What may be kept, without the names of authors that are not to be."""
    return [
        replace(medium, author="") if is_item(medium.permalink) and medium.post_id in tombstones.anonymous else medium
        for medium in media
        if not tombstones.refuses(medium)
    ]


def _without_returned(before: pd.DataFrame, media: Sequence[Medium]) -> pd.DataFrame:
    """An earlier table without the blank rows of what is up again and may be kept."""
    blank = before.loc[is_blank(before), ["post_id", "position"]]
    offered = {(medium.post_id, medium.position) for medium in media}
    returned = [place in offered for place in blank.itertuples(index=False, name=None)]
    return before.drop(blank.index[returned]) if any(returned) else before


def _refused(
    media: Sequence[Medium],
    tombstones: Tombstones,
    before: pd.DataFrame,
    partition: Partition,
    facts: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Rows for what must not be kept: those that there are, which are `takedowns`' business, or blank."""
    reasons = {(one.post_id, one.position): reason for one in media if (reason := tombstones.refuses(one))}
    if not reasons:
        return []
    urls = {one.media_url for one in media if (one.post_id, one.position) in reasons}
    places = pd.MultiIndex.from_frame(before[["post_id", "position"]])
    kept = before[places.isin(list(reasons)) | before["media_url"].isin(urls)]
    known = set(places)
    about = {"subreddit": partition.key, "source": str(partition.source.canonical), **facts}
    return [
        *({str(name): value for name, value in row.items()} for row in kept.to_dict("records")),
        *(
            complete_row(blank_row({**about, "post_id": post_id, "position": position}, reason, facts["fetched_at"]))
            for (post_id, position), reason in reasons.items()
            if (post_id, position) not in known
        ),
    ]


def _as_known(medium: Medium, picture: tuple[str, str]) -> Download:
    """What the post itself tells; with the picture that was kept before, so that who removes the post finds it."""
    sha256, image_format = picture
    return Download(
        url=medium.media_url,
        outcome=medium.known_outcome or Outcome.SKIPPED,
        reason=medium.reason,
        sha256=sha256 or None,
        format=image_format or None,
    )


def _kept_pictures(before: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """SHA-256 and format of what was ever kept, by URL."""
    rows = before[before["sha256"] != ""]
    return dict(zip(rows["media_url"], zip(rows["sha256"], rows["format"], strict=True), strict=True))


def _fetched_before(journal: Journal, urls: Collection[str], refused: Collection[str]) -> dict[str, Download]:
    """What a killed scrape of this source fetched, or another source has: by URL what became of it."""
    here = {url: one for url, one in journal.settled().items() if url in urls}
    there = fetched_elsewhere(journal.root, journal.key, journal.origin, journal.limits, set(urls) - here.keys())
    return {url: one for url, one in (here | there).items() if one.sha256 not in refused}


def _fetch(
    media: Sequence[Medium],
    listing: Listing,
    journal: Journal,
    network: Network,
    settings: DownloadSettings,
    on_progress: Callable[[str], None],
    allowance: Allowance | None,
) -> dict[str, Download]:
    """What became of each URL; each is fetched once, however many media name it."""
    if listing.files:
        files = [listing.files[medium.media_url] for medium in media]
        return read_files(files, journal.root.images, settings, on_progress)
    requests = [request_for(medium) for medium in media]
    with journal.open() as write_down:

        def on_result(became: Download, progress: Progress) -> None:
            write_down(became)
            on_progress(str(progress))

        def fetch(some: Sequence[FetchRequest]) -> dict[str, Download]:
            return download(some, store=journal.root.images, settings=settings, network=network, on_result=on_result)

        return fetch_within(allowance, requests, fetch) if allowance else fetch(requests)
