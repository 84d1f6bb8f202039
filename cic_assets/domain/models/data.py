"""The training set as arrays: read, checked, brought to the side that a network sees. No Keras, no augmentation."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.models.errors import TrainingDataError
from cic_assets.domain.models.stored_images import StoredImages, resized
from cic_assets.storage import DataRoot, create_array

if TYPE_CHECKING:
    import pandas as pd

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")

Images = NDArray[np.uint8]
"""(N, side, side, 3), RGB, 0 to 255."""
AnyImages = Images | StoredImages
"""The same, in memory or mapped into it; or read when asked for."""
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SplitPictures:
    """Pictures (N, side, side, 3) RGB bytes, mapped from disk or read as needed, and their labels (N,)."""

    images: AnyImages
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A data set as `cic_assets.domain.dataset` writes it.

    Attributes:
        splits: the pictures and labels of each split.
        classes: names in the order of their labels.
        class_weights: factor on the loss of each label, so that rare classes count as much as frequent ones.
        version: changes exactly when the content does.
        manifest: one row a picture: at least sha256, klass, label, split, row (index in the split's array).
        jpeg_quality: of the copies that the arrays were decoded from; None where that was not noted.
        left_out: pictures that a person left out of it.
    """

    splits: dict[SplitName, SplitPictures]
    classes: list[str]
    class_weights: dict[int, float]
    version: str
    manifest: "pd.DataFrame"
    jpeg_quality: int | None = None
    left_out: int = 0

    @property
    def side(self) -> int:
        """Height and width of every picture, in pixels."""
        return int(self.splits["train"].images.shape[1])

    @property
    def gone(self) -> frozenset[str]:
        """SHA-256 of pictures that were looked for and are not there any more: others were shown in their places."""
        stored = (split.images for split in self.splits.values() if isinstance(split.images, StoredImages))
        return frozenset().union(*(images.gone for images in stored))

    def rows_of(self, split: SplitName) -> "pd.DataFrame":
        """The manifest's rows of a split, in the order of its pictures."""
        return self.manifest[self.manifest["split"] == split].sort_values("row")

    def units_of(self, split: SplitName) -> NDArray[np.str_]:
        """What each picture of a split is in; itself where that was not noted yet."""
        return np.asarray(_units(self.rows_of(split)).to_numpy(str))


def is_learned(manifest: "pd.DataFrame", seen: "pd.DataFrame", split: SplitName) -> "pd.Series[bool]":
    """Whether a model has learned too much of each picture to be judged by it.

    It has seen it, or another of its unit, in a split before the one that it is judged by: it learns from the training
    pictures, and what it is chosen by are those of the validation.

    Args:
        manifest: of the data set of today, which knows the units.
        seen: sha256 and split of the pictures that the model knows.
        split: that it is judged by.
    """
    units = _units(manifest)
    learned = seen.loc[seen["split"].isin(SPLITS[: SPLITS.index(split)]), "sha256"]
    return units.isin(units[manifest["sha256"].isin(learned)])


def _units(rows: "pd.DataFrame") -> "pd.Series[str]":
    return rows["unit_id" if "unit_id" in rows else "sha256"]


def load_training_data(folder: UPath) -> TrainingData:
    """Read a data set folder (local or in a bucket).

    Raises:
        TrainingDataError: a file is missing or does not fit the others; the message names it.
    """
    import pandas as pd

    about = _read_about(folder)
    classes = [str(name) for name in about["classes"]]
    with _existing(folder / "manifest.parquet").open("rb") as file:
        manifest = pd.read_parquet(file)
    splits = _splits(folder, about, manifest, len(classes))
    present = set(np.unique(splits["train"].labels).tolist())
    if missing := [name for label, name in enumerate(classes) if label not in present]:
        raise TrainingDataError(f"{folder}: no training picture of {', '.join(missing)}, expected some of each class")
    weights = {classes.index(name): float(weight) for name, weight in about["class_weights"].items()}
    _check_manifest(manifest, splits, folder)
    left_out = sum(about.get("left_out", {}).values())
    return TrainingData(splits, classes, weights, str(about["version"]), manifest, about.get("jpeg_quality"), left_out)


def _splits(
    folder: UPath, about: dict[str, Any], manifest: "pd.DataFrame", classes: int
) -> dict[SplitName, SplitPictures]:
    if not about.get("sharded"):
        return {name: _read_split(folder, name, classes) for name in SPLITS}
    store = DataRoot(str(folder.parent)).resized(about["side"])
    if lacking := store.lacking(list(manifest["sha256"])):
        raise TrainingDataError(f"{len(lacking):,} pictures have no copy ({lacking[0]}): materialize resized_images")
    splits: dict[SplitName, SplitPictures] = {}
    gone = set[str]()
    for name in SPLITS:
        rows = manifest[manifest["split"] == name].sort_values("row")
        labels, sha256s, copies = rows["label"].to_numpy(np.int64), list(rows["sha256"]), list(rows["resized_sha256"])
        images = StoredImages(store, sha256s, copies, about["side"], labels=labels, gone=gone)
        splits[name] = _checked(folder / "manifest.parquet", name, images, labels, classes)
    return splits


def _check_manifest(manifest: "pd.DataFrame", splits: dict[SplitName, SplitPictures], folder: UPath) -> None:
    """Predictions name pictures by the manifest, so it must be of the same pictures as the arrays."""
    for name, split in splits.items():
        rows = manifest[manifest["split"] == name].sort_values("row")
        if rows["row"].tolist() != list(range(len(split))) or rows["label"].tolist() != split.labels.tolist():
            raise TrainingDataError(f"{folder / 'manifest.parquet'}: its {name} rows are not those of {name}.npy")


def _read_about(folder: UPath) -> dict[str, Any]:
    path = _existing(folder / "dataset.json")
    about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if missing := {"classes", "class_weights", "version"} - about.keys():
        raise TrainingDataError(f"{path}: lacks {', '.join(sorted(missing))}: materialize training_dataset again")
    if sorted(about["class_weights"]) != sorted(about["classes"]):
        raise TrainingDataError(f"{path}: class_weights and classes name different classes")
    return about


def _existing(path: UPath) -> UPath:
    if not path.exists():
        raise TrainingDataError(f"{path} is missing: materialize training_dataset first")
    return path


def _read_split(folder: UPath, name: SplitName, classes: int) -> SplitPictures:
    images = _read_array(folder / f"{name}.npy")
    labels = np.asarray(_read_array(folder / f"{name}_labels.npy"))
    where = folder / f"{name}.npy"
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 3:  # noqa: PLR2004 - axes, channels
        raise TrainingDataError(f"{where}: found {images.dtype} {images.shape}, expected uint8 (N, side, side, 3)")
    if labels.shape != (len(images),):
        raise TrainingDataError(f"{where}: {len(images)} pictures and labels of shape {labels.shape}")
    return _checked(where, name, images, labels.astype(np.int64), classes)


def _checked(where: UPath, name: SplitName, images: AnyImages, labels: Labels, classes: int) -> SplitPictures:
    if len(images) == 0:
        raise TrainingDataError(f"{where}: the {name} split is empty: add pictures or change the shares of the splits")
    if labels.min() < 0 or labels.max() >= classes:
        raise TrainingDataError(f"{where}: labels from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}")
    return SplitPictures(images, labels)


def _read_array(path: UPath) -> NDArray[Any]:
    array: NDArray[Any]
    if _existing(path).protocol in ("", "file", "local"):
        array = np.load(str(path), mmap_mode="r", allow_pickle=False)
    else:
        array = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    return array


def some(images: AnyImages, rows: NDArray[np.int64]) -> AnyImages:
    """The pictures of some rows; those that are read when asked for, still are."""
    return images.of_rows(rows) if isinstance(images, StoredImages) else images[rows]


@overload
def fit_to_side(images: Images, side: int, file: Path | None = None) -> Images: ...
@overload
def fit_to_side(images: AnyImages, side: int, file: Path | None = None) -> AnyImages: ...
def fit_to_side(images: AnyImages, side: int, file: Path | None = None) -> AnyImages:
    """Pictures (N, S, S, 3) at another side: area averages when shrinking (no aliasing), cubic when enlarging.

    What training and prediction both do to a picture of the data set's side before a network sees it.

    Args:
        images: RGB bytes.
        side: of the result, in pixels; an equal side returns `images` itself.
        file: where to put the result, mapped into memory; None keeps it in memory. Those that are read when asked for
            are brought to the side then.
    """
    if isinstance(images, StoredImages):
        return images.at_side(side)
    if images.shape[1] == side:
        return images
    shape = (len(images), side, side, 3)
    fitted: Images = np.empty(shape, np.uint8) if file is None else create_array(file, shape, np.uint8)
    for image, target in zip(images, fitted, strict=True):
        resized(image, side, target)
    return fitted
