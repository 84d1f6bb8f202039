"""The table of fingerprints: each picture decoded and hashed once, however often a source is scraped."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from cic_assets.domain.duplicates.descriptors import Descriptors, descriptors_of
from cic_assets.domain.images import CANNOT_BE_READ, Fingerprint, OnLeftOut, examine, why_left_out
from cic_assets.domain.media import Outcome
from cic_assets.domain.schema import Column, columns_of
from cic_assets.engine import Threads
from cic_assets.storage import ContentStore

VERSION = 5
"""Of the fingerprints' definition: another one, and all are computed again."""

UNFINISHED = "unfinished_image_hashes"
"""The table of what a run has computed until its own is written, by source: take-downs reach it as they reach all."""

KEEP_SECONDS = 30.0
"""Of decoding that a kill may cost. Writing 100,000 rows takes a second."""

CARRIED = [
    "sha256", "subreddit", "post_id", "permalink", "title", "author", "created_utc", "format", "width", "height",
    "bytes",
]  # fmt: skip
"""Columns taken over from `raw_images`."""

FINGERPRINT_COLUMNS: Mapping[str, Column] = {
    **{
        name: column
        for name, column in columns_of(Fingerprint, unsigned={"phash", "phash_mirrored"}).items()
        if name not in CARRIED
    },
    **columns_of(Descriptors),
    "fingerprint_version": Column("int64", "of the definition of all this: another one, and it is computed again"),
}
"""What is added to them."""


def fingerprint_pictures(
    raw: pd.DataFrame,
    store: ContentStore,
    before: Sequence[pd.DataFrame] = (),
    *,
    workers: int = 2,
    keep: Callable[[pd.DataFrame], None] = lambda _table: None,
    on_progress: Callable[[str], None] = lambda _line: None,
    on_left_out: OnLeftOut = lambda _sha256, _why: None,
) -> pd.DataFrame:
    """Fingerprints of the pictures of one source.

    Args:
        raw: `raw_images`; of several posts with one picture the earliest counts.
        store: where the pictures are.
        before: tables of earlier runs, whose fingerprints are taken over.
        workers: threads; decoding leaves Python's lock.
        keep: takes the table as far as it is, every `KEEP_SECONDS`, so that a kill costs no more than that.
        on_progress: called with a line now and then.
        on_left_out: called for a picture that cannot be read; the next run tries it again.

    Returns:
        One row a picture that can be read, ordered by sha256: `CARRIED`, columns of `Fingerprint` and `Descriptors`,
        `fingerprint_version`.
    """
    earliest_first = raw[raw["outcome"] == Outcome.OK].sort_values(["created_utc", "post_id"])
    pictures = earliest_first.drop_duplicates("sha256").sort_values("sha256")[CARRIED].reset_index(drop=True)
    known = _known(before)

    def compute(item: tuple[str, str]) -> dict[str, Any] | str:
        sha256, image_format = item
        try:
            return known.get(sha256) or _row(store.get(sha256, image_format))
        except CANNOT_BE_READ as error:
            return why_left_out(error)

    rows: dict[str, dict[str, Any]] = {}
    items = list(pictures[["sha256", "format"]].itertuples(index=False, name=None))
    kept_at = time.monotonic()
    for done, ((sha256, _), row) in enumerate(zip(items, Threads(workers).map(compute, items), strict=True), 1):
        if isinstance(row, str):
            on_left_out(sha256, row)
        else:
            rows[sha256] = row
        on_progress(f"{done} of {len(items)} fingerprints")
        if time.monotonic() - kept_at > KEEP_SECONDS:
            keep(_table(pictures, rows))
            kept_at = time.monotonic()
    return _table(pictures, rows)


def _table(pictures: pd.DataFrame, rows: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Those of some pictures that have a row, in their order."""
    pictures = pictures[pictures["sha256"].isin(rows)].reset_index(drop=True)
    fingerprints = pd.DataFrame(list(rows.values()), index=pictures.index)
    fingerprints = fingerprints.drop(columns=["width", "height"], errors="ignore")
    return pictures.join(fingerprints).assign(fingerprint_version=VERSION)


def _row(data: bytes) -> dict[str, Any]:
    found = examine(data)
    return {**found.fingerprint.row(), **asdict(descriptors_of(found.pixels, found.preview))}


def _known(before: Sequence[pd.DataFrame]) -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = {}
    for table in before:
        current = table[table["fingerprint_version"] == VERSION]
        columns = [name for name in table.columns if name not in (*CARRIED, "fingerprint_version")]
        known |= dict(zip(current["sha256"], current[columns].to_dict("records"), strict=True))
    return known
