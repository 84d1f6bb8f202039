"""Slices are called out where a model fails in them, and not by chance."""

import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.evaluation import slices as ours
from cic_assets.domain.evaluation.answers import answers_of


def judged(right, units=None, **columns):
    """Answers of which some are right, and a manifest with some columns."""
    n = len(right)
    sha256 = [f"{i:064}" for i in range(n)]
    said = np.where(right, "car", "tank")
    predictions = pd.DataFrame(
        {
            "sha256": sha256, "split": "test", "klass": "car", "label": 0, "predicted": said,
            "p_car": np.where(right, 0.9, 0.1), "p_tank": np.where(right, 0.1, 0.9),
        }
    )  # fmt: skip
    names = sha256 if units is None else [f"u{unit}" for unit in units]
    manifest = pd.DataFrame({"sha256": sha256, "unit_id": names, **columns})
    return answers_of(predictions, manifest, ["car", "tank"]), manifest


def chance(found):
    return {(part.by, part.value): part.p_value_adjusted for part in found}


def test_a_third_in_which_it_fails_is_found():
    random = np.random.default_rng(0)
    sharpness = random.uniform(10, 400, 300)
    found = ours.find_slices(*judged(random.random(300) > np.where(sharpness < 140, 0.4, 0.05), sharpness=sharpness))
    assert [part.by for part in found] == ["sharpness"] * 3
    assert found[0].value.startswith("up to ")
    assert found[0].p_value_adjusted < 1e-6
    assert found[0].accuracy < found[0].accuracy_of_rest - 0.2
    assert sum(part.n for part in found) == 300


def test_the_chance_is_fisher_s_and_holm_s():
    from scipy.stats import fisher_exact

    right = np.repeat([True, False, True, False], [20, 10, 55, 5])
    (part,) = ours.find_slices(*judged(right, format=np.repeat(["png", "jpeg"], [30, 60])))
    assert (part.by, part.value, part.n, part.right) == ("format", "png", 30, 20)
    assert part.p_value == part.p_value_adjusted == pytest.approx(fisher_exact([[20, 10], [55, 5]]).pvalue)


def test_pictures_of_one_unit_are_no_reasons_of_their_own():
    right = np.repeat([True, False, True, False], [20, 10, 55, 5])
    formats = np.repeat(["png", "jpeg"], [30, 60])
    alone = chance(ours.find_slices(*judged(right, format=formats)))
    in_units = chance(ours.find_slices(*judged(right, np.arange(90) // 5, format=formats)))
    assert alone["format", "png"] < 0.05 < in_units["format", "png"]


def test_by_chance_hardly_any_model_is_said_to_fail():
    random, alarms = np.random.default_rng(1), 0
    for _ in range(60):
        units = np.repeat(np.arange(90), random.integers(1, 4, 90))
        n = len(units)
        of_unit, alone = (random.random(90) < 0.85)[units], random.random(n) < 0.85
        right = np.where(random.random(n) < 0.8, of_unit, alone)
        columns = {"subreddit": random.choice(["a", "b", "c"], 90)[units], "sharpness": random.random(90)[units]}
        found = ours.find_slices(*judged(right, units, **columns))
        alarms += any(part.p_value_adjusted < 0.05 for part in found)
    assert alarms <= 6


def test_every_column_that_there_is_is_looked_at(inputs):
    found = ours.find_slices(inputs.judged("vgg"), inputs.manifest)
    assert {part.by for part in found} >= {"source", "time", "shorter side, pixels"}
    assert all(part.p_value <= part.p_value_adjusted <= 1 for part in found)


def test_numbers_that_are_all_the_same_and_times_that_are_not_known_part_nothing():
    answers, manifest = judged(np.ones(40, bool), brightness=0.5, created_utc=0.0, width=100, height=100)
    assert ours.find_slices(answers, manifest) == []


def test_time_is_said_in_days():
    days = 1.6e9 + 86400.0 * np.arange(60)
    found = ours.find_slices(*judged(np.arange(60) % 2 == 0, created_utc=days))
    assert sorted(part.value for part in found) == [
        "2020-10-02 to 2020-10-22", "above 2020-10-22", "up to 2020-10-02"
    ]  # fmt: skip
