from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.components import Components

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
