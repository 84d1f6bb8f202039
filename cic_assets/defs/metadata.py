"""Numbers, tables and one picture for an asset's page in the UI.

Pictures are files under the data root that metadata points to: what lies in Dagster's event log stays there for good,
where no take-down reaches it.
"""

import math
import time
from collections.abc import Callable, Collection, Hashable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pandas as pd
from dagster import MetadataValue, TableColumn, TableMetadataValue, TableRecord, TableSchema
from pandas.api.types import is_scalar
from upath import UPath

from cic_assets.domain import review
from cic_assets.domain.catalog import meaning_of
from cic_assets.domain.images import CANNOT_BE_READ, Tile, contact_sheet, decode, pair_sheet, prepare, resize_and_crop
from cic_assets.domain.models import ModelSettings, TrainingDataError, augmented, load_training_data
from cic_assets.domain.sheets import write_sheet
from cic_assets.domain.sources import TakedownGuard, TakenDownMeanwhileError
from cic_assets.storage import ContentStore, DataRoot
from cic_assets.web.listening import REVIEW_PORT

OWNERS = ["team:cic"]
SHEET_TILES = 32
SHEET_SIDE = 96
SHEET_PAIRS = 8
LEFT_OUT_ROWS = 100
SHOWN_ROWS = 100
"""Of a table of any length: what the UI shows lies in the event log for good."""
PAIR_SIDE = 160
AUGMENTED_PICTURES = 5
"""As many as the original's notebooks show."""


class Sheet:
    """A place for a contact sheet: of an asset or a check, or of one partition of it."""

    def __init__(self, root: DataRoot, name: str, partition: str | None = None) -> None:
        """To be made before pictures are read.

        Args:
            root: under which its file lies.
            name: of the asset or the check.
            partition: None for an unpartitioned one.
        """
        self._root, self._name, self._partition = root, name, partition
        self._guard = TakedownGuard(root)

    def show(
        self, jpeg: bytes | None, shown: Collection[str] | None = None, otherwise: str = "no pictures"
    ) -> MetadataValue:
        """The path of a JPEG, or a few words where there is none; `shown` as `write_sheet` takes it.

        There is none either where something was taken down since this place was made, and so before pictures were read.
        """
        try:
            with self._guard.publishing():
                path = write_sheet(self._root, self._name, self._partition, jpeg, shown)
        except TakenDownMeanwhileError:
            path, otherwise = (
                write_sheet(self._root, self._name, self._partition, None, None),
                "something was taken down",
            )
        return MetadataValue.text(otherwise) if path is None else file(path)


def sheet_of(
    pictures: pd.DataFrame,
    store: ContentStore,
    sheet: Sheet,
    *,
    caption: str | None = None,
    otherwise: str = "no pictures",
) -> MetadataValue:
    """A contact sheet of some pictures, spread evenly over the table.

    Args:
        pictures: columns `sha256, format`.
        store: where they are.
        sheet: its place.
        caption: column whose text stands below each picture.
        otherwise: what is said where there are none.
    """
    step = max(1, len(pictures) // SHEET_TILES)
    shown = pictures.iloc[::step].head(SHEET_TILES)
    tiles = []
    for _, row in shown.iterrows():
        with suppress(*CANNOT_BE_READ):  # what somebody removed from the store is no reason to fail
            pixels = prepare(store.get(row["sha256"], row["format"]), SHEET_SIDE)
            tiles.append(Tile(pixels, str(row[caption]) if caption else ""))
    jpeg = contact_sheet(tiles, tile_side=SHEET_SIDE) if tiles else None
    return sheet.show(jpeg, set(shown["sha256"]), otherwise)


def resizing_sheet(pictures: pd.DataFrame, before: ContentStore, after: ContentStore, sheet: Sheet) -> MetadataValue:
    """A few pictures as they came, each beside its resized copy, with the bytes of both.

    Args:
        pictures: columns `sha256, format, bytes, bytes_after`.
        before: pictures as they came.
        after: their copies.
        sheet: its place.
    """
    shown = pictures.iloc[:: max(1, len(pictures) // SHEET_PAIRS)].head(SHEET_PAIRS)
    pairs = []
    for _, row in shown.iterrows():
        with suppress(*CANNOT_BE_READ):
            came = decode(before.get(row["sha256"], row["format"]), shortest_side=PAIR_SIDE)
            copy = prepare(after.get(row["sha256"], "jpeg"), PAIR_SIDE)
            captions = (f"{row[name] / 1e3:.0f} kB" for name in ("bytes", "bytes_after"))
            pairs.append((Tile(came, next(captions)), Tile(copy, next(captions))))
    return sheet.show(pair_sheet(pairs, tile_side=PAIR_SIDE) if pairs else None, set(shown["sha256"]))


def scenes_sheet(pairs: pd.DataFrame, store: ContentStore, sheet: Sheet) -> MetadataValue:
    """A few pairs of pictures of one scene side by side, those last that show most points in one arrangement.

    Args:
        pairs: columns `one, other, points`.
        store: resized copies.
        sheet: its place.
    """
    shown = pairs.sort_values("points").head(SHEET_PAIRS)
    tiles = []
    for one, other, points in shown[["one", "other", "points"]].itertuples(index=False, name=None):
        with suppress(*CANNOT_BE_READ):
            left, right = (prepare(store.get(sha256, "jpeg"), PAIR_SIDE) for sha256 in (one, other))
            tiles.append((Tile(left, f"{points} points in common"), Tile(right, other[:8])))
    jpeg = pair_sheet(tiles, tile_side=PAIR_SIDE) if tiles else None
    return sheet.show(jpeg, {*shown["one"], *shown["other"]}, "no pictures share a scene")


def left_out(found: Mapping[str, str], warn: Callable[[str], None]) -> dict[str, Any]:
    """How many pictures a stage went on without, and which and why.

    Args:
        found: why, by SHA-256.
        warn: called with a line if there are any.
    """
    if found:
        sha256, why = min(found.items())
        warn(f"{len(found):,} pictures are left out: {sha256[:12]} because {why}" + (" …" if len(found) > 1 else ""))
    rows = pd.DataFrame(sorted(found.items())[:LEFT_OUT_ROWS], columns=["sha256", "why"])
    return {"left out": len(found), "left out, and why": table(rows)}


def augmented_sheet(dataset: UPath, settings: ModelSettings, sheet: Sheet) -> MetadataValue:
    """A few training pictures of a data set as a model's training varies them, with their labels."""
    try:
        data = load_training_data(dataset)
    except TrainingDataError:  # taken down while the model was trained: no reason to lose that
        return sheet.show(None, otherwise="the data set is to be made again")
    train = data.splits["train"]
    rows = np.linspace(0, len(train) - 1, AUGMENTED_PICTURES, dtype=int)  # which lie by class
    varied = augmented(np.asarray(train.images[rows]), settings.augmentation, settings.seed)
    tiles = [
        Tile(resize_and_crop(image, PAIR_SIDE), data.classes[label])
        for image, label in zip(varied, train.labels[rows], strict=True)
    ]
    return sheet.show(contact_sheet(tiles, columns=AUGMENTED_PICTURES, tile_side=PAIR_SIDE))


def table(frame: pd.DataFrame) -> TableMetadataValue:
    """A small table, shown as one in the UI; a cell without a value is empty."""
    records = [TableRecord({str(key): _cell(value) for key, value in row.items()}) for row in frame.to_dict("records")]
    return MetadataValue.table(records, _schema(frame))


def shape(frame: pd.DataFrame, name: str, rows: int | None = None) -> dict[str, Any]:
    """Rows and columns of the table that an asset is, under the names that the UI knows.

    Args:
        frame: the table.
        name: its name among `TABLES`, which say what its columns mean.
        rows: how many it has, where the frame has them not.
    """
    meanings = {column: meaning_of(name, column) for column in map(str, frame.columns)}
    return {
        "dagster/row_count": len(frame) if rows is None else rows,
        "dagster/column_schema": _schema(frame, meanings),
    }


def _schema(frame: pd.DataFrame, meanings: Mapping[str, str] = MappingProxyType({})) -> TableSchema:
    kinds = {"i": "int", "u": "int", "f": "float", "b": "bool"}
    columns = [
        TableColumn(str(name), kinds.get(frame[name].dtype.kind, "string"), meanings.get(str(name)))
        for name in frame.columns
    ]
    return TableSchema(columns)


def _cell(value: Any) -> str | int | float | bool | None:
    if is_scalar(value) and pd.isna(value):
        return None  # NaN, too: JSON cannot hold it
    return value if isinstance(value, int | float | bool) else str(value)


def counts(values: Mapping[str, int] | Mapping[Hashable, int], name: str) -> TableMetadataValue:
    """Counts by word, as a table of two columns."""
    return table(pd.DataFrame({name: list(values), "count": list(values.values())}))


def file(path: UPath) -> MetadataValue:
    """Where a file lies."""
    return MetadataValue.path(str(path))


class ProgressLog:
    """Takes lines of progress and logs one every few seconds: each is a row of the event log for good.

    As a context manager it logs the last line, too, so that what is over in a moment does not seem to end at its start.
    """

    def __init__(self, log: Callable[[str], None], every_seconds: float = 5.0) -> None:
        self._log = log
        self._every_seconds = every_seconds
        self._logged = -math.inf
        self._left_out: str | None = None

    def __call__(self, line: str) -> None:
        """Log a line, or keep it back."""
        now = time.monotonic()
        self._left_out = line
        if now - self._logged >= self._every_seconds:
            self._logged = now
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._flush()

    def _flush(self) -> None:
        if self._left_out is not None:
            self._log(self._left_out)
        self._left_out = None


def to_review(counts: Mapping[review.Queue, int]) -> MetadataValue:
    """What waits for a person: counts, each with where `cic review` shows them."""
    page = f"http://localhost:{REVIEW_PORT}/review"
    waiting = [f"[{review.called(queue, count)}]({page}#{queue})" for queue, count in counts.items() if count]
    return MetadataValue.md(f"{', '.join(waiting)}: start `cic review`" if waiting else "nothing")
