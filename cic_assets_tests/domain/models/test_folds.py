"""Which pictures a fold's network learns from, and what is kept of it. Without Keras."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from cic_assets.domain.models.data import SplitName, SplitPictures, TrainingData
from cic_assets.domain.models.folds import (
    FoldOutputs,
    JudgedInFolds,
    KeptFolds,
    about_folds,
    divide,
    folds_table,
    labels_of,
    rows_of,
)
from cic_assets.domain.models.losses import softmax
from cic_assets_tests.fixtures.effort import short_or_long

KEPT = FoldOutputs(np.array([[0.25, 0.75]]), np.array([[0.5, 0.5], [0.1, 0.9]]), 2.0, 3.0)


def data_of(units: list[tuple[int, int]], validation: float = 0.15, seed: int = 0) -> TrainingData:
    """A data set of units, each of so many pictures of such a label, divided by units in the product's shares."""
    random = np.random.default_rng(seed)
    rows = []
    for unit, (size, label) in enumerate(units):
        split = random.choice(["train", "validation", "test"], p=[1 - 0.15 - validation, validation, 0.15])
        split = ["train", "validation", "test"][unit] if unit < 3 else split
        rows += [
            {"sha256": f"{unit:04}-{i}", "unit_id": f"u{unit}", "label": label, "split": split} for i in range(size)
        ]
    manifest = pd.DataFrame(rows)
    manifest["klass"] = "k" + manifest["label"].astype(str)
    manifest["row"] = manifest.groupby("split").cumcount()
    splits: dict[SplitName, SplitPictures] = {}
    for name in ("train", "validation", "test"):
        labels = manifest.loc[manifest["split"] == name, "label"].to_numpy(np.int64)
        splits[name] = SplitPictures(np.zeros((len(labels), 2, 2, 3), np.uint8), labels)
    classes = [f"k{label}" for label in sorted(set(manifest["label"]))]
    return TrainingData(
        splits, classes, dict.fromkeys(range(len(classes)), 1.0), "v", manifest.sample(frac=1, random_state=1)
    )


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 2)), min_size=12, max_size=80),
    st.sampled_from([0.05, 0.15, 0.6]),
    st.integers(0, 3),
)
@settings(deadline=None)
def test_no_unit_is_learned_from_and_judged_and_every_picture_is_judged_once(
    units: list[tuple[int, int]], validation: float, seed: int
) -> None:
    data = data_of([*[(1, label) for label in range(3) for _ in range(6)], *units], validation, seed)
    names, labels = rows_of(data)["unit_id"].to_numpy(), labels_of(data)

    divisions = divide(data, 5, seed)

    assert len(divisions) == 5
    assert sorted(np.concatenate([one.test for one in divisions])) == list(range(len(labels)))
    for one in divisions:
        parts = [set(names[rows]) for rows in one.rows.values()]
        assert sum(map(len, parts)) == len(set.union(*parts))
        assert sorted(np.concatenate(list(one.rows.values()))) == list(range(len(labels)))
        assert set(labels[one.train]) == set(labels)
        assert len(one.validation)


def test_the_share_that_validates_is_that_of_the_data_set_in_each_class() -> None:
    data = data_of([(1, unit % 4 // 3) for unit in range(400)])
    learned = len(data.splits["train"]) + len(data.splits["validation"])
    share, labels = len(data.splits["validation"]) / learned, labels_of(data)
    for one in divide(data, 5, 0):
        for label in (0, 1):
            outside = np.concatenate([one.train, one.validation])
            among = (labels[one.validation] == label).sum() / (labels[outside] == label).sum()
            assert among == pytest.approx(share, abs=0.02)


def test_the_order_of_the_manifest_does_not_matter() -> None:
    data = data_of([(1 + unit % 3, unit % 2) for unit in range(40)])
    other = TrainingData(
        data.splits, data.classes, data.class_weights, "v", data.manifest.sample(frac=1, random_state=9)
    )
    for one, two in zip(divide(data, 5, 3), divide(other, 5, 3), strict=True):
        for split, rows in one.rows.items():
            assert_array_equal(rows, two.rows[split])


def test_a_class_with_three_units_makes_three_folds() -> None:
    divisions = divide(data_of([(1, 0)] * 30 + [(4, 1)] * 3), 5, 0)
    assert len(divisions) == 3


@pytest.mark.parametrize("units", [[(1, 0)] * 30 + [(4, 1)], [(2, 0), (2, 0), (2, 1), (2, 1)]])
def test_classes_of_one_unit_or_two_each_are_not_judged_in_folds(units: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="unit"):
        divide(data_of(units), 5, 0)


@pytest.mark.parametrize("pictures", short_or_long([20_000], [100_000]))
def test_a_hundred_classes(pictures: int) -> None:
    data = data_of([(1 + unit % 4, unit % 100) for unit in range(pictures * 2 // 5)])
    assert len(data.manifest) == pictures
    divisions = divide(data, 5, 0)
    assert max(len(one.test) for one in divisions) < 0.21 * pictures


def test_each_picture_has_the_answer_of_the_fold_that_it_was_left_out_with() -> None:
    data = data_of([(1 + unit % 2, unit % 2) for unit in range(60)])
    divisions, random = divide(data, 5, 0), np.random.default_rng(0)
    outputs = [
        FoldOutputs(softmax(random.normal(size=(len(one.validation), 2))), np.empty((len(one.test), 2)), 2.0, 3.0)
        for one in divisions
    ]
    for number, (one, given_out) in enumerate(zip(divisions, outputs, strict=True)):
        right = (one.test + number) % 3 > 0  # a mark of picture and fold
        said = np.where(right, labels_of(data)[one.test], 1 - labels_of(data)[one.test])
        given_out.test[:] = np.where(
            np.eye(2)[said] > 0, 0.5 + one.test[:, None] / 1000, 0.5 - one.test[:, None] / 1000
        )
    judged = JudgedInFolds(divisions, outputs)

    table = folds_table(data, judged)
    about = about_folds(data, judged, table, "f" * 64)

    assert list(table.columns) == ["sha256", "fold", "klass", "label", "predicted", "p_k0", "p_k1"]
    assert list(table["sha256"]) == list(rows_of(data)["sha256"])
    rows = np.arange(len(table))
    assert_array_equal(table["predicted"] == table["klass"], (rows + table["fold"]) % 3 > 0)
    np.testing.assert_allclose(table[["p_k0", "p_k1"]].max(axis=1), 0.5 + rows / 1000)
    assert about.scores.accuracy == pytest.approx(((rows + table["fold"]) % 3 > 0).mean())
    assert (about.count, about.wall_seconds, about.cpu_seconds) == (5, 10.0, 15.0)
    assert [one.pictures for one in about.calibrations] == [len(one.validation) for one in divisions]


def test_what_is_kept_is_read_by_the_same_training_alone(tmp_path: Path) -> None:
    KeptFolds(tmp_path / "folds", "key").write(3, KEPT)
    again = KeptFolds(tmp_path / "folds", "key").read(3)
    assert again is not None
    assert (again.wall_seconds, again.cpu_seconds) == (2.0, 3.0)
    assert_array_equal(again.test, KEPT.test)
    assert KeptFolds(tmp_path / "folds", "other").read(3) is None
    assert KeptFolds(tmp_path / "folds", "key").read(2) is None


@pytest.mark.parametrize("left", [0, 10, 200])
def test_a_file_that_is_cut_off_is_as_none(tmp_path: Path, left: int) -> None:
    kept = KeptFolds(tmp_path, "key")
    kept.write(0, KEPT)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:left])
    assert kept.read(0) is None
