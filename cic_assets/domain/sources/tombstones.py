"""Tombstones: what was taken down, and so must not be kept nor fetched again; nothing in them shows what it was.

One row a medium, in `tables/takedowns/PARTITION.parquet`. Who writes them, and removes what they stand for, is
`cic_assets.domain.takedowns`; a scrape only asks them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import pandas as pd

from cic_assets.domain.media import Medium, Outcome, is_item
from cic_assets.domain.schema import Column, types_of
from cic_assets.storage import DataRoot, content_version, sha256_hex

TOMBSTONES = "takedowns"
TAKEN_DOWN = "taken down: "
"""How the reason of a row of `raw_images` begins whose medium was taken down."""


class TakedownReason(StrEnum):
    """Why something is not kept, or not yet known to be gone."""

    DELETED = "deleted"
    REMOVED = "removed"
    MISSING = "missing"
    """Reddit left it out of two answers, some time apart."""
    PURGED = "purged"
    """A post that a person here took out by hand."""
    PURGED_PICTURE = "purged_picture"
    """A picture that a person here took out by hand: it is refused under whatever post it comes again."""
    UNCONFIRMED = "unconfirmed"
    """Reddit left it out of one answer: it is kept until it is left out of another."""
    AUTHOR_GONE = "author_gone"
    """The post is up, its author closed the account: the name is not kept."""


WORDS: Mapping[TakedownReason, str] = {
    TakedownReason.DELETED: "deleted by its author",
    TakedownReason.REMOVED: "removed",
    TakedownReason.MISSING: "not known to Reddit any more",
    TakedownReason.PURGED: "purged by hand",
    TakedownReason.PURGED_PICTURE: "its picture was purged by hand",
}
"""Why something is gone, for a person."""

GONE = frozenset(WORDS)

TOMBSTONE_COLUMNS: Mapping[str, Column] = {
    "post_id": Column("str", "of the post, or what named the item in a list or a folder; a picture's SHA-256 without"),
    "subreddit": Column("str", "the partition"),
    "position": Column("int64", "index among the media of the post, from 0; -1 where the row is about a whole post"),
    "is_post": Column(
        "bool",
        "a post, or a file of an open source, whose id means the same everywhere; no item of a list or folder",
    ),
    "crosspost_of": Column("str", "id of the post that it repeated"),
    "url_sha256": Column("str", "SHA-256 of the URL: enough to know it again, not to find it"),
    "sha256": Column("str", "the picture's, as long as something of it may be left; of a purged picture for good"),
    "reason": Column(
        "str", "deleted, removed, missing, purged, purged_picture; or unconfirmed, author_gone: still kept"
    ),
    "noticed_at": Column("str", "when, ISO 8601, UTC"),
}
"""One row a medium that was taken down, or of which it is not known yet."""

_TYPES = types_of(TOMBSTONE_COLUMNS)

_RENAMED = {"fate": "reason"}

WHOLE_POST = -1

KEPT_OF_BLANKS = frozenset({"post_id", "position", "subreddit", "source", "origin", "limits"})
"""Columns of `raw_images` that stay of a row that is taken down."""


def url_sha256(url: str) -> str:
    """What a tombstone keeps of a URL: enough to know it again, not to find it."""
    return sha256_hex(url.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Tombstones:
    """The tombstones of some sources; `table` has `TOMBSTONE_COLUMNS`."""

    table: pd.DataFrame

    def reason_of(self, *, post_id: str, crosspost_of: str, media_url: str, is_post: bool) -> TakedownReason | None:
        """Why a medium must not be kept; None where it may.

        A post of Reddit goes by its own id, and with the post that it repeats. A list or a folder has no post that
        could be up or down: what it names goes by its URL.
        """
        if not is_post:
            return self._urls.get(url_sha256(media_url))
        gone = self._posts.get(post_id) or self._posts.get(crosspost_of)
        return gone or (self._purged_urls.get(url_sha256(media_url)) if self._purged_urls else None)

    def refuses(self, medium: Medium) -> TakedownReason | None:
        """The same for what a source offers."""
        return self.reason_of(
            post_id=medium.post_id,
            crosspost_of=medium.crosspost_of or "",
            media_url=medium.media_url,
            is_post=is_item(medium.permalink),
        )

    @cached_property
    def purged_pictures(self) -> frozenset[str]:
        """SHA-256 of pictures that are refused wherever they come from."""
        return frozenset(self.table.loc[self.table["reason"] == TakedownReason.PURGED_PICTURE, "sha256"])

    @cached_property
    def anonymous(self) -> frozenset[str]:
        """Posts whose author's name is not kept."""
        return frozenset(self.table.loc[self.table["reason"] == TakedownReason.AUTHOR_GONE, "post_id"])

    @property
    def version(self) -> str:
        """The same exactly when the same media are gone for the same reasons."""
        gone = self.table[self.table["reason"].isin(GONE)]
        return content_version(sorted(gone[["post_id", "position", "reason"]].itertuples(index=False, name=None)))

    @property
    def reach(self) -> str:
        """The same exactly when the same media and the same names are not to be kept."""
        holds = self.table[self.table["reason"] != TakedownReason.UNCONFIRMED]
        columns = ["post_id", "position", "url_sha256", "reason"]
        return content_version(sorted(holds[columns].itertuples(index=False, name=None)))

    @cached_property
    def _posts(self) -> dict[str, TakedownReason]:
        rows = self.table[self.table["is_post"] & self.table["reason"].isin(GONE - {TakedownReason.PURGED_PICTURE})]
        return {
            post_id: TakedownReason(reason) for post_id, reason in zip(rows["post_id"], rows["reason"], strict=True)
        }

    @cached_property
    def _urls(self) -> dict[str, TakedownReason]:
        return _by_url(self.table[self.table["reason"].isin(GONE)])

    @cached_property
    def _purged_urls(self) -> dict[str, TakedownReason]:
        return _by_url(self.table[self.table["reason"] == TakedownReason.PURGED_PICTURE])


def _by_url(rows: pd.DataFrame) -> dict[str, TakedownReason]:
    return {url: TakedownReason(reason) for url, reason in zip(rows["url_sha256"], rows["reason"], strict=True)}


def load_tombstones(root: DataRoot, partition: str | None = None) -> Tombstones:
    """The tombstones of one source, or of all that there are; none where nothing was taken down yet."""
    keys = root.table_partitions(TOMBSTONES)
    # Tables that were written before have a column under its old name.
    tables = [root.read_table(TOMBSTONES, key).rename(columns=_RENAMED) for key in keys if partition in (None, key)]
    table = pd.concat([make_tombstones([]), *tables], ignore_index=True).astype(_TYPES)
    # Those called files of Kaggle posts too; an id of Reddit's is no path.
    return Tombstones(table.assign(is_post=table["is_post"] & ~table["post_id"].str.contains("[./]")))


def make_tombstones(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A table of tombstones, the earliest of each medium."""
    table = pd.DataFrame(list(rows), columns=list(TOMBSTONE_COLUMNS)).astype(_TYPES)
    return table.drop_duplicates(["post_id", "position", "url_sha256", "reason"], ignore_index=True)


def blank_row(row: Mapping[str, Any], reason: TakedownReason, when: str) -> dict[str, Any]:
    """What stands in `raw_images` for a medium that was taken down: its place, and why. `row` is what it was."""
    place = {name: row[name] for name in KEPT_OF_BLANKS if name in row}
    return {**place, "outcome": Outcome.SKIPPED, "reason": f"{TAKEN_DOWN}{WORDS[reason]}", "fetched_at": when}


def is_blank(table: pd.DataFrame) -> pd.Series:
    """Which rows of `raw_images` stand for what was taken down."""
    return (table["media_url"] == "") & table["reason"].str.startswith(TAKEN_DOWN)
