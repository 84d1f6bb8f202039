"""The output of a frozen backbone, computed once for each view of a picture and kept on disk in half precision.

A backbone that does not learn gives the same output for the same picture, in every epoch. Running it is nine tenths of
the work on a CPU (`benchmarks/results.md`), so it runs once for each augmented view; epochs take turns at the views.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.models.augmentation import Draws, augment, draw
from cic_assets.domain.models.backbones import Exporting, Pictures, Runner, runners
from cic_assets.domain.models.data import SPLITS, AnyImages, Images, SplitName
from cic_assets.domain.models.errors import ModelError
from cic_assets.domain.models.events import PROGRESS_SECONDS, OnEvent, Progress
from cic_assets.domain.models.settings import ModelSettings
from cic_assets.storage import create_array, path_of

BATCH = 32
"""Pictures of which features go through further layers at once."""

Features = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class BackboneFeatures:
    """What the rest of the network trains on: the training pictures' views, validation and test as they are."""

    views: list[Features]
    validation: Features
    test: Features
    seconds: float

    @property
    def by_split(self) -> dict[SplitName, Features]:
        """Of all pictures; of the training pictures in their first view."""
        return {"train": self.views[0], "validation": self.validation, "test": self.test}


def backbone_features(
    backbone: Any,
    images: dict[SplitName, AnyImages],
    settings: ModelSettings,
    folder: Path,
    on_event: OnEvent,
    exporting: Exporting | None = None,
) -> BackboneFeatures:
    """Run the backbone, or take what was kept from an earlier time.

    What will be judged goes through it in 32 bits, as in the saved model.

    Args:
        backbone: a keras.Model from bytes (N, side, side, 3) to features (N, …).
        images: by the names of the splits: train, validation, test.
        settings: seed, augmentation, epochs and views count.
        folder: holds the features of exactly this backbone, data and these settings; each view appears in it whole.
        on_event: takes progress.
        exporting: how the backbone is exported; None leaves it to Keras.
    """
    views = min(settings.views, settings.epochs)
    wanted: dict[str, tuple[AnyImages, int | None]] = {
        f"train-{view}": (images["train"], view) for view in range(views)
    }
    wanted |= {"validation": (images["validation"], None), "test": (images["test"], None)}
    missing = {name: source for name, source in wanted.items() if not (folder / f"{name}.npy").exists()}
    _make_alone(folder)
    began = time.perf_counter()
    if missing:
        tell = _Teller(sum(len(source) for source, _ in missing.values()), on_event)
        training, judging = runners(backbone, exporting, images["validation"], on_event)
        for name, (source, view) in missing.items():
            runner = judging if view is None else training
            batches = _batches(source, view, settings, runner.batch)
            _write(runner, batches, len(source), folder / f"{name}.npy", tell)
    kept = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in wanted}
    return BackboneFeatures(
        views=[kept[f"train-{view}"] for view in range(views)],
        validation=kept["validation"],
        test=kept["test"],
        seconds=time.perf_counter() - began if missing else 0.0,
    )


def known_features(tables: Sequence[str], version: str, manifest: pd.DataFrame) -> BackboneFeatures | None:
    """Pooled features out of tables, for a training that varies no picture; None where a picture's are missing.

    Args:
        tables: Parquet files, local or `s3://…`, with `sha256, resized_sha256, features_version, features`.
        version: of weights, side and program, as of `pooled_version`.
        manifest: of the data set.
    """
    found: dict[tuple[str, str], bytes] = {}
    for table in tables:
        with path_of(table).open("rb") as file:
            rows = pd.read_parquet(file)
        same = rows[rows["features_version"] == version]
        found |= dict(zip(zip(same["sha256"], same["resized_sha256"], strict=True), same["features"], strict=True))
    splits = {}
    for split in SPLITS:
        rows = manifest[manifest["split"] == split].sort_values("row")
        keys = list(zip(rows["sha256"], rows.get("resized_sha256", rows["sha256"]), strict=True))
        if not found.keys() >= set(keys):
            return None
        splits[split] = np.frombuffer(b"".join(found[key] for key in keys), np.float16).reshape(len(keys), -1)
    return BackboneFeatures([splits["train"]], splits["validation"], splits["test"], seconds=0.0)


def passed(model: Any, features: Features) -> NDArray[np.float32]:
    """What a keras.Model makes of features (N, …), a batch at a time."""
    parts = [model.predict_on_batch(features[start : start + BATCH]) for start in range(0, len(features), BATCH)]
    return np.concatenate([np.asarray(part, dtype=np.float32) for part in parts])


def _make_alone(folder: Path) -> None:
    """Make a folder, and remove those beside it: features of other data or settings, and large."""
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other)


def _batches(images: AnyImages, view: int | None, settings: ModelSettings, size: int) -> Iterator[Pictures]:
    drawn = None if view is None else draw(settings.augmentation, len(images), settings.seed, view)
    for start in range(0, len(images), size):
        yield partial(_pictures, images, np.arange(start, min(start + size, len(images))), drawn, settings.input_size)


def _pictures(images: AnyImages, rows: NDArray[np.int64], drawn: Draws | None, side: int) -> Images:
    return images[rows] if drawn is None else augment(images[rows], rows, drawn, side)


def _write(runner: Runner, batches: Iterator[Pictures], count: int, path: Path, tell: Callable[[int], None]) -> None:
    part = path.with_suffix(".part")
    answers = runner.run(batches)
    first = next(answers)
    features = create_array(part, (count, *first.shape[1:]), np.float16)
    start = 0
    for values in chain([first], answers):
        if not (np.abs(values) <= np.finfo(np.float16).max).all():  # also where a value is NaN
            raise ModelError("the frozen backbone gives values that half precision cannot hold: check its weights")
        features[start : start + len(values)] = values
        start += len(values)
        tell(len(values))
    features.flush()
    part.replace(path)


class _Teller:
    """Progress of the backbone, at most one event a second."""

    def __init__(self, total: int, on_event: OnEvent) -> None:
        self._total = total
        self._on_event = on_event
        self._done = 0
        self._began = self._told = time.perf_counter()

    def __call__(self, images: int) -> None:
        self._done += images
        now = time.perf_counter()
        if now - self._told >= PROGRESS_SECONDS or self._done == self._total:
            self._told = now
            rate = self._done / (now - self._began)
            remaining = (self._total - self._done) / rate
            self._on_event(
                Progress(stage="features", done=self._done, total=self._total, rate=rate, remaining_seconds=remaining)
            )
