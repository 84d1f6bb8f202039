"""What a training lowers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cic_assets.domain.dataset import class_weights
from cic_assets.domain.models.augmentation import cutmix
from cic_assets.domain.models.losses import softmax

pytestmark = pytest.mark.slow  # imports Keras

RARE = st.floats(0.03, 0.5)
SMOOTHING = st.sampled_from([0.0, 0.1])


def weights_for(rare: float) -> dict[int, float]:
    """Of two classes whose shares are 1 - `rare` and `rare`."""
    return dict(enumerate(class_weights({"car": round(1e6 * (1 - rare)), "tank": round(1e6 * rare)}).values()))


def losses(weights: dict[int, float], smoothing: float, targets: NDArray, logits: NDArray) -> NDArray:
    from cic_assets.domain.models.objective import WeightedCrossentropy

    return np.asarray(WeightedCrossentropy(weights, smoothing).call(targets.astype("f"), logits.astype("f")))


@given(RARE, SMOOTHING, st.floats(0, 1), st.floats(-4, 4))
def test_a_mixed_picture_counts_as_its_parts_would(rare: float, smoothing: float, share: float, logit: float) -> None:
    mixed = np.array([[1, 0], [0, 1], [share, 1 - share]])
    car, tank, both = losses(weights_for(rare), smoothing, mixed, np.tile([logit, 0], (3, 1)))
    assert both == pytest.approx(share * car + (1 - share) * tank, rel=1e-4, abs=1e-6)


@given(RARE, st.floats(-4, 4))
def test_a_whole_picture_counts_by_its_class(rare: float, logit: float) -> None:
    from cic_assets.domain.models.objective import shifts_of

    weights, logits = weights_for(rare), np.tile([logit, 0], (2, 1))
    given_to_the_truth = np.diag(softmax(logits - shifts_of(weights)))
    expected = -np.log(given_to_the_truth) * np.array(list(weights.values()))
    np.testing.assert_allclose(losses(weights, 0, np.eye(2), logits), expected, rtol=1e-4)


@given(RARE, st.floats(0.1, 3), st.sampled_from([-1, 1]))
def test_a_net_that_sees_nothing_learns_how_frequent_the_classes_are(rare: float, step: float, way: int) -> None:
    """However unequal they are, and though all count the same: no other constant answer has a lower loss."""
    shares, weights = np.array([1 - rare, rare]), weights_for(rare)

    def mean(logits: NDArray) -> float:
        return float(losses(weights, 0, np.eye(2), np.tile(logits, (2, 1))) @ shares)

    assert mean(np.log(shares)) < mean(np.log(shares) + np.array([0, way * step]))


@pytest.mark.parametrize("rare", [0.05, 0.15, 0.317])
def test_cutmix_leaves_classes_their_weights(rare: float) -> None:
    """Of the loss the rare class has as much as the other one: the two masses from the loss at two answers."""
    random, weights = np.random.default_rng(0), weights_for(rare)
    pictures, targets = np.zeros((32, 96, 96, 3), np.uint8), []
    for _ in range(600):
        whole = np.eye(2, dtype=np.float32)[(random.random(32) < rare).astype(int)]
        targets.append(cutmix(pictures, whole, random)[1])
    mixed = np.concatenate(targets)
    answers = np.array([[0.5, 0.5], [0.9, 0.1]])
    from cic_assets.domain.models.objective import shifts_of

    totals = [
        losses(weights, 0, mixed, np.tile(np.log(answer) + shifts_of(weights), (len(mixed), 1))).sum()
        for answer in answers
    ]
    masses = np.linalg.solve(-np.log(answers), totals)
    assert masses[1] / masses.sum() == pytest.approx(0.5, abs=0.02)


@settings(max_examples=20)
@given(st.floats(0, 1))
def test_a_class_of_weight_zero_counts_nothing(logit: float) -> None:
    found = losses({0: 0.0, 1: 2.0}, 0, np.eye(2), np.tile([logit, 0], (2, 1)))
    assert found[0] == 0
    assert found[1] > 0
