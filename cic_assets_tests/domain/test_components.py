import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.components import Components, join_labels

PAIRS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)))


def reachable(start, pairs):
    """What can be walked to, step by step."""
    found, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        for pair in pairs:
            if here in pair:
                waiting += set(pair) - found
                found |= set(pair)
    return found


@given(PAIRS)
def test_joined_are_those_that_can_be_walked_to(pairs):
    components = Components(pairs)
    for one in range(13):
        assert {other for other in range(13) if components.are_joined(one, other)} == reachable(one, pairs)


def test_a_long_chain_needs_no_deep_call():
    components = Components((number, number + 1) for number in range(100_000))
    assert components.are_joined(0, 100_000)
    assert not components.are_joined(0, -1)


@given(PAIRS, PAIRS)
def test_labels_are_the_smallest_of_what_can_be_walked_to(pairs, more):
    labels = np.arange(13)
    for known, new in ((pairs, pairs), ([*pairs, *more], more)):
        before = labels.copy()
        joined = join_labels(labels, *np.array(new, np.int64).reshape(-1, 2).T)
        assert joined.tolist() == [min(reachable(item, known)) for item in range(13)]
        assert (labels == before).all()
        labels = joined
