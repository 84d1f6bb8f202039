"""A host that says that it is asked too fast is asked as fast as it allows, and no slower than it must be."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.download.rates import LEAST, HostRate


class Bucket:
    """A host that allows so many requests a second, and as many at once."""

    def __init__(self, rate):
        self.rate, self.tokens, self.at = rate, rate, 0.0

    def takes(self, now):
        self.tokens = min(self.rate, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@pytest.mark.parametrize("allowed", [5, 50, 500])
def test_what_a_host_allows_is_found_and_kept(allowed):
    """Ten minutes, one request after another, each answered after a millisecond."""
    bucket, rate, now, taken, refused = Bucket(allowed), HostRate(), 0.0, 0, 0
    while now < 600:
        now = max(now, rate.due)
        rate.started(now)
        sent, now = now, now + 0.001
        if bucket.takes(now):
            taken += 1
            rate.answered(now)
        else:
            refused += 1
            rate.slow_down(sent, now)
            now += 0.5
    assert 0.6 * allowed <= taken / 600 <= 1.1 * allowed
    assert refused < 0.05 * taken


def test_one_burst_counts_once():
    rate = HostRate()
    rate.started(0.0)
    for _ in range(10):
        rate.answered(0.1)
    assert rate.slow_down(0.0, 0.1)
    slower = rate.per_second
    assert not any(rate.slow_down(0.05, 0.2) for _ in range(15))
    assert rate.per_second == slower
    assert rate.slow_down(0.15, 0.2)
    assert rate.per_second < slower


@pytest.mark.parametrize("starts", [(), (0.0,), (0.0, 59.9), range(60)])
def test_what_a_host_took_long_ago_does_not_count(starts):
    """A burst of 20 in 10 ms after some single requests, or none."""
    rate = HostRate()
    for now in starts:
        rate.started(now)
        rate.answered(now + 0.05)
    for number in range(20):
        rate.started(60 + number / 2000)
        rate.answered(60 + number / 2000)
    assert rate.slow_down(60.01, 60.01)
    assert rate.per_second >= 10


def test_a_host_that_is_slower_than_the_least_is_asked_no_faster_for_a_429():
    rate = HostRate(most=0.1)
    for now in range(0, 50, 10):
        rate.started(now)
        rate.answered(now + 0.1)
    assert rate.slow_down(50, 50.1)
    assert rate.per_second <= 0.1


def test_starts_are_as_far_apart_as_the_rate_says():
    rate, now, starts = HostRate(most=4.0), 0.0, []
    while now < 2:
        now = max(now, rate.due)
        rate.started(now)
        starts.append(now)
    assert starts == [0.25 * number for number in range(9)]


def test_without_a_limit_nothing_waits():
    rate = HostRate()
    for _ in range(1000):
        rate.started(7.0)
        rate.answered(7.0)
    assert (rate.due, rate.per_second) == (7.0, math.inf)


@given(
    st.floats(0.01, 100),
    st.lists(st.tuples(st.sampled_from(["start", "answer", "refusal"]), st.floats(0, 5)), max_size=60),
)
def test_never_faster_than_the_setting_and_never_slower_than_the_least(most, events):
    rate, now = HostRate(most), 0.0
    for event, later in events:
        before, now = rate.per_second, now + later
        if event == "start":
            rate.started(now)
        elif event == "answer":
            rate.answered(now)
            assert rate.per_second >= before
        else:
            rate.slow_down(now, now)
            assert rate.per_second <= min(before, max(LEAST, before / 2))
        assert min(LEAST, most) <= rate.per_second <= most
