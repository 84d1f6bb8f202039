import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.duplicates.blocks import KEY_BITS, Scheme, _schemes, best_scheme


@st.composite
def scheme_and_pair(draw):
    radius = draw(st.integers(0, 10))
    scheme = draw(st.sampled_from(list(_schemes(radius))))
    one = draw(st.integers(0, 2**64 - 1))
    flips = draw(st.sets(st.integers(0, 63), max_size=radius))
    return scheme, one, one ^ sum(1 << bit for bit in flips)


@given(scheme_and_pair())
def test_every_pair_within_the_radius_is_first_met_once_and_there_the_keys_agree(case):
    scheme, one, other = case
    hashes = np.array([one, other], np.uint64)
    met = [choice for choice in scheme.passes() if len(scheme.first_met_in(np.array([one ^ other], np.uint64), choice))]
    assert len(met) == 1
    keys = scheme.keys(hashes, met[0])
    assert keys[0] == keys[1]


@pytest.mark.parametrize("radius", range(11))
def test_schemes_share_the_errors_and_use_every_bit(radius):
    for scheme in _schemes(radius):
        assert sum(share + 1 for share in scheme.shares) == radius + 1
        if scheme.matching:
            blocks = [
                scheme.bounds(part, block)
                for part, share in enumerate(scheme.shares)
                for block in range(share + scheme.matching)
            ]
            assert [low for low, _ in blocks] == [0, *(high for _, high in blocks[:-1])]
            assert blocks[-1][1] == 64


def test_keys_are_as_many_bits_as_fit():
    scheme = Scheme(shares=(0,), matching=1)  # one block of all bits
    keys = scheme.keys(np.array([2**64 - 1, 1 << KEY_BITS], np.uint64), scheme.passes()[0])
    assert keys.tolist() == [2**KEY_BITS - 1, 0]


def test_few_hashes_are_compared_with_each_other_and_many_in_buckets():
    assert best_scheme(10, 10, 8).matching == 0
    assert best_scheme(10**6, 10**6, 8).matching > 1
    # A handful against many is not worth many sorts of the many.
    assert len(best_scheme(10, 10**6, 8).passes()) < len(best_scheme(10**6, 10**6, 8).passes())
