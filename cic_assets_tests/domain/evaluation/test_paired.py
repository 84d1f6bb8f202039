"""The interval of a difference between two models, against an independent computation and by how often it is right."""

from statistics import NormalDist

import numpy as np
import pytest

from cic_assets.domain.evaluation import difference, difference_interval, smallest_margin

Z = NormalDist().inv_cdf(0.975)


def score(only_first, only_second, n, delta):
    """How far a difference is from what was seen, by the likelihood itself: the nuisance is found by searching."""
    from scipy.optimize import minimize_scalar

    def minus_log_likelihood(share):
        other, rest = share + delta, 1 - 2 * share - delta
        terms = [(only_first, share), (only_second, other), (n - only_first - only_second, rest)]
        return -sum(count * np.log(max(chance, 1e-300)) for count, chance in terms if count)

    low, high = max(0, -delta), (1 - delta) / 2
    share = minimize_scalar(minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (only_second - only_first - n * delta) / np.sqrt(n * (2 * share + delta - delta**2))


@pytest.mark.parametrize(("only_first", "only_second", "n"), [(2, 12, 50), (3, 5, 163), (20, 4, 100), (7.5, 2.25, 80)])
def test_each_end_is_as_far_from_what_was_seen_as_chance_allows(only_first, only_second, n):
    low, high = difference_interval(only_first, only_second, n)
    assert score(only_first, only_second, n, low) == pytest.approx(Z, abs=1e-3)
    assert score(only_first, only_second, n, high) == pytest.approx(-Z, abs=1e-3)
    assert low < (only_second - only_first) / n < high


def test_where_they_never_differ_it_is_as_wide_as_the_pictures_are_few():
    for n in (5, 60, 1000):
        assert difference_interval(0, 0, n) == pytest.approx((-(Z**2) / (n + Z**2), Z**2 / (n + Z**2)), abs=1e-4)
    assert smallest_margin(72) > 0.05 > smallest_margin(74)


@pytest.mark.parametrize(("only_first", "only_second"), [(10, 0), (0, 10), (9, 1), (5, 5)])
def test_it_stays_within_its_bounds_and_turns_around(only_first, only_second):
    low, high = difference_interval(only_first, only_second, 10)
    assert -1 <= low <= high <= 1
    assert difference_interval(only_second, only_first, 10) == pytest.approx((-high, -low), abs=1e-6)


@pytest.mark.parametrize(("shares", "n"), [((0.02, 0.02), 150), ((0.05, 0.01), 100), ((0.2, 0.1), 60)])
def test_it_holds_the_truth_in_some_95_of_100_cases(shares, n):
    random = np.random.default_rng(0)
    drawn = random.multinomial(n, [*shares, 1 - sum(shares)], size=600)
    held = [
        difference_interval(first, second, n).low <= shares[1] - shares[0] <= difference_interval(first, second, n).high
        for first, second, _ in drawn.tolist()
    ]
    assert 0.92 <= np.mean(held) <= 0.99


def test_units_count_and_not_pictures():
    first = np.ones(200, dtype=bool)
    second = np.repeat(np.arange(20) >= 3, 10)  # the second is wrong on three whole units
    alone = difference(first, second, np.arange(200))
    together = difference(first, second, np.repeat(np.arange(20), 10))
    assert alone.value == together.value == pytest.approx(-0.15)
    assert together.interval.low < alone.interval.low
    assert together.worth < 40 < alone.worth == 200
    assert together.test.p_value == pytest.approx(0.25)
