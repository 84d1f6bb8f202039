import math
from fractions import Fraction
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.evaluation import formats
from cic_assets.domain.evaluation import statistics as ours

counts = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
label_pairs = st.integers(2, 5).flatmap(
    lambda k: st.tuples(st.just(k), st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)), max_size=60))
)


def confusion_of(k, pairs):
    truth, predicted = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return ours.confusion_matrix(np.array(truth, dtype=int), np.array(predicted, dtype=int), k)


class TestFurther:
    @pytest.mark.parametrize(
        ("right", "n", "further"), [(6, 10, 5), (777, 783, 260), (1, 40, 40), (99.5, 120.25, 17.5)]
    )
    def test_its_ends_are_where_a_test_of_both_shares_just_tells_them_apart(self, right, n, further):
        for end in ours.prediction_interval(right, n, further):
            if 0 < end < 1:
                pooled = (right + end * further) / (n + further)
                distance = (end - right / n) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / further))
                assert abs(distance) == pytest.approx(1.959964, abs=1e-5)

    @given(counts.filter(lambda pair: pair[1] > 0), st.integers(1, 500))
    def test_it_is_wider_than_that_of_endlessly_many_and_becomes_that(self, pair, further):
        low, high = ours.prediction_interval(*pair, further)
        wilson = ours.wilson_interval(*pair)
        assert 0 <= low <= wilson.low + 1e-9
        assert wilson.high - 1e-9 <= high <= 1
        np.testing.assert_allclose(ours.prediction_interval(*pair, 1e12), wilson, atol=1e-5)

    @pytest.mark.parametrize(("share", "n", "further"), [(0.99, 783, 260), (0.9, 100, 100), (0.8, 200, 1000)])
    def test_it_holds_what_comes_as_often_as_it_says(self, share, n, further):
        random = np.random.default_rng(0)
        seen, came = random.binomial(n, share, 2000), random.binomial(further, share, 2000) / further
        ends = np.array([ours.prediction_interval(int(right), n, further) for right in seen])
        held = ((ends[:, 0] <= came + 1e-9) & (came - 1e-9 <= ends[:, 1])).mean()
        assert 0.93 <= held <= 0.985

    @pytest.mark.parametrize("given_out", [(1, 0, 5), (3, 2, 5), (1, 2, 0)])
    def test_refuses_what_is_no_count(self, given_out):
        with pytest.raises(ValueError, match="expected 0 <= right <= n"):
            ours.prediction_interval(*given_out)


class TestWilson:
    @pytest.mark.parametrize("right", [158, 160, 197])
    def test_the_original_s_intervals_are_those_that_the_documentation_shows(self, right):
        page = (Path(__file__).parents[3] / "docs" / "reading-the-report.md").read_text(encoding="utf-8")
        shown = formats.interval(ours.wilson_interval(right, 200))
        assert f"{formats.percent(right / 200)}" in page
        assert f"| {shown} |" in page

    def test_the_original_s_79_percent_of_200(self):
        low, high = ours.wilson_interval(158, 200)
        assert (round(low * 100, 1), round(high * 100, 1)) == (72.8, 84.1)

    @given(counts)
    def test_its_ends_are_where_the_share_is_just_plausible(self, right_and_n):
        """Wilson's definition: |right/n - p| = z * sqrt(p (1 - p) / n) at both ends p."""
        right, n = right_and_n
        for p in ours.wilson_interval(right, n) if n else ():
            assert abs(right / n - p) == pytest.approx(1.959963984540054 * math.sqrt(p * (1 - p) / n), abs=1e-9)

    @pytest.mark.slow  # importing scipy.stats takes seconds
    @given(counts)
    def test_is_scipy_s(self, right_and_n):
        stats = pytest.importorskip("scipy.stats")
        right, n = right_and_n
        if n:
            theirs = stats.binomtest(right, n).proportion_ci(0.95, method="wilson")
            assert ours.wilson_interval(right, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)

    @given(counts, st.floats(0.5, 0.999))
    def test_holds_the_share_and_mirrors(self, right_and_n, confidence):
        right, n = right_and_n
        low, high = ours.wilson_interval(right, n, confidence)
        assert 0 <= low <= (right / n if n else 0.5) <= high <= 1
        assert ours.wilson_interval(n - right, n, confidence) == pytest.approx((1 - high, 1 - low), abs=1e-9)

    @given(counts)
    def test_more_confidence_is_wider_and_more_pictures_narrower(self, right_and_n):
        right, n = right_and_n
        narrow, wide = ours.wilson_interval(right, n, 0.8), ours.wilson_interval(right, n, 0.99)
        assert wide.low <= narrow.low
        assert narrow.high <= wide.high
        once, ten_times = ours.wilson_interval(right, n), ours.wilson_interval(10 * right, 10 * n)
        assert ten_times.high - ten_times.low <= once.high - once.low

    def test_covers_the_truth_as_often_as_it_says(self):
        drawn = np.random.default_rng(1).binomial(200, 0.9, size=4000)
        intervals = {right: ours.wilson_interval(int(right), 200) for right in np.unique(drawn)}
        covered = np.mean([intervals[right].low <= 0.9 <= intervals[right].high for right in drawn])
        assert 0.93 <= covered <= 0.97

    @pytest.mark.parametrize(("right", "n", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 0.0), (1, 5, 1.0)])
    def test_refuses_nonsense(self, right, n, confidence):
        with pytest.raises(ValueError, match="must be between"):
            ours.wilson_interval(right, n, confidence)


class TestConfusion:
    def test_rows_are_the_truth(self):
        assert ours.confusion_matrix([0, 0, 1, 2], [0, 1, 1, 0], 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]

    @given(label_pairs)
    def test_counts_every_picture_once(self, k_and_pairs):
        k, pairs = k_and_pairs
        matrix = confusion_of(k, pairs)
        assert matrix.shape == (k, k)
        assert matrix.sum() == len(pairs)
        assert all(matrix[pair] == pairs.count(pair) for pair in pairs)

    @pytest.mark.parametrize("labels", [[0, 2], [-1, 0], [0.5, 1.0], [[0, 1]]])
    def test_refuses_labels_outside(self, labels):
        with pytest.raises(ValueError, match="labels must be"):
            ours.confusion_matrix(labels, [0, 1], 2)

    def test_refuses_unequal_lengths(self):
        with pytest.raises(ValueError, match="same length, found 2 and 1"):
            ours.confusion_matrix([0, 1], [0], 2)


class TestPerClass:
    def test_by_hand(self):
        found = ours.per_class([[8, 2], [1, 9]])
        assert found.precision == pytest.approx([8 / 9, 9 / 11])
        assert found.recall == pytest.approx([0.8, 0.9])
        assert found.f1 == pytest.approx([16 / 19, 18 / 21])
        assert found.support.tolist() == [10, 10]

    def test_undefined_is_nan(self):
        found = ours.per_class([[5, 0, 0], [3, 0, 0], [0, 0, 0]])
        assert np.isnan(found.precision).tolist() == [False, True, True]
        assert np.isnan(found.recall).tolist() == [False, False, True]
        assert np.isnan(found.f1).tolist() == [False, False, True]

    @given(label_pairs)
    def test_f1_is_the_harmonic_mean_and_accuracy_the_weighted_recall(self, k_and_pairs):
        matrix = confusion_of(*k_and_pairs)
        precision, recall, f1, support = ours.per_class(matrix)
        both = np.nan_to_num(precision) + np.nan_to_num(recall) > 0
        precision, recall_there = precision[both], recall[both]
        np.testing.assert_allclose(f1[both], 2 * precision * recall_there / (precision + recall_there))
        if support.sum():
            assert ours.accuracy(matrix) == pytest.approx(np.nansum(recall * support) / support.sum())

    @given(label_pairs)
    def test_ranges_and_the_order_of_classes_does_not_matter(self, k_and_pairs):
        matrix = confusion_of(*k_and_pairs)
        turned = matrix[::-1, ::-1]
        for measure in (ours.accuracy, ours.balanced_accuracy, ours.majority_baseline):
            value = measure(matrix)
            assert math.isnan(value) == (matrix.sum() == 0)
            assert math.isnan(value) or 0 <= value <= 1
            assert value == pytest.approx(measure(turned), nan_ok=True)

    def test_a_constant_answer_gets_no_more_than_the_baseline(self):
        constant = [[90, 0], [10, 0]]
        assert ours.accuracy(constant) == ours.majority_baseline(constant) == 0.9
        assert ours.balanced_accuracy(constant) == 0.5

    @pytest.mark.parametrize("matrix", [[1, 2], [[1, 2]], np.zeros((0, 0))])
    def test_refuses_what_is_not_square(self, matrix):
        with pytest.raises(ValueError, match=r"\(K, K\)"):
            ours.per_class(matrix)


class TestIndependence:
    @given(st.lists(st.integers(0, 40), min_size=4, max_size=4))
    def test_is_the_sum_of_exact_fractions(self, counts):
        (a, b), (c, d) = matrix = np.reshape(counts, (2, 2)).tolist()
        occurs, called, n = a + b, a + c, a + b + c + d
        ways = [math.comb(occurs, x) * math.comb(n - occurs, called - x) for x in range(a, min(occurs, called) + 1)]
        assert ours.independence(matrix) == pytest.approx(float(Fraction(sum(ways), math.comb(n, called))), rel=1e-9)

    def test_sees_what_plain_accuracy_does_not(self):
        matrix = [[153, 27], [3, 17]]
        assert ours.accuracy(matrix) < ours.majority_baseline(matrix)
        assert ours.independence(matrix) == pytest.approx(3e-10, rel=0.1)

    @given(st.lists(st.integers(0, 30), min_size=2, max_size=5))
    def test_a_constant_answer_shows_nothing(self, support):
        matrix = np.zeros((len(support), len(support)), int)
        matrix[:, 0] = support
        assert ours.independence(matrix) == pytest.approx(1)

    @given(label_pairs)
    def test_is_a_probability_and_the_order_of_classes_does_not_matter(self, k_and_pairs):
        matrix = confusion_of(*k_and_pairs)
        assert 0 < ours.independence(matrix) <= 1
        assert ours.independence(matrix) == pytest.approx(ours.independence(matrix[::-1, ::-1]))

    def test_answers_that_are_wrong_more_often_than_chance_show_nothing(self):
        assert ours.independence([[0, 20], [20, 0]]) == pytest.approx(1)


class TestMcNemar:
    @given(st.integers(0, 300), st.integers(0, 300))
    def test_is_the_sum_of_exact_fractions(self, only_first, only_second):
        n, fewest = only_first + only_second, min(only_first, only_second)
        first = np.repeat([True, False], [only_first, only_second])
        exact = min(Fraction(1), Fraction(2 * sum(math.comb(n, k) for k in range(fewest + 1)), 2**n))
        assert ours.mcnemar_exact(first, ~first).p_value == pytest.approx(float(exact), rel=1e-9)

    @pytest.mark.slow  # importing scipy.stats takes seconds
    @given(st.integers(0, 300), st.integers(0, 300))
    def test_is_the_exact_binomial_test(self, only_first, only_second):
        stats = pytest.importorskip("scipy.stats")
        first = np.repeat([True, False, True, False], [only_first, only_second, 20, 3])
        second = np.repeat([False, True, True, False], [only_first, only_second, 20, 3])
        found = ours.mcnemar_exact(first, second)
        assert found[:2] == (only_first, only_second)
        n = only_first + only_second
        expected = stats.binomtest(only_first, n).pvalue if n else 1.0
        assert found.p_value == pytest.approx(expected, rel=1e-8)

    def test_is_exact_in_fractions(self):
        assert ours.mcnemar_exact([True] * 5, [False] * 5).p_value == pytest.approx(2 / 2**5)

    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50))
    def test_is_the_same_both_ways_round(self, pairs):
        first, second = np.array(pairs).T
        there, back = ours.mcnemar_exact(first, second), ours.mcnemar_exact(second, first)
        assert there.p_value == back.p_value
        assert (there.only_first, there.only_second) == (back.only_second, back.only_first)

    def test_stands_a_hundred_thousand_pictures(self):
        right = np.arange(100_000) % 2 == 0
        assert ours.mcnemar_exact(right, ~right).p_value == 1.0
        assert ours.mcnemar_exact(right, np.zeros_like(right)).p_value < 1e-300

    @given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), min_size=1, max_size=24))
    def test_over_units_counts_every_flip_of_sign(self, pictures):
        """All 2 ** 5 ways in which five units could have been in favour of one model or the other."""
        units, first, second = np.array(pictures, int).T
        ahead = np.bincount(units, weights=first - second, minlength=5)
        sums = [sum(sign * one for sign, one in zip(signs, ahead, strict=True)) for signs in product((-1, 1), repeat=5)]
        expected = np.mean([abs(one) >= abs(ahead.sum()) for one in sums])
        assert ours.mcnemar_exact(first, second, units).p_value == pytest.approx(expected)

    def test_pictures_of_one_unit_are_not_as_many_reasons(self):
        first, second = np.ones(20, bool), np.zeros(20, bool)
        assert ours.mcnemar_exact(first, second).p_value == pytest.approx(2 / 2**20)
        assert ours.mcnemar_exact(first, second, np.arange(20) // 4).p_value == pytest.approx(2 / 2**5)
        assert ours.mcnemar_exact(first, second, np.zeros(20, int)).p_value == 1

    def test_refuses_different_pictures(self):
        with pytest.raises(ValueError, match="same length"):
            ours.mcnemar_exact([True], [True, False])


class TestHolm:
    def test_by_hand(self):
        assert ours.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
        assert ours.holm([]) == []

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
    def test_rejects_what_bonferroni_rejects_in_every_set_with_it(self, p_values):
        """Holm's rule is the closed test of Bonferroni's (R. Marcus, E. Peritz and K. R. Gabriel, 1976)."""
        sets = [chosen for n in range(1, len(p_values) + 1) for chosen in combinations(range(len(p_values)), n)]
        worst = [
            max(min(1, len(chosen) * min(p_values[j] for j in chosen)) for chosen in sets if i in chosen)
            for i in range(len(p_values))
        ]
        assert ours.holm(p_values) == pytest.approx(worst)

    @given(st.lists(st.floats(0, 1), max_size=8))
    def test_never_lowers_keeps_the_order_and_stays_below_bonferroni(self, p_values):
        found = ours.holm(p_values)
        assert all(p <= q <= min(1, p * len(p_values)) + 1e-12 for p, q in zip(p_values, found, strict=True))
        in_order = [found[i] for i in np.argsort(p_values, kind="stable")]
        assert in_order == sorted(in_order)
