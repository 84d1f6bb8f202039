"""Temperature and sets of plausible classes do on new pictures what they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.models import LEVELS, Calibration, doubts_of, fit_calibration, softmax


def drawn(random, units, classes=3, sharpness=1.0, largest=1):
    """Pictures whose classes are as probable as the model says at a sharpness of 1, in units of equal logits."""
    sizes = random.integers(1, largest + 1, units)
    which = np.repeat(np.arange(units), sizes)
    logits = random.normal(0, 2.5, (units, classes))[which] + random.normal(0, 0.3, (len(which), classes))
    labels = (random.random((len(which), 1)) > softmax(logits).cumsum(axis=1)).sum(axis=1)
    return softmax(sharpness * logits), labels, which


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0])
def test_the_temperature_undoes_what_makes_a_model_too_sure_or_too_modest(sharpness):
    random = np.random.default_rng(0)
    found = fit_calibration(*drawn(random, 4000, sharpness=sharpness))
    assert found.temperature == pytest.approx(sharpness, rel=0.07)
    probabilities, _, _ = drawn(random, 5, sharpness=sharpness)
    assert found.calibrated(probabilities) == pytest.approx(softmax(np.log(probabilities) / found.temperature))


def test_it_is_where_the_loss_is_lowest():
    """By a search of the loss with Platt's targets written out."""
    from scipy.optimize import minimize_scalar

    probabilities, labels, units = drawn(np.random.default_rng(1), 120, sharpness=1.7)
    targets = np.full(probabilities.shape, 1 / 122 / 2)
    targets[np.arange(120), labels] = 121 / 122

    def loss(temperature):
        return -(targets * np.log(softmax(np.log(probabilities) / temperature))).sum()

    expected = minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x
    assert fit_calibration(probabilities, labels, units).temperature == pytest.approx(expected, rel=1e-2)


def test_it_says_the_loss_of_what_it_put_right():
    from sklearn.metrics import log_loss

    probabilities, labels, units = drawn(np.random.default_rng(2), 120, sharpness=3.0)
    found = fit_calibration(probabilities, labels, units)
    assert found.loss == pytest.approx(log_loss(labels, found.calibrated(probabilities)))
    assert found.loss < log_loss(labels, probabilities)


@pytest.mark.parametrize("pictures", [10, 100, 1000])
def test_without_a_mistake_a_model_does_not_become_surer_than_the_pictures_say(pictures):
    probabilities = np.tile([0.99, 0.01], (pictures, 1))
    found = fit_calibration(probabilities, np.zeros(pictures, int), np.arange(pictures))
    assert found.calibrated(probabilities)[0, 0] == pytest.approx(1 - 1 / (pictures + 2), rel=1e-2)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10))
def test_the_answer_stays_and_rows_add_up(seed, temperature):
    probabilities = np.random.default_rng(seed).dirichlet(np.full(4, 0.3), 20)
    calibration = Calibration(temperature=temperature, largest_doubts={}, pictures=1, units=1)
    found = calibration.calibrated(probabilities)
    assert found.sum(axis=1) == pytest.approx(1)
    assert (found.argmax(axis=1) == probabilities.argmax(axis=1)).all()


def test_answers_that_are_all_but_sure_are_still_told_apart():
    probabilities = np.array([[1.0, 1e-9], [1.0, 1e-30], [1.0, 0.0]])
    first, second, third = doubts_of(probabilities)[:, 0]
    assert first > second > third
    assert (first, second, third) == (1e-9, 1e-30, 0)


@pytest.mark.parametrize("largest", [1, 6])
@pytest.mark.parametrize("classes", [2, 5])
def test_sets_hold_the_truth_as_often_as_they_say(classes, largest):
    """Over forty draws of validation pictures, on new ones; of pictures in units, each unit counts as one."""
    random, held = np.random.default_rng(2), []
    for _ in range(40):
        calibration = fit_calibration(*drawn(random, 200, classes, 1.5, largest))
        probabilities, labels, units = drawn(random, 1500, classes, 1.5, largest)
        plausible = calibration.plausible(calibration.calibrated(probabilities))
        weights = 1 / np.bincount(units)[units]
        held.append([np.average(plausible[level][np.arange(len(labels)), labels], weights=weights) for level in LEVELS])
    assert np.mean(held, axis=0) == pytest.approx(list(LEVELS.values()), abs=0.015)


def test_with_too_few_units_every_class_is_plausible():
    probabilities, labels, _ = drawn(np.random.default_rng(3), 60)
    few = fit_calibration(probabilities, labels, np.arange(60) // 6)
    assert (few.largest_doubts["90"] < 1, few.largest_doubts["95"], few.units) == (True, 1, 10)
    assert few.plausible(few.calibrated(probabilities))["95"].all()


def test_the_limit_is_a_quantile_by_hand():
    """Of 20 units the 19th (0.9 of 21), the 20th (0.95 of 21)."""
    doubts = np.linspace(0.01, 0.2, 20)
    probabilities = np.column_stack([1 - doubts, doubts])
    found = fit_calibration(probabilities, np.zeros(20, int), np.arange(20))
    calibrated = 1 - found.calibrated(probabilities)[:, 0]
    assert list(found.largest_doubts.values()) == pytest.approx([calibrated[18], calibrated[19]])
    assert math.ceil(0.9 * 21) == 19


def test_a_unit_of_many_pictures_counts_as_one():
    """Of 30 units, one has as many pictures as all others, none of which the model is sure of."""
    doubts = np.concatenate([np.full(29, 0.01), np.full(29, 0.45)])
    units = np.concatenate([np.arange(29), np.full(29, 29)])
    probabilities = np.column_stack([1 - doubts, doubts])
    found = fit_calibration(probabilities, np.zeros(58, int), units)
    sure, unsure = np.sort(np.unique(1 - found.calibrated(probabilities)[:, 0].round(12)))
    assert found.largest_doubts["90"] == pytest.approx(sure, abs=1e-9)
    assert fit_calibration(probabilities, np.zeros(58, int), np.arange(58)).largest_doubts["90"] > sure
    assert unsure > sure
