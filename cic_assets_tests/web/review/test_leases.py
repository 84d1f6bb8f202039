"""One browser at a time has an entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.web.review import Leases


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def leases(clock):
    return Leases(60, clock)


def test_what_one_has_no_other_gets_until_it_is_let_go(leases):
    leases.hold("one", ["a", "b"])
    leases.hold("other", ["b", "c"])
    assert leases.is_held_by_another("other", "b")
    assert not leases.is_held_by_another("one", "b")
    assert leases.is_held_by_another("one", "c")
    leases.hold("one", ["a"])
    leases.add("other", ["b"])
    assert leases.is_held_by_another("one", "b")
    assert leases.is_held_by_another("one", "c")
    leases.hold("one", [])
    assert not leases.is_held_by_another("other", "a")


def test_who_says_nothing_for_a_minute_has_nothing(leases, clock):
    leases.hold("dead", ["a"])
    leases.hold("alive", ["b"])
    clock.now = 59
    assert leases.is_held_by_another("x", "a")
    leases.hold("alive", ["b"])
    clock.now = 60
    assert not leases.is_held_by_another("x", "a")
    assert leases.is_held_by_another("x", "b")
    leases.hold("dead", ["a", "b"])  # it was only asleep
    assert leases.is_held_by_another("x", "a")
    assert not leases.is_held_by_another("alive", "b")


@given(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.lists(st.sampled_from("abcde")), st.booleans(), st.integers(0, 70)),
        max_size=20,
    )
)
def test_no_two_ever_have_one_entry(steps):
    clock = Clock()
    leases = Leases(60, clock)
    for client, entries, adds, seconds in steps:
        clock.now += seconds
        (leases.add if adds else leases.hold)(client, entries)
        for entry in "abcde":
            assert sum(not leases.is_held_by_another(one, entry) for one in "xyz") in (1, 3)
