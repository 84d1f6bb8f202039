"""What more pictures would bring is said where the curve supports it, and rightly."""

import numpy as np
import pytest

from cic_assets.domain.audit import audit_dataset
from cic_assets.domain.audit.learning_curve import Curve, Law, forecast

SIZES = np.array([25.0, 50, 100, 200, 400, 800])


def curve(law, noise, repeats=10, sizes=SIZES, seed=0):
    random = np.random.default_rng(seed)
    truth = np.array([law.accuracy(n) for n in sizes])
    return Curve(sizes, sizes, truth + random.normal(0, noise, (repeats, len(sizes))))


def test_a_law_is_found_again_and_its_interval_holds_the_truth():
    law = Law(2.0, 0.5, 0.02)
    truth = law.accuracy(2000) - law.accuracy(1000)
    held = 0
    for seed in range(6):
        found = forecast(curve(law, 0.005, seed=seed), 1000)
        assert found.more == 1000
        assert found.gain == pytest.approx(truth, abs=0.012)
        held += found.interval[0] <= truth <= found.interval[1]
    assert held >= 5


def test_flat_or_falling_curves_support_nothing():
    assert forecast(curve(Law(0, 1, 0.1), 0.01), 1000) is None
    rising = curve(Law(2.0, 0.5, 0.02), 0.001)
    assert forecast(rising._replace(accuracies=rising.accuracies[:, ::-1]), 1000) is None


def test_few_points_support_nothing():
    assert forecast(curve(Law(2.0, 0.5, 0.02), 0.001, sizes=SIZES[:3]), 1000) is None


def test_accuracy_of_drawn_pictures_rises_over_the_sizes(drawn):
    data = drawn(each=400, noise=2.0, apart=0.25)
    manifest = data.manifest
    _, summary = audit_dataset(manifest, data.table, data.classes)
    pictures = [point.pictures for point in summary.curve]
    assert pictures == sorted(pictures)
    assert pictures[-1] == 640
    assert [point.units for point in summary.curve][-1] == 320
    assert summary.curve[-1].accuracy > summary.curve[0].accuracy + 0.03


def test_a_small_class_keeps_the_smallest_sizes_out(drawn):
    data = drawn(each=20)
    _, summary = audit_dataset(data.manifest, data.table, data.classes)
    assert len(summary.curve) == 1
    assert summary.forecast is None
