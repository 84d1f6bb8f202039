"""The data set on disk: one uint8 array and one label array a split, a manifest, and a description.

Arrays are `.npy`, so training maps them into memory and never decodes a picture twice.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from upath import UPath

from cic_assets.domain.dataset.balance import class_weights
from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.given import read_given
from cic_assets.domain.dataset.settings import DatasetSettings
from cic_assets.domain.dataset.split_memory import MANIFEST, SPLITS, read_splits, remembered, split_rule, why_moved
from cic_assets.domain.dataset.splits import Split, assign_splits
from cic_assets.domain.dataset.units import COPIES, find_units
from cic_assets.domain.images import decode
from cic_assets.domain.schema import Column
from cic_assets.engine import Threads
from cic_assets.storage import (
    ContentStore,
    content_version,
    create_array,
    local_directory,
    read_json,
    write_atomically,
    write_json,
)

DESCRIPTION = "dataset.json"
FORMAT_VERSION = 2

MANIFEST_COLUMNS: Mapping[str, Column] = {
    "label": Column("int64", "the class as a number: its place among the classes, from 0"),
    "unit_id": Column(
        "str", "of what is in one split with it: copies, equal pixels, post, crossposts, scene; their smallest SHA-256"
    ),
    "split": Column("str", "train, validation or test"),
    "row": Column("int64", "of the picture in the split's arrays, from 0"),
}
"""What the manifest adds to the pictures that it is made of."""


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
    publishing: Callable[[], AbstractContextManager[None]] = nullcontext,
    on_moved: Callable[[str], None] = lambda _line: None,
) -> DatasetInfo:
    """Divide the pictures, and write arrays, labels, manifest and description.

    Args:
        pictures: columns `sha256, resized_sha256, klass, group_id` (`created_utc` to divide by time) and whatever else
            the manifest is to keep, one row a picture.
        resized: the resized copies.
        target: where the data set goes; an earlier one there keeps its pictures on their sides.
        settings: side and splits.
        name: of the problem.
        classes: in the order of the labels.
        units: of `find_units`: what is in one split; the duplicate groups where omitted.
        sample: the pictures are drawn ones.
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
    manifest = _divide(pictures, before, given, units, settings, classes)
    splits = remembered(manifest, before, units)
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
    )
    for line in why_moved(manifest, {**before, **given}, units):
        on_moved(line)
    if _is_current(target, info):
        # Its posts and groups may have other names by now.
        with publishing():
            for file, table in ((MANIFEST, manifest), (SPLITS, splits)):
                _write_if_new(target / file, table.to_parquet(index=False))
        return info
    # The description comes last: without it, or with another version in it, the arrays beside it do not count.
    with local_directory(target, last=DESCRIPTION, publishing=publishing) as folder:
        for split in Split:
            _write_split(folder, split, manifest[manifest["split"] == split], resized, settings.side)
        manifest.to_parquet(folder / MANIFEST, index=False)
        splits.to_parquet(folder / SPLITS, index=False)
        write_json(UPath(folder / DESCRIPTION), info.model_dump())
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
    arrays = [name for split in Split for name in (f"{split}.npy", f"{split}_labels.npy")]
    return all((folder / name).exists() for name in (DESCRIPTION, MANIFEST, *arrays))


def load_split(folder: Path, split: Split) -> SplitArrays:
    """The arrays of a split, mapped into memory and not to be written to. `folder` must be local."""
    return SplitArrays(
        np.load(folder / f"{split}.npy", mmap_mode="r"), np.load(folder / f"{split}_labels.npy", mmap_mode="r")
    )


def _divide(
    pictures: pd.DataFrame,
    before: Mapping[str, Split],
    given: Mapping[str, Split],
    units: pd.DataFrame,
    settings: DatasetSettings,
    classes: Sequence[str],
) -> pd.DataFrame:
    # By what the picture is, not by what file it came from: the same pictures are the same arrays.
    manifest = pictures.sort_values(["klass", "resized_sha256", "sha256"]).reset_index(drop=True)
    manifest["label"] = manifest["klass"].map({klass: label for label, klass in enumerate(classes)}).astype("int64")
    unit_ids = units.iloc[:, -1]
    manifest["unit_id"] = manifest["sha256"].map(unit_ids).fillna(manifest["sha256"])
    manifest["split"] = assign_splits(
        manifest,
        {str(name): frozenset(members) for name, members in unit_ids.groupby(unit_ids).groups.items()},
        before,
        settings.splits,
        given=given,
        seed=settings.split_seed,
    )
    manifest["row"] = manifest.groupby("split").cumcount()
    manifest.attrs.update(split_rule(settings))
    return manifest


def _write_if_new(path: UPath, data: bytes) -> None:
    if not path.exists() or path.read_bytes() != data:
        write_atomically(path, data)


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
