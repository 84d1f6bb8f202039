"""The table of features: each picture through the frozen backbone once, however often a source is scraped."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.images import CANNOT_BE_READ, OnLeftOut, decode, why_left_out
from cic_assets.domain.schema import Column, columns_of, types_of
from cic_assets.engine import Engine, Threads
from cic_assets.storage import ContentStore

TABLE = "image_features"
UNFINISHED = "unfinished_image_features"
"""The table of what a run has computed until its own is written, by source: take-downs reach it as they reach all."""

SHARD = 8
"""Pictures that a worker elsewhere gets together: a second's work."""

_HERE = Threads()

KEEP_SECONDS = 30.0
"""Of the backbone's work that a kill may cost."""


class _Row(NamedTuple):
    """What the table holds of a picture.

    Attributes:
        sha256: of the picture.
        resized_sha256: SHA-256 of the resized copy's file, which is what the network saw.
        features_version: of weights, side and program: another one, and it is computed again.
        features: 2,048 numbers in half precision, each the mean of a feature over all places of the picture.
    """

    sha256: str
    resized_sha256: str
    features_version: str
    features: bytes


FEATURE_COLUMNS: Mapping[str, Column] = columns_of(_Row)


class Backbone(Protocol):
    """What gives features; as of `models.PooledBackbone`."""

    version: str

    def features(self, pictures: NDArray[np.uint8]) -> NDArray[np.float16]:
        """(N, F) of pictures (N, S, S, 3)."""


def compute_features(
    pictures: pd.DataFrame,
    resized: ContentStore,
    backbone: Backbone | None,
    before: Sequence[pd.DataFrame] = (),
    *,
    engine: Engine = _HERE,
    keep: Callable[[pd.DataFrame], None] = lambda _table: None,
    on_progress: Callable[[str], None] = lambda _line: None,
    on_left_out: OnLeftOut = lambda _sha256, _why: None,
) -> pd.DataFrame:
    """Features of the pictures of one source.

    Args:
        pictures: columns `sha256, resized_sha256`.
        resized: their copies.
        backbone: what they go through; None leaves what is known of the same copies, by whatever backbone.
        before: tables of earlier runs, whose features are taken over where copy and backbone are the same.
        engine: where it is computed, each worker with a picture of its own.
        keep: takes the table as far as it is, every `KEEP_SECONDS`, so that a kill costs no more than that.
        on_progress: called with a line after each picture.
        on_left_out: called for a picture that cannot be read; the next run tries it again.

    Returns:
        One row a picture that can be read, ordered by sha256: `FEATURE_COLUMNS`.
    """
    unique = pictures.drop_duplicates("sha256").sort_values("sha256")
    items = list(unique[["sha256", "resized_sha256"]].itertuples(index=False, name=None))
    rows_before = _known(before, backbone.version if backbone else None)
    known = {(row.sha256, row.resized_sha256): row for row in rows_before}
    rows = {item: known[item] for item in items if item in known}
    if backbone is None:
        return _table(list(rows.values()))
    new = [item for item in items if item not in rows]
    results = engine.each(_Compute(resized, backbone), new, shard=SHARD, instead=lambda _picture, why: why)
    kept_at = time.monotonic()
    for done, (item, row) in enumerate(results, len(rows) + 1):
        if isinstance(row, str):
            on_left_out(item[0], row)
        else:
            rows[item] = row
        on_progress(f"{done} of {len(items)} pictures have features")
        if time.monotonic() - kept_at > KEEP_SECONDS:
            keep(_table([rows[item] for item in items if item in rows]))
            kept_at = time.monotonic()
    return _table([rows[item] for item in items if item in rows])


@dataclass(frozen=True, slots=True)
class _Compute:
    """The row of a picture, or why there is none."""

    resized: ContentStore
    backbone: Backbone

    def __call__(self, picture: tuple[str, str]) -> _Row | str:
        try:
            pixels = decode(self.resized.get(picture[0], "jpeg"))
        except CANNOT_BE_READ as error:
            return why_left_out(error)
        return _Row(*picture, self.backbone.version, self.backbone.features(pixels[np.newaxis])[0].tobytes())


def feature_matrix(table: pd.DataFrame) -> NDArray[np.float16]:
    """(N, F): the features of each row; (0, 0) without rows."""
    count = len(table)
    return np.frombuffer(b"".join(table["features"]), np.float16).reshape(count, -1) if count else _NOTHING


_NOTHING = np.empty((0, 0), np.float16)


def _table(rows: Sequence[_Row]) -> pd.DataFrame:
    import pyarrow as pa

    kinds: dict[str, Any] = {name: kind for name, kind in types_of(FEATURE_COLUMNS).items() if kind != "bytes"}
    # Without a row nothing would tell Parquet what the column is of.
    of_bytes = {} if rows else {"features": pd.ArrowDtype(pa.binary())}
    return pd.DataFrame(rows, columns=list(_Row._fields)).astype(kinds | of_bytes)


def _known(before: Sequence[pd.DataFrame], version: str | None) -> list[_Row]:
    """Of one version, or of any."""
    same = [table if version is None else table[table["features_version"] == version] for table in before]
    return [_Row(*row) for table in same for row in table[list(_Row._fields)].itertuples(index=False, name=None)]
