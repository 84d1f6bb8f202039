import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cic_assets.domain.models import KERAS_FLOOR, log_loss, softmax

LOGITS = arrays.arrays(np.float64, (5, 3), elements=st.floats(-1e4, 1e4))


@given(LOGITS)
def test_probabilities_sum_to_one_in_the_order_of_the_logits(logits):
    probabilities = softmax(logits)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    picked = probabilities[np.arange(5), logits.argmax(axis=1)]
    assert (picked == probabilities.max(axis=1)).all()


def test_softmax_of_known_logits():
    assert softmax(np.log(np.array([[1.0, 3.0], [1.0, 1.0]]))) == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))


def test_log_loss_of_known_answers():
    answers = np.array([[0.25, 0.75], [0.5, 0.5]])
    assert log_loss(answers, np.array([1, 0]), KERAS_FLOOR) == pytest.approx(-(np.log(0.75) + np.log(0.5)) / 2)


def test_one_sure_error_is_not_infinitely_bad():
    assert log_loss(np.array([[1.0, 0.0]]), np.array([1]), KERAS_FLOOR) == pytest.approx(-np.log(KERAS_FLOOR))


def test_no_answers_have_no_loss():
    assert np.isnan(log_loss(np.empty((0, 2)), np.empty(0, np.int64), KERAS_FLOOR))
