"""The training set as arrays: read, checked, brought to the side that a network sees. No Keras, no augmentation."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.models.errors import TrainingDataError
from cic_assets.storage import create_array

if TYPE_CHECKING:
    import pandas as pd

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")

Images = NDArray[np.uint8]
"""(N, side, side, 3), RGB, 0 to 255."""
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SplitPictures:
    """Pictures (N, side, side, 3) RGB bytes, mapped from disk where possible, and their labels (N,)."""

    images: Images
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
    """

    splits: dict[SplitName, SplitPictures]
    classes: list[str]
    class_weights: dict[int, float]
    version: str
    manifest: "pd.DataFrame"
    jpeg_quality: int | None = None

    @property
    def side(self) -> int:
        """Height and width of every picture, in pixels."""
        return int(self.splits["train"].images.shape[1])


def load_training_data(folder: UPath) -> TrainingData:
    """Read a data set folder (local or any fsspec URL).

    Raises:
        TrainingDataError: a file is missing or does not fit the others; the message names it.
    """
    import pandas as pd

    about = _read_about(folder)
    classes = [str(name) for name in about["classes"]]
    splits: dict[SplitName, SplitPictures] = {name: _read_split(folder, name, len(classes)) for name in SPLITS}
    present = set(np.unique(splits["train"].labels).tolist())
    if missing := [name for label, name in enumerate(classes) if label not in present]:
        raise TrainingDataError(f"{folder}: no training picture of {', '.join(missing)}, expected some of each class")
    weights = {classes.index(name): float(weight) for name, weight in about["class_weights"].items()}
    with _existing(folder / "manifest.parquet").open("rb") as file:
        manifest = pd.read_parquet(file)
    _check_manifest(manifest, splits, folder)
    return TrainingData(splits, classes, weights, str(about["version"]), manifest, about.get("jpeg_quality"))


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
    if len(images) == 0:
        raise TrainingDataError(f"{where}: the {name} split is empty: add pictures or change the shares of the splits")
    if labels.min() < 0 or labels.max() >= classes:
        raise TrainingDataError(f"{where}: labels from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}")
    return SplitPictures(images, labels.astype(np.int64))


def _read_array(path: UPath) -> NDArray[Any]:
    array: NDArray[Any]
    if _existing(path).protocol in ("", "file", "local"):
        array = np.load(str(path), mmap_mode="r", allow_pickle=False)
    else:
        array = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    return array


def fit_to_side(images: Images, side: int, file: Path | None = None) -> Images:
    """Pictures (N, S, S, 3) at another side: area averages when shrinking (no aliasing), cubic when enlarging.

    What training and prediction both do to a picture of the data set's side before a network sees it.

    Args:
        images: RGB bytes.
        side: of the result, in pixels; an equal side returns `images` itself.
        file: where to put the result, mapped into memory; None keeps it in memory.
    """
    if images.shape[1] == side:
        return images
    shape = (len(images), side, side, 3)
    resized: Images = np.empty(shape, np.uint8) if file is None else create_array(file, shape, np.uint8)
    method = cv2.INTER_AREA if side < images.shape[1] else cv2.INTER_CUBIC
    for image, target in zip(images, resized, strict=True):
        cv2.resize(image, (side, side), dst=target, interpolation=method)
    return resized
