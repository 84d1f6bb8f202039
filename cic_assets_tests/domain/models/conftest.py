"""Small data sets on disk, drawn here, in the format that `cic_assets.domain.dataset` writes."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

COUNTS = {"train": 24, "validation": 12, "test": 12}

MakeDataset = Callable[..., Path]


def draw_picture(label: int, side: int, random: np.random.Generator) -> np.ndarray:
    """Noise with a bright square that stands left (0), right (1) or, white as all, at the top of the middle (2)."""
    picture = random.integers(0, 120, (side, side, 3), dtype=np.uint8)
    third = side // 3
    left = {0: 0, 1: side - third, 2: third}[label]
    top = 0 if label == 2 else third
    picture[top : top + third, left : left + third] = random.integers(200, 255)
    return picture


@pytest.fixture(autouse=True)
def the_usual_precision() -> Iterator[None]:
    """A training in this process sets its precision for the whole of it."""
    yield
    if keras := sys.modules.get("keras"):
        keras.config.set_dtype_policy("float32")


def dataset_in(
    parent: Path,
    classes: int = 2,
    side: int = 36,
    counts: dict[str, int] | None = None,
    version: str = "v1",
    rare: int | None = None,
) -> Path:
    """`rare` makes one in so many pictures a tank, whatever is on it, and gives classes their weights."""
    folder = parent / f"dataset-{classes}-{side}-{version}"
    folder.mkdir()
    random = np.random.default_rng(0)
    names = ["car", "tank", "bus"][:classes]
    rows = []
    for split, count in (counts or COUNTS).items():
        labels = np.arange(count) % classes
        pictures = [draw_picture(int(label), side, random) for label in labels]
        labels = (np.arange(count) // classes % rare == 0).astype(int) if rare else labels
        np.save(folder / f"{split}.npy", np.stack(pictures))
        np.save(folder / f"{split}_labels.npy", labels.astype(np.int64))
        rows += [
            {"sha256": f"{split}{row:04}", "split": split, "row": row, "klass": names[label], "label": int(label)}
            for row, label in enumerate(labels)
        ]
    pd.DataFrame(rows).sample(frac=1, random_state=0).to_parquet(folder / "manifest.parquet")
    weights = {"car": rare / (rare - 1) / 2, "tank": rare / 2} if rare else dict.fromkeys(names, 1.0)
    about = {"classes": names, "class_weights": weights, "version": version, "jpeg_quality": 90}
    (folder / "dataset.json").write_text(json.dumps(about))
    return folder


@pytest.fixture
def make_dataset(tmp_path: Path) -> MakeDataset:
    return partial(dataset_in, tmp_path)


@pytest.fixture(scope="module")
def make_shared_dataset(tmp_path_factory: pytest.TempPathFactory) -> MakeDataset:
    """Data sets that the tests of a module share, and only read."""
    return partial(dataset_in, tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def graphs_as_they_are() -> Iterator[None]:
    """TensorFlow improves each graph before its first step: a fifth of what a training of some steps takes."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_weights(monkeypatch, tmp_path)


def without_weights(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """There are none on this machine, and nobody to ask."""
    from cic_assets.domain.models import weights

    patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    patch.setenv("KERAS_HOME", str(folder / "keras"))
    patch.delenv(weights.ENVIRONMENT_VARIABLE, raising=False)
    patch.setattr(weights, "KERAS_URL", "http://127.0.0.1:9/weights.h5")
    patch.setattr(weights, "_pip", lambda _: ["false"])
