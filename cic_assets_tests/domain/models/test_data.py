import json
from collections.abc import Callable
from pathlib import Path

import cv2
import fsspec
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from upath import UPath

from cic_assets.domain.models.data import fit_to_side, load_training_data
from cic_assets.domain.models.errors import TrainingDataError

from .conftest import COUNTS, MakeDataset


def test_reads_what_was_written_without_reading_all_of_it(make_dataset: MakeDataset) -> None:
    data = load_training_data(UPath(make_dataset(3)))
    assert data.classes == ["car", "tank", "bus"]
    assert data.class_weights == {0: 1.0, 1: 1.0, 2: 1.0}
    assert (data.side, data.version, data.left_out) == (36, "v1", 0)
    assert {split: len(part) for split, part in data.splits.items()} == COUNTS
    assert isinstance(data.splits["train"].images, np.memmap)


def test_knows_how_many_a_person_left_out(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    rewrite(folder, left_out={"cars": 2, "tanks": 1})
    assert load_training_data(UPath(folder)).left_out == 3


def test_reads_from_an_object_store(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/bucket/dataset", recursive=True)
    data = load_training_data(UPath("memory://bucket/dataset"))
    assert_array_equal(data.splits["test"].images, np.load(folder / "test.npy"))


def rewrite(folder: Path, **changes: object) -> None:
    path = folder / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def spoil_manifest(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = folder / "manifest.parquet"
    change(pd.read_parquet(path)).to_parquet(path)


def test_class_weights_follow_the_labels_not_their_order_in_the_file(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    rewrite(folder, class_weights={"tank": 3.0, "car": 0.5})
    assert load_training_data(UPath(folder)).class_weights == {0: 0.5, 1: 3.0}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "dataset.json").unlink(), "dataset.json is missing: materialize training_dataset"),
        (lambda f: (f / "test.npy").unlink(), "test.npy is missing"),
        (lambda f: (f / "manifest.parquet").unlink(), "manifest.parquet is missing"),
        (lambda f: spoil_manifest(f, lambda m: m[m["split"] != "test"]), "its test rows are not those of test.npy"),
        (lambda f: spoil_manifest(f, lambda m: m.assign(label=1 - m["label"])), "its train rows are not those of"),
        (lambda f: (f / "dataset.json").write_text("{}"), "lacks class_weights, classes, version"),
        (lambda f: rewrite(f, class_weights={"car": 1}), "name different classes"),
        (lambda f: np.save(f / "train.npy", np.zeros((24, 36, 36, 3))), "float64"),
        (lambda f: np.save(f / "train.npy", np.zeros((24, 36, 30, 3), np.uint8)), r"expected uint8 \(N, side"),
        (lambda f: np.save(f / "train_labels.npy", np.zeros(3, np.int64)), "24 pictures and labels of shape"),
        (lambda f: np.save(f / "train_labels.npy", np.arange(24)), "labels from 0 to 23, expected 0 to 1"),
        (lambda f: np.save(f / "train_labels.npy", np.zeros(24, np.int64)), "no training picture of tank"),
        (
            lambda f: [
                np.save(f / "test.npy", np.zeros((0, 36, 36, 3), np.uint8)),
                np.save(f / "test_labels.npy", np.zeros(0, np.int64)),
            ],
            "the test split is empty",
        ),
    ],
)
def test_what_does_not_fit_is_said(make_dataset: MakeDataset, spoil: object, message: str) -> None:
    folder = make_dataset()
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(TrainingDataError, match=message):
        load_training_data(UPath(folder))


def test_equal_side_copies_nothing() -> None:
    images = np.zeros((2, 8, 8, 3), np.uint8)
    assert fit_to_side(images, 8) is images


def test_shrinking_averages_areas() -> None:
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, ::2] = 200  # would alias to all or nothing
    assert_array_equal(fit_to_side(stripes, 16), np.full((1, 16, 16, 3), 100))


def test_enlarging_is_smooth() -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    expected = cv2.resize(images[0], (32, 32), interpolation=cv2.INTER_CUBIC)
    assert_array_equal(fit_to_side(images, 32)[0], expected)


def test_a_file_holds_the_same(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
    mapped = fit_to_side(images, 24, tmp_path / "small.npy")
    assert_array_equal(mapped, fit_to_side(images, 24))
    assert_array_equal(np.load(tmp_path / "small.npy"), mapped)
