"""The table of fingerprints: each picture decoded and hashed once, however often a source is scraped."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.descriptors import Descriptors, descriptors_of
from cic_assets.domain.images import CANNOT_BE_READ, Fingerprint, OnLeftOut, examine, why_left_out
from cic_assets.domain.media import Outcome
from cic_assets.domain.places import are_among, are_first, in_order, places_of
from cic_assets.domain.schema import Column, columns_of, types_of
from cic_assets.engine import Engine, Threads
from cic_assets.storage import ContentStore

VERSION = 5
"""Of the fingerprints' definition: another one, and all are computed again."""

UNFINISHED = "unfinished_image_hashes"
"""The table of what a run has computed until its own is written, by source: take-downs reach it as they reach all."""

SHARD = 64
"""Pictures that a worker elsewhere gets together: a second's work."""

_HERE = Threads(2)

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

_COMPUTED: Mapping[str, str] = {
    "sha256": "str",
    **{
        name: {"bytes": "object"}.get(kind, kind)
        for name, kind in types_of(FINGERPRINT_COLUMNS).items()
        if name != "fingerprint_version"
    },
}
"""Columns that take a look at a picture, with pandas' types of them."""


def fingerprint_pictures(
    raw: pd.DataFrame,
    store: ContentStore,
    before: Sequence[pd.DataFrame] = (),
    *,
    engine: Engine = _HERE,
    keep: Callable[[pd.DataFrame], None] = lambda _table: None,
    on_progress: Callable[[str], None] = lambda _line: None,
    on_left_out: OnLeftOut = lambda _sha256, _why: None,
) -> pd.DataFrame:
    """Fingerprints of the pictures of one source.

    Args:
        raw: `raw_images`; of several posts with one picture the earliest counts.
        store: where the pictures are.
        before: tables of earlier runs, whose fingerprints are taken over.
        engine: where it is computed; decoding leaves Python's lock, so that threads will do.
        keep: takes the table as far as it is, every `KEEP_SECONDS`, so that a kill costs no more than that.
        on_progress: called with a line now and then.
        on_left_out: called for a picture that cannot be read; the next run tries it again.

    Returns:
        One row a picture that can be read, ordered by sha256: `CARRIED`, columns of `Fingerprint` and `Descriptors`,
        `fingerprint_version`.
    """
    shown = in_order(raw.loc[raw["outcome"] == Outcome.OK, CARRIED], ["sha256", "created_utc", "post_id"])
    pictures = shown.drop_duplicates("sha256", ignore_index=True)
    known = _known(before, pictures["sha256"])
    rows: list[dict[str, Any]] = []
    is_new = places_of(pictures["sha256"], known["sha256"]) < 0
    items = list(pictures.loc[is_new, ["sha256", "format"]].itertuples(index=False, name=None))
    if len(known):
        on_progress(f"{len(known)} of {len(pictures)} fingerprints")
    results = engine.each(_Compute(store), items, shard=SHARD, instead=lambda _item, why: why)
    kept_at = time.monotonic()
    for done, ((sha256, _), row) in enumerate(results, len(known) + 1):
        if isinstance(row, str):
            on_left_out(sha256, row)
        else:
            rows.append({"sha256": sha256, **row})
        on_progress(f"{done} of {len(pictures)} fingerprints")
        if time.monotonic() - kept_at > KEEP_SECONDS:
            keep(_table(pictures, known, rows))
            kept_at = time.monotonic()
    return _table(pictures, known, rows)


@dataclass(frozen=True, slots=True)
class _Compute:
    """The fingerprint of a picture of a store, or why there is none."""

    store: ContentStore

    def __call__(self, item: tuple[str, str]) -> dict[str, Any] | str:
        try:
            return _row(self.store.get(*item))
        except CANNOT_BE_READ as error:
            return why_left_out(error)


def _table(pictures: pd.DataFrame, known: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Those of some pictures that have a fingerprint, in their order."""
    found = pd.concat([known, pd.DataFrame(rows, columns=list(_COMPUTED)).astype(_COMPUTED)], ignore_index=True)
    at = places_of(pictures["sha256"], found["sha256"])
    fingerprints = found.iloc[at[at >= 0]].drop(columns="sha256").reset_index(drop=True)
    carried = pictures[at >= 0].reset_index(drop=True)
    return carried.join(fingerprints).assign(fingerprint_version=VERSION)


def _row(data: bytes) -> dict[str, Any]:
    found = examine(data)
    return {**found.fingerprint.row(), **asdict(descriptors_of(found.pixels, found.preview))}


def _known(before: Sequence[pd.DataFrame], sha256s: "pd.Series[str]") -> pd.DataFrame:
    """Fingerprints that there are of some pictures: those of the last table that has one.

    Tables of earlier code have fewer columns, and so had those of sources without pictures.
    """
    whole = (table for table in reversed(before) if {*_COMPUTED, "fingerprint_version"} <= set(table))
    wanted = [
        _rows_of(table, (table["fingerprint_version"] == VERSION) & are_among(table["sha256"], sha256s))
        for table in whole
    ]
    nothing = pd.DataFrame(columns=list(_COMPUTED)).astype(_COMPUTED)
    found = pd.concat([nothing, *(table[list(_COMPUTED)].astype(_COMPUTED) for table in wanted)], ignore_index=True)
    return _rows_of(found, are_first(found["sha256"])).reset_index(drop=True)


def _rows_of(table: pd.DataFrame, wanted: "pd.Series[bool] | NDArray[np.bool_]") -> pd.DataFrame:
    """Some rows, 2 kB each; where all are wanted, as nearly always, none is copied."""
    return table if wanted.all() else table[wanted]
