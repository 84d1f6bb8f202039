import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.dataset import find_shortcuts
from cic_assets.domain.dataset.roc import area_under_roc, roc_interval

PLAIN = {"width": 640, "height": 480, "bytes": 50_000, "format": "jpeg", "sharpness": 500.0,
         "content_left": 0.0, "content_top": 0.0, "content_right": 1.0, "content_bottom": 1.0}  # fmt: skip


def pictures(count=400, classes=("car", "tank"), seed=0):
    """Pictures whose shortcuts say nothing about their class."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame({
        **PLAIN,
        "sha256": [random.bytes(32).hex() for _ in range(count)],
        "klass": [classes[number % len(classes)] for number in range(count)],
        "red": random.random(count), "green": random.random(count), "blue": random.random(count),
    })  # fmt: skip
    table["width"] = random.integers(300, 2000, count)
    table["height"] = random.integers(300, 2000, count)
    table["bytes"] = random.integers(10_000, 500_000, count)
    table["sharpness"] = random.lognormal(6, 1, count)
    return table


def shortcuts(table, classes=("car", "tank")):
    return {(shortcut.name, shortcut.klass): shortcut for shortcut in find_shortcuts(table, classes)}


def by_name(table):
    return {shortcut.name: shortcut for shortcut in find_shortcuts(table, ("car", "tank"))}


@pytest.mark.parametrize("seed", range(5))
def test_what_says_nothing_is_no_shortcut(seed):
    for shortcut in find_shortcuts(pictures(seed=seed), ("car", "tank")):
        assert not shortcut.is_warned_of
        assert 0.35 < shortcut.auc < 0.65
        assert shortcut.auc_ci[0] < 0.55


def test_a_size_that_only_one_class_has_is_named():
    table = pictures()
    some = table.index[table["klass"] == "tank"][:120]
    table.loc[some, ["width", "height"]] = 512
    size = by_name(table)["size"]
    assert size.is_warned_of
    assert (size.klass, size.value, size.of_class, size.of_rest) == ("tank", "512 x 512", 120, 0)


@pytest.mark.parametrize(
    ("shortcut", "changes"),
    [
        ("shape", {"width": 1000, "height": 500}),
        ("shorter side", {"width": 300, "height": 300}),
        ("file size", {"bytes": 7_000}),
        ("format", {"format": "png"}),
        ("borders", {"content_left": 0.1, "content_right": 0.9}),
        ("sharpness", {"sharpness": 20.0}),
        ("mean colour", {"red": 0.4, "green": 0.6, "blue": 0.3}),
    ],
)
def test_each_planted_cue_is_found(shortcut, changes):
    table = pictures()
    table.loc[table.index[table["klass"] == "car"][:150], list(changes)] = list(changes.values())
    found = by_name(table)
    assert found[shortcut].is_warned_of
    assert found[shortcut].klass == "car"
    assert found[shortcut].auc > 0.75
    if shortcut in ("format", "borders", "sharpness", "mean colour"):  # the others are made of the same numbers
        assert [name for name, one in found.items() if one.is_warned_of] == [shortcut]


def test_a_cue_in_the_middle_is_found_too():
    table = pictures()
    cars = table["klass"] == "car"
    middle = np.random.default_rng(1).uniform(0.45, 0.55, (cars.sum(), 3))
    table.loc[cars, ["red", "green", "blue"]] = middle
    assert by_name(table)["mean colour"].auc > 0.9


def test_of_many_classes_each_is_told_from_the_rest():
    classes = ("car", "tank", "boat")
    table = pictures(600, classes)
    table.loc[table["klass"] == "boat", "format"] = "webp"
    found = shortcuts(table, classes)
    assert found["format", "boat"].is_warned_of
    assert found["format", "boat"].value == "webp"
    # And the others from it: half of what is not a car is a boat.
    assert found["format", "car"].auc == pytest.approx(0.75, abs=0.02)


def test_cues_without_their_columns_are_not_asked():
    assert set(by_name(pictures().drop(columns=["red", "content_left"]))) == {
        "size", "shorter side", "shape", "file size", "compression", "format", "sharpness",
    }  # fmt: skip


def test_few_pictures_prove_little():
    table = pictures(12)
    table.loc[table["klass"] == "car", "format"] = "png"
    low, high = by_name(table)["format"].auc_ci
    assert low < 0.8
    assert high == 1


scores = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=30)


@given(scores)
def test_the_area_is_the_share_of_pairs_in_order(pairs):
    values, truth = np.array([v for v, _ in pairs], float), np.array([t for _, t in pairs])
    differences = values[truth][:, None] - values[~truth][None]
    expected = 0.5 if not differences.size else ((differences > 0) + 0.5 * (differences == 0)).mean()
    assert area_under_roc(values, truth) == pytest.approx(expected)


@given(auc=st.floats(0, 1), positive=st.integers(1, 1000), negative=st.integers(1, 1000))
def test_the_interval_holds_the_area_and_stays_inside(auc, positive, negative):
    low, high = roc_interval(auc, positive, negative)
    assert 0 <= low <= auc <= high <= 1


def test_intervals_hold_the_truth_as_often_as_they_say():
    # Normal scores one deviation apart: the area is 0.760.
    random, held = np.random.default_rng(0), 0
    for _ in range(500):
        values = np.concatenate([random.normal(1, 1, 40), random.normal(0, 1, 60)])
        low, high = roc_interval(area_under_roc(values, np.arange(100) < 40), 40, 60)
        held += low <= 0.7602 <= high
    assert 0.92 <= held / 500 <= 0.985


def test_a_perfect_order_of_few_is_not_certain():
    assert roc_interval(1.0, 10, 10)[0] == pytest.approx(0.8, abs=0.06)
    assert roc_interval(0.5, 0, 10) == (0, 1)


@pytest.mark.shared
def test_the_shortcut_of_the_recorded_archive_is_named(archive_pictures):
    size = next(shortcut for shortcut in find_shortcuts(archive_pictures, ("car", "tank")) if shortcut.name == "size")
    assert size.is_warned_of
    assert (size.klass, size.value, size.of_rest) == ("tank", "512 x 512", 0)
    assert size.of_class > 90
