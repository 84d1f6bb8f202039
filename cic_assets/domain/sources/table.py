"""`raw_images`: one row a medium of a post, with what became of it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.download import Download
from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.places import are_among, places_of
from cic_assets.domain.schema import Column, types_of
from cic_assets.domain.sources.asking import Asked, is_due
from cic_assets.domain.sources.source import Partition
from cic_assets.storage import ContentStore, InOrder, content_version, storable_text

TABLE = "raw_images"

COLUMNS: Mapping[str, Column] = {
    "post_id": Column("str", "Reddit's id without `t3_`; what names the item in another source"),
    "subreddit": Column("str", "the partition: the subreddit in lower case, or the name of another source"),
    "media_url": Column("str", "where the bytes are, exactly as given; empty once taken down"),
    "position": Column("int64", "index among the media of the post, from 0"),
    "outcome": Column("str", "what became of it: one of the words of the README"),
    "reason": Column("str", "why, in a few words; empty for `ok`"),
    "sha256": Column("str", "of the bytes as they came, 64 hexadecimal digits: the picture's name in the store"),
    "format": Column("str", "by its bytes: jpeg, png, gif, webp, bmp, tiff, avif or heif"),
    "width": Column("int64", "pixels, as displayed"),
    "height": Column("int64", "pixels, as displayed"),
    "bytes": Column("int64", "of the file as it came"),
    "permalink": Column(
        "str", "the page that its id is of: the post's, the file's or photo's; the data set's on Kaggle; else empty"
    ),
    "title": Column("str", "of the post, the file or the photo; elsewhere the file's name or the URL"),
    "author": Column("str", "name of the account, empty once it is closed; of an open source the author's"),
    "created_utc": Column("float64", "when it was posted, seconds since 1970; 0 where the source does not say"),
    "score": Column("int64", "votes up less votes down, at the last scrape that saw the post"),
    "over_18": Column("bool", "marked as adult"),
    "flair": Column(
        "str", "label that the subreddit gave the post; the category of a file with the way there, the taxon of a photo"
    ),
    "crosspost_of": Column("str", "id of the post that this one repeats"),
    "carried": Column("str", "the other columns of a list of URLs, as JSON, long texts cut; empty for other sources"),
    "final_url": Column("str", "where the bytes came from, after redirects"),
    "used_fallback": Column("bool", "the bytes are those of Reddit's preview: `media_url` gave none"),
    "etag": Column("str", "the ETag header of the host; of a file a mark of its content"),
    "last_modified": Column("str", "the Last-Modified header of the host"),
    "transient": Column("bool", "the failure may pass: a later scrape asks again"),
    "asks": Column("int64", "scrapes in a row that asked for it in vain; 0 where it is settled"),
    "asked_at": Column("str", "when the last of these asked, ISO 8601, UTC; empty where it is settled"),
    "license": Column(
        "str", "SPDX id of the licence, or `LicenseRef-` and its name; empty where the source names none"
    ),
    "license_version": Column("str", "its version, such as 4.0"),
    "license_url": Column("str", "where its text is"),
    "author_url": Column("str", "the author's page"),
    "attribution": Column("str", "the words that the author or the source asks for"),
    "source_page": Column("str", "the page about it that a reader is led to"),
    "limits": Column("str", "version of the limits (sizes, placeholders, ports) by which it was judged"),
    "fetched_at": Column("str", "when it first had this outcome, ISO 8601, UTC"),
    "origin": Column("str", "reddit, web, folder or kaggle; `archive:…` and `sample:…` for what was replayed"),
    "source": Column("str", "the source as the problem file writes it, its path absolute"),
}
"""A text that is not known is empty, a number 0."""

_TYPES = types_of(COLUMNS)

KEY = ["post_id", "position", "media_url"]

_FROM_DOWNLOAD = (
    "outcome", "reason", "sha256", "format", "width", "height", "bytes", "final_url", "used_fallback", "etag",
    "last_modified", "transient",
)  # fmt: skip
_FROM_MEDIUM = (
    "post_id", "media_url", "position", "permalink", "title", "author", "created_utc", "score", "over_18", "flair",
    "crosspost_of", "carried",
)  # fmt: skip
_EMPTY: Mapping[str, Any] = {name: {"str": "", "bool": False}.get(kind, 0) for name, kind in _TYPES.items()}


def make_row(
    medium: Medium,
    download: Download,
    partition: Partition,
    *,
    origin: str,
    limits: str,
    fetched_at: str,
    asked: Asked = Asked(),  # noqa: B008 - nothing changes it
) -> dict[str, Any]:
    """The row of one medium of a partition's source; `limits` is the version of those that it was judged by."""
    values = {name: getattr(medium, name) for name in _FROM_MEDIUM} | asdict(medium.rights)
    values |= {name: getattr(download, name) for name in _FROM_DOWNLOAD}
    values |= {"subreddit": partition.key, "source": str(partition.source.canonical)}
    values |= {"origin": origin, "limits": limits, "fetched_at": fetched_at}
    values |= {"asks": asked.times, "asked_at": asked.at}
    return {name: _EMPTY[name] if values[name] is None else _storable(values[name]) for name in COLUMNS}


def complete_row(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row in which whatever is not given is empty."""
    return {**_EMPTY, **values}


def _storable(value: Any) -> Any:
    return storable_text(value) if isinstance(value, str) else value


def make_table(rows: Iterable[Mapping[str, Any]], before: pd.DataFrame, *, keep_old: bool = True) -> pd.DataFrame:
    """New rows, and those of an earlier table that are not among them; newest posts first.

    What has the outcome and the picture that it had keeps its `fetched_at`, so that an unchanged source gives an
    unchanged table.

    Args:
        rows: of `make_row`.
        before: the earlier table.
        keep_old: whether rows that are in the earlier table alone are kept.
    """
    table = pd.DataFrame(list(rows), columns=list(COLUMNS)).drop_duplicates(KEY)
    table["fetched_at"] = _first_times(table, before)
    table = table.astype(_TYPES)
    fell_off = ~are_among(_as_names(before), _as_names(table)) if keep_old else np.zeros(len(before), bool)
    merged = pd.concat([table, before.astype(_TYPES)], ignore_index=True)
    order = _order_of(merged, {"created_utc": "descending", "post_id": "ascending", "position": "ascending"})
    stays = np.concatenate([np.ones(len(table), bool), fell_off])
    # What stays is put in order and nothing else: of a million rows each copy takes a second.
    return merged.take(order[stays[order]]).reset_index(drop=True)


def count_changes(before: pd.DataFrame, after: pd.DataFrame) -> tuple[int, int]:
    """How many rows have media that are not in the earlier table, and how many of that have some that are no more."""
    old, new = _as_names(before), _as_names(after)
    at = places_of(new, old)
    is_there = np.zeros(len(old), bool)
    is_there[at[at >= 0]] = True
    lost = old[~is_there]  # and those that are there twice
    return int((at < 0).sum()), int((~are_among(lost, new)).sum()) if len(lost) else 0


def _as_names(table: pd.DataFrame) -> "pd.Series[str]":
    """`KEY` as one text: no id has a zero byte in it."""
    return table["post_id"] + "\0" + table["position"].astype("str") + "\0" + table["media_url"]


def _first_times(table: pd.DataFrame, before: pd.DataFrame) -> pd.Series:
    same = [*KEY, "outcome", "sha256"]
    of_same_posts = before[are_among(before["post_id"], table["post_id"])]
    first = of_same_posts.drop_duplicates(same).set_index(same)["fetched_at"]
    return first.reindex(pd.MultiIndex.from_frame(table[same])).set_axis(table.index).fillna(table["fetched_at"])


def empty_table() -> pd.DataFrame:
    """No rows, all columns."""
    return pd.DataFrame(columns=list(COLUMNS)).astype(_TYPES)


def completed(table: pd.DataFrame) -> pd.DataFrame:
    """A table that an older version wrote, with the columns that it did not have yet.

    It does not say which failures may pass, or how often they were asked for: all of them are asked again, once.
    """
    if table.dtypes.astype(str).to_dict() == _TYPES and list(table.columns) == list(COLUMNS):
        return table
    failed = table["outcome"] != Outcome.OK
    unknown: dict[str, Any] = {**_EMPTY, "transient": failed, "asks": failed.astype("int64")}
    missing = {name: unknown[name] for name in COLUMNS if name not in table.columns}
    return table.assign(**missing)[list(COLUMNS)].astype(_TYPES)


def settled(before: pd.DataFrame, store: ContentStore, now: datetime) -> dict[str, Download]:
    """What earlier scrapes settled, or what it is too soon to ask for again: by URL what became of it.

    A picture whose bytes are gone from the store is not settled.
    """
    rows = before[~is_due(before, now)].drop_duplicates("media_url")
    return {
        row["media_url"]: as_download(row)
        for row in rows[["media_url", *_FROM_DOWNLOAD]].to_dict("records")
        if row["outcome"] != Outcome.OK or store.has(row["sha256"], row["format"])
    }


def as_download(row: Mapping[Any, Any]) -> Download:
    """What became of the URL of a row."""
    values: dict[str, Any] = {
        name: bool(row[name]) if _TYPES[name] == "bool" else row[name] or None for name in _FROM_DOWNLOAD
    }
    values |= {"outcome": Outcome(row["outcome"]), "reason": row["reason"]}
    return Download(url=row["media_url"], **values)


def table_version(table: pd.DataFrame) -> str:
    """The same exactly when media, outcomes and pictures are; scores and titles change without the pictures."""
    return content_version(
        InOrder(table[[*KEY, "outcome", "sha256"]], _order_of(table, dict.fromkeys(KEY, "ascending")))
    )


def _order_of(table: pd.DataFrame, by: Mapping[str, str]) -> NDArray[np.int64]:
    """As of `sort_values`, of names by the thousand times quicker."""
    import pyarrow as pa
    from pyarrow import compute

    keys = pa.Table.from_pandas(table[list(by)].astype({name: _TYPES[name] for name in by}), preserve_index=False)
    return np.asarray(compute.sort_indices(keys, sort_keys=list(by.items())), np.int64)
