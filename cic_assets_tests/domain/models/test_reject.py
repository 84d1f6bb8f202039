"""The reject rule keeps 95 of 100 pictures of the classes, and says nothing by too few."""

import numpy as np
import pytest

from cic_assets.domain.models.reject import FEWEST_UNITS, set_rule


def rule_by(distances, units=None):
    units = np.arange(len(distances)).astype(str) if units is None else units
    return set_rule(np.asarray(distances, float), units, neighbours=5, references=50, of=60)


def test_the_threshold_is_a_quantile_by_hand():
    """0.975 of 100, and a little for there being 100 only: the 99th of them."""
    assert rule_by(np.arange(1, 101)).threshold == 99
    assert rule_by(np.arange(1, 1001)).threshold == 976
    assert rule_by(np.arange(1, 21)).threshold == 20


def test_each_unit_counts_as_one_however_many_pictures_it_has():
    """A scene of fifty that lies far away is one unit in 81."""
    distances = np.concatenate([np.arange(1, 81), np.full(50, 100)])
    units = np.array([str(number) for number in range(80)] + ["scene"] * 50)
    rule = rule_by(distances, units)
    assert (rule.threshold, rule.pictures, rule.units) == (80, 130, 81)
    assert rule_by(distances).threshold == 100


def test_too_few_set_none():
    assert rule_by(np.ones(FEWEST_UNITS - 1)).threshold is None
    assert rule_by(np.ones(FEWEST_UNITS - 1)).score(0.3) is None
    assert rule_by(np.ones(FEWEST_UNITS)).score(2) == 2


@pytest.mark.parametrize("count", [19, 30, 50, 150, 1000])
def test_at_most_one_in_twenty_of_the_same_kind_is_refused_on_average(count):
    random = np.random.default_rng(count)
    refused = []
    for _ in range(200):
        threshold = rule_by(random.gamma(3, size=count)).threshold
        refused.append((random.gamma(3, size=500) > threshold).mean())
    assert np.mean(refused) < 0.053
