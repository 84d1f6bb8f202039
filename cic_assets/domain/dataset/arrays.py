"""The data set on disk: one uint8 array and one label array a split, a manifest, and a description.

Arrays are `.npy`, so training maps them into memory and never decodes a picture twice. Of more pictures than
`ShardSettings.above` there are none: 200 GB for a million. Then the manifest is the data set, its rows in the order in
which the copies lie in their shards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from upath import UPath

from cic_assets.domain.dataset.balance import class_weights
from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.given import read_given
from cic_assets.domain.dataset.overlay import count_relabelled
from cic_assets.domain.dataset.settings import DatasetSettings
from cic_assets.domain.dataset.split_memory import (
    MANIFEST,
    SPLITS,
    read_splits,
    remembered,
    split_rule,
    told_by,
    why_moved,
)
from cic_assets.domain.dataset.splits import Split, assign_splits
from cic_assets.domain.dataset.units import COPIES, find_units
from cic_assets.domain.images import decode
from cic_assets.domain.places import in_order, places_of
from cic_assets.domain.schema import Column
from cic_assets.engine import Threads
from cic_assets.storage import (
    ContentStore,
    content_version,
    create_array,
    local_directory,
    read_json,
    write_json,
    write_parquet,
    write_parquet_if_new,
)

DESCRIPTION = "dataset.json"
FORMAT_VERSION = 2

MANIFEST_COLUMNS: Mapping[str, Column] = {
    "klass": Column("str", "the class that it is trained as: of its source, or what a person said"),
    "klass_given": Column("str", "the class of its source"),
    "by_hand": Column("bool", "a person said its class, be it that of its source"),
    "label": Column("int64", "the class as a number: its place among the classes, from 0"),
    "unit_id": Column(
        "str", "of what is in one split with it: copies, equal pixels, post, crossposts, scene; their smallest SHA-256"
    ),
    "split": Column("str", "train, validation or test"),
    "row": Column("int64", "of the picture in the split's arrays, from 0; without arrays, in the order of its source"),
}
"""What the manifest adds to the pictures that it is made of."""

_DECISIVE = (
    "sha256", "resized_sha256", "klass", "klass_given", "subreddit", "created_utc", "is_in_set",
)  # fmt: skip
"""Columns of the pictures by which they are divided and counted."""

_PLACED = ("_at", "label", "unit_id", "split", "row")
"""What is left to be written of a picture once all are divided and counted."""

DECIDED_BY = ("sha256", "resized_sha256", "subreddit", "group_id", "created_utc", "label_conflict")
"""Columns of `resized_images` that are asked for until the pictures are divided; all others are only carried."""
_PART = 32_768
"""Rows of the manifest that are made at once."""


class DatasetInfo(BaseModel):
    """`dataset.json`: what is in the arrays.

    Attributes:
        classes: in the order of the integer labels.
        class_weights: of the training split; the mean weight of a picture is 1.
        counts: pictures of each class in each split.
        side: pixels; every picture is (side, side, 3), RGB.
        jpeg_quality: of the copies that the arrays were decoded from; None in data sets of before it was noted.
        version: the same exactly when the pictures that are trained on, their labels and splits are the same, wherever
            they came from.
        sample: the pictures are the embedded, drawn ones.
        relabelled: by source, pictures that a person gave another class than the source's.
        left_out: by source, pictures that a person left out.
        sharded: there are no arrays, but copies in shards; not noted where there are.
    """

    model_config = ConfigDict(extra="forbid")

    format_version: int = FORMAT_VERSION
    name: str
    classes: list[str]
    class_weights: dict[str, float]
    counts: dict[str, dict[str, int]]
    side: int
    jpeg_quality: int | None = None
    version: str
    sample: bool = False
    relabelled: dict[str, int] = {}
    left_out: dict[str, int] = {}
    sharded: bool = False


class SplitArrays(NamedTuple):
    """One split, mapped into memory: images (N, side, side, 3) uint8 RGB, labels (N,) int64."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def build_dataset(
    pictures: pd.DataFrame,
    resized: ContentStore,
    target: UPath,
    settings: DatasetSettings,
    *,
    name: str,
    classes: Sequence[str],
    units: pd.DataFrame | None = None,
    sample: bool = False,
    left_out: Mapping[str, int] = MappingProxyType({}),
    carried: Callable[[], pd.DataFrame] | None = None,
    publishing: Callable[[], AbstractContextManager[None]] = nullcontext,
    on_moved: Callable[[str], None] = lambda _line: None,
) -> DatasetInfo:
    """Divide the pictures, and write arrays, labels, manifest and description.

    Args:
        pictures: columns `sha256, resized_sha256, klass, group_id` (`created_utc` to divide by time) and whatever else
            the manifest is to keep, one row a picture; of `lay_over`, or as they come where a person said nothing.
        resized: the resized copies.
        target: where the data set goes; an earlier one there keeps its pictures on their sides.
        settings: side and splits.
        name: of the problem.
        classes: in the order of the labels.
        units: of `find_units`: what is in one split; the duplicate groups where omitted.
        sample: the pictures are drawn ones.
        left_out: by source, pictures that a person left out.
        carried: gives `sha256` and all other columns that the manifest is to keep, of the same rows: asked for when the
            pictures are divided, which of a million takes as much memory as these columns.
        publishing: around each moment in which something of it comes to `target`; an error in it keeps that away.
        on_moved: called with a line for pictures that were in another split before, or are divided anew: how many, and
            why.

    Raises:
        DatasetError: a class has too few pictures, or they cannot be divided as asked.
    """
    if units is None:
        units = find_units(pictures["sha256"], {COPIES: zip(pictures["sha256"], pictures["group_id"], strict=True)})
    before = read_splits(target, settings, on_moved)
    given = read_given(settings.splits.given) if settings.splits.given else {}
    splits, manifest = _divide(pictures, before, given, units, settings, classes)
    moved = list(why_moved(manifest, told_by([_by_name(given), before]), units))
    del before, units
    if sharded := len(manifest) > settings.shards.above:
        manifest = manifest.assign(row=_places_in_shards(manifest))
    counts = _counts(manifest, classes)
    _check_counts(counts, settings)
    info = DatasetInfo(
        name=name,
        classes=list(classes),
        class_weights=class_weights(counts[Split.TRAIN]),
        counts=counts,
        side=settings.side,
        jpeg_quality=settings.jpeg_quality,
        version=content_version(FORMAT_VERSION, list(classes), manifest[["resized_sha256", "klass", "split"]]),
        sample=sample,
        relabelled=count_relabelled(manifest),
        left_out=dict(left_out),
        sharded=sharded,
    )
    for line in moved:
        on_moved(line)
    manifest = manifest[["sha256", *_PLACED]]
    if _is_current(target, info):
        # Its posts and groups may have other names by now.
        with publishing():
            for file, parts in ((MANIFEST, _rows(pictures, manifest, carried)), (SPLITS, [splits])):
                write_parquet_if_new(target / file, parts)
            _remove_arrays(target, info)
        return info
    # The description comes last: without it, or with another version in it, the arrays beside it do not count.
    with local_directory(target, last=DESCRIPTION, publishing=publishing) as folder:
        for split in Split if not sharded else ():
            _write_split(folder, split, manifest[manifest["split"] == split], resized, settings.side)
        for file, parts in ((MANIFEST, _rows(pictures, manifest, carried)), (SPLITS, [splits])):
            with (folder / file).open("wb") as place:
                write_parquet(place, parts)
        write_json(UPath(folder / DESCRIPTION), info.model_dump(exclude=None if sharded else {"sharded"}))
    _remove_arrays(target, info)
    return info


def load_info(folder: UPath) -> DatasetInfo:
    """The description of a data set.

    Raises:
        DatasetError: there is none, or it is of another format; the message says what to do.
    """
    path = folder / DESCRIPTION
    if not path.exists():
        raise DatasetError(f"no data set in {folder}: materialize training_dataset first, or use `cic run`")
    content: dict[str, Any] = read_json(path)
    if content.get("format_version") != FORMAT_VERSION:
        found = content.get("format_version")
        raise DatasetError(f"{path}: format_version is {found}, expected {FORMAT_VERSION}: materialize it again")
    return DatasetInfo.model_validate(content)


def is_complete(folder: UPath) -> bool:
    """Whether a data set is there with all of its files."""
    if not all((folder / name).exists() for name in (DESCRIPTION, MANIFEST)):
        return False
    arrays = [name for split in Split for name in (f"{split}.npy", f"{split}_labels.npy")]
    return all((folder / name).exists() for name in arrays) or _is_sharded(folder)


def _is_sharded(folder: UPath) -> bool:
    with suppress(DatasetError, ValueError):  # a damaged description
        return load_info(folder).sharded
    return False


def load_split(folder: Path, split: Split) -> SplitArrays:
    """The arrays of a split, mapped into memory and not to be written to. `folder` must be local."""
    return SplitArrays(
        np.load(folder / f"{split}.npy", mmap_mode="r"), np.load(folder / f"{split}_labels.npy", mmap_mode="r")
    )


def _divide(
    pictures: pd.DataFrame,
    before: "pd.Series[str]",
    given: Mapping[str, Split],
    units: pd.DataFrame,
    settings: DatasetSettings,
    classes: Sequence[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of splits, and of the pictures that are trained on what decides and was decided, in their order.

    The latter with `_at`, their places among all: at millions of rows, all columns twice would take gigabytes.
    """
    divided = pictures[[name for name in _DECISIVE if name in pictures]].assign(_at=np.arange(len(pictures)))
    # By what the picture is, not by what file it came from: the same pictures are the same arrays.
    divided = in_order(divided, ["klass", "resized_sha256", "sha256"]).reset_index(drop=True)
    divided["label"] = divided["klass"].map({klass: label for label, klass in enumerate(classes)}).astype("int64")
    unit_of = units.iloc[:, -1]
    at = places_of(divided["sha256"], unit_of.index)
    divided["unit_id"] = divided["sha256"]
    if len(unit_of):
        divided["unit_id"] = divided["sha256"].mask(at >= 0, unit_of.iloc[at].astype("str").set_axis(divided.index))
    divided["split"] = assign_splits(
        divided.assign(klass=divided["klass_given"]) if "klass_given" in divided else divided,
        unit_of,
        before,
        settings.splits,
        given=given,
        seed=settings.split_seed,
    )
    divided.attrs.update(split_rule(settings))
    splits = remembered(divided, before, units)
    if "is_in_set" in divided and not divided["is_in_set"].all():
        divided = divided[divided["is_in_set"]].reset_index(drop=True)
    return splits, divided.assign(row=divided.groupby("split").cumcount())


def _places_in_shards(manifest: pd.DataFrame) -> "pd.Series[int]":
    """The row of each picture in its split: as they lie, whatever their classes: neighbours are read at once."""
    columns = [name for name in ("subreddit", "sha256") if name in manifest]
    return in_order(manifest[[*columns, "split"]], columns).groupby("split").cumcount()


def _remove_arrays(folder: UPath, info: DatasetInfo) -> None:
    """Those of when the set was smaller."""
    for array in folder.glob("*.npy") if info.sharded else ():
        array.unlink(missing_ok=True)


def _by_name(splits: Mapping[str, Split]) -> "pd.Series[str]":
    return pd.Series(list(splits.values()), index=pd.Index(list(splits), dtype="str"), dtype="str")


def _rows(
    pictures: pd.DataFrame, manifest: pd.DataFrame, carried: Callable[[], pd.DataFrame] | None
) -> Iterator[pd.DataFrame]:
    """The manifest with all columns, some rows at a time."""
    kept = pictures.drop(columns="is_in_set", errors="ignore")
    if carried is not None:
        more = carried()
        if not more.pop("sha256").equals(kept["sha256"]):
            raise DatasetError("the pictures became others while they were divided: materialize training_dataset again")
        kept = kept.assign(**{str(name): more[name].array for name in more})
        del more
    for start in range(0, max(1, len(manifest)), _PART):
        part = manifest.iloc[start : start + _PART]
        rows = kept.iloc[part["_at"]].reset_index(drop=True)
        rows = rows.assign(**{name: part[name].array for name in _PLACED[1:]})
        rows.attrs.update(manifest.attrs)
        yield rows


def _counts(manifest: pd.DataFrame, classes: Sequence[str]) -> dict[str, dict[str, int]]:
    table = pd.crosstab(manifest["split"], manifest["klass"]).reindex(
        index=[split.value for split in Split], columns=list(classes), fill_value=0
    )
    return {split: {klass: int(table.loc[split, klass]) for klass in classes} for split in table.index}


def _check_counts(counts: Mapping[str, Mapping[str, int]], settings: DatasetSettings) -> None:
    for klass in counts[Split.TRAIN]:
        total = sum(of_split[klass] for of_split in counts.values())
        if total < settings.min_per_class:
            raise DatasetError(
                f"class {klass} has {total} pictures, at least {settings.min_per_class} are needed: "
                f"give it more sources, or lower dataset.min_per_class"
            )
        for split, of_split in counts.items():
            if of_split[klass] == 0:
                raise DatasetError(
                    f"class {klass} has no pictures in the {split} split ({total} in all): "
                    f"give it more sources, or make dataset.splits.{split} larger"
                )


def _is_current(target: UPath, info: DatasetInfo) -> bool:
    try:
        return is_complete(target) and load_info(target) == info
    except DatasetError:
        return False


def _write_split(folder: Path, split: Split, rows: pd.DataFrame, resized: ContentStore, side: int) -> None:
    shape = (len(rows), side, side, 3)
    images = create_array(folder / f"{split}.npy", shape, np.uint8)

    def read(item: tuple[int, str]) -> None:
        row, sha256 = item
        images[row] = decode(resized.get(sha256, "jpeg"))

    for _ in Threads(8).map(read, enumerate(rows["sha256"])):  # more than cores: the store may be far
        pass
    images.flush()
    np.save(folder / f"{split}_labels.npy", rows["label"].to_numpy(np.int64))
