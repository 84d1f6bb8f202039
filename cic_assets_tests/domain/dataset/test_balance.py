import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.dataset import class_weights


def test_the_rarer_class_counts_more():
    # The original's training set: 735 cars, 568 tanks.
    assert class_weights({"car": 735, "tank": 568}) == pytest.approx({"car": 0.8864, "tank": 1.1470}, abs=1e-4)


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 10_000), min_size=2, max_size=8))
def test_every_class_weighs_the_same_and_a_picture_one_on_average(counts):
    weights = class_weights(counts)
    shares = [weights[name] * count for name, count in counts.items()]
    assert shares == pytest.approx([sum(counts.values()) / len(counts)] * len(counts))


def test_a_class_without_pictures_is_an_error():
    with pytest.raises(ValueError, match="no training pictures of tank"):
        class_weights({"car": 3, "tank": 0})
