import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.evaluation import calibration as ours


@st.composite
def answers(draw):
    k = draw(st.integers(2, 5))
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.dirichlet(np.full(k, draw(st.sampled_from([0.1, 1.0, 10.0]))), size=n), rng.integers(0, k, size=n)


@given(answers())
def test_ranges(table_and_truth):
    table, truth = table_and_truth
    assert 0 <= ours.expected_calibration_error(ours.reliability(table, truth)) <= 1
    assert 0 <= ours.brier_score(table, truth) <= 2
    assert 0 <= ours.log_loss(table, truth) <= 36.05


@given(answers())
def test_every_answer_is_in_one_bin_that_holds_its_confidence(table_and_truth):
    table, truth = table_and_truth
    bins = ours.reliability(table, truth, bins=10)
    assert bins.answers.sum() == len(truth)
    for i in np.flatnonzero(bins.answers):
        assert i / 10 - 1e-9 <= bins.confidence[i] <= (i + 1) / 10 + 1e-9
    assert np.isnan(bins.accuracy[bins.answers == 0]).all()


def test_sure_and_right_is_best_sure_and_wrong_worst():
    sure = np.eye(3)
    right, wrong = [0, 1, 2], [1, 2, 0]
    assert ours.brier_score(sure, right) == 0
    assert ours.log_loss(sure, right) == pytest.approx(0, abs=1e-15)
    assert ours.expected_calibration_error(ours.reliability(sure, right)) == 0
    assert ours.brier_score(sure, wrong) == 2
    assert ours.log_loss(sure, wrong) == pytest.approx(-math.log(np.finfo(float).eps))
    assert ours.expected_calibration_error(ours.reliability(sure, wrong)) == 1


def test_a_calibrated_model_has_a_small_error_and_an_overconfident_one_the_gap():
    rng = np.random.default_rng(3)
    p = rng.uniform(0.5, 1, size=20_000)
    truth = (rng.random(p.size) > p).astype(int)
    fair = np.column_stack([p, 1 - p])
    assert ours.expected_calibration_error(ours.reliability(fair, truth)) < 0.02
    boastful = np.tile([0.95, 0.05], (p.size, 1))
    assert ours.expected_calibration_error(ours.reliability(boastful, truth)) == pytest.approx(0.2, abs=0.01)


def test_by_hand():
    table, truth = [[0.8, 0.2], [0.6, 0.4]], [0, 1]
    assert ours.brier_score(table, truth) == pytest.approx((0.04 + 0.04 + 0.36 + 0.36) / 2)
    assert ours.log_loss(table, truth) == pytest.approx(-(math.log(0.8) + math.log(0.4)) / 2)
    assert ours.expected_calibration_error(ours.reliability(table, truth)) == pytest.approx((0.2 + 0.6) / 2)


def test_nothing_to_judge_is_undefined():
    nothing = np.zeros((0, 2))
    assert math.isnan(ours.brier_score(nothing, []))
    assert math.isnan(ours.log_loss(nothing, []))
    assert math.isnan(ours.expected_calibration_error(ours.reliability(nothing, [])))


@pytest.mark.parametrize(
    ("table", "truth", "message"),
    [
        ([[0.5, 0.6]], [0], "sum to 1"),
        ([[-0.5, 1.5]], [0], "between 0 and 1"),
        ([[float("nan"), 1.0]], [0], "between 0 and 1"),
        ([[1.0]], [0], "at least 2"),
        ([[0.5, 0.5]], [2], "labels must be"),
        ([[0.5, 0.5]], [0, 1], "same length"),
    ],
)
def test_refuses(table, truth, message):
    with pytest.raises(ValueError, match=message):
        ours.brier_score(table, truth)


def test_refuses_no_bins():
    with pytest.raises(ValueError, match="bins"):
        ours.reliability([[0.5, 0.5]], [0], bins=0)


class TestChance:
    """What a perfectly calibrated model would show."""

    def draw(self, random, n, sharpness=1.0, size=1):
        confidence = random.uniform(0.55, 0.99, n // size).repeat(size)
        truth = (random.random(n // size).repeat(size) > confidence).astype(int)
        said = confidence**sharpness / (confidence**sharpness + (1 - confidence) ** sharpness)
        return np.column_stack([said, 1 - said]), truth, np.arange(n) // size

    @pytest.mark.parametrize("size", [1, 4])
    def test_a_calibrated_model_is_beyond_its_limits_as_rarely_as_it_says(self, size):
        random, beyond = np.random.default_rng(0), []
        for _ in range(60):
            table, truth, units = self.draw(random, 160, size=size)
            chance = ours.chance_of_calibrated(table, truth, units)
            error = ours.expected_calibration_error(ours.reliability(table, truth))
            beyond.append((error > chance.highest_error, chance.gap_p < 0.05, error > chance.error))
        high, off, above_median = np.mean(beyond, axis=0)
        assert (high <= 0.12, off <= 0.12) == (True, True)
        assert 0.25 < above_median < 0.75

    def test_the_median_is_that_of_drawn_models(self):
        """By drawing truths anew, one after the other, through the functions that judge a model."""
        random = np.random.default_rng(1)
        table, truth, units = self.draw(random, 150)
        drawn = [(random.random(150) > table[:, 0]).astype(int) for _ in range(400)]
        errors = [ours.expected_calibration_error(ours.reliability(table, one)) for one in drawn]
        chance = ours.chance_of_calibrated(table, truth, units)
        assert chance.error == pytest.approx(np.median(errors), rel=0.05)
        assert chance.highest_error == pytest.approx(np.quantile(errors, 0.95), rel=0.08)

    def test_a_model_that_is_too_sure_is_seen(self):
        table, truth, units = self.draw(np.random.default_rng(2), 400, sharpness=2.5)
        chance = ours.chance_of_calibrated(table, truth, units)
        assert chance.gap_p < 0.01
        assert ours.expected_calibration_error(ours.reliability(table, truth)) > chance.highest_error
