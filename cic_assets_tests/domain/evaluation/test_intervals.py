"""Each interval against an independent computation, against the truth that it was drawn from, and at its limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.evaluation import intervals as ours
from cic_assets.domain.evaluation.statistics import prediction_interval, wilson_interval

pictures = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40)


def drawn_units(random, units, accuracy, together):
    """Pictures of units of 1 to 6, right as often as said; with this chance one is as the whole unit is."""
    sizes = np.where(random.random(units) < 0.7, 1, random.integers(2, 7, units))
    which = np.repeat(np.arange(units), sizes)
    of_unit = (random.random(units) < accuracy)[which]
    alone = random.random(len(which)) < accuracy
    return np.where(random.random(len(which)) < together, of_unit, alone), which


class TestEffectiveNumber:
    @given(pictures)
    def test_is_between_kish_s_bound_and_all_pictures(self, table):
        units, right = np.array(table, int).T
        sizes = np.unique(units, return_counts=True)[1]
        kish = len(units) ** 2 / (sizes**2).sum()
        assert kish - 1e-9 <= ours.effective_number(right, units) <= len(units) + 1e-9

    @given(pictures)
    def test_is_as_by_pairs(self, table):
        """The correlation over all pairs of pictures of one unit, one by one."""
        units, right = np.array(table, int).T
        errors, n = right - right.mean(), len(units)
        pairs = [(i, j) for i in range(n) for j in range(n) if i != j and units[i] == units[j]]
        sizes = np.bincount(units)[units]
        spread = np.array([(errors[units == unit] ** 2).sum() for unit in np.unique(units[sizes > 1])])
        if not pairs or not spread.sum():
            expected = n if not pairs else n / sizes.mean()
        else:
            measured = np.clip(np.mean([errors[i] * errors[j] for i, j in pairs]) / errors.var(), 0, 1)
            telling = spread.sum() ** 2 / (spread**2).sum()
            expected = n / (1 + (telling * measured + 4) / (telling + 4) * (sizes.mean() - 1))
        assert ours.effective_number(right, units) == pytest.approx(expected)

    def test_of_single_pictures_is_their_number(self):
        assert ours.effective_number([1, 1, 0, 1], [3, 1, 0, 7]) == 4

    def test_without_a_mistake_each_unit_is_one(self):
        assert ours.effective_number(np.ones(12), np.arange(12) // 3) == pytest.approx(4)

    def test_approaches_what_the_pictures_tell(self):
        random = np.random.default_rng(5)
        apart, together = (drawn_units(random, 4000, 0.8, share) for share in (0.0, 1.0))
        assert ours.effective_number(*apart) > 0.9 * len(apart[0])
        sizes = np.bincount(together[1])
        assert ours.effective_number(*together) == pytest.approx(sizes.sum() ** 2 / (sizes**2).sum(), rel=0.05)


class TestShare:
    def test_of_single_pictures_is_wilson_s(self):
        right = np.repeat([True, False], [158, 42])
        assert ours.share_interval(right, np.arange(200)) == pytest.approx(wilson_interval(158, 200))

    @given(pictures)
    def test_its_ends_are_where_the_share_is_just_plausible(self, table):
        """Wilson's definition with the effective number: |right - p| = z * sqrt(p (1 - p) / n) at both ends p."""
        units, right = np.array(table, int).T
        n = ours.effective_number(right, units)
        for p in ours.share_interval(right, units):
            assert abs(right.mean() - p) == pytest.approx(1.959963984540054 * (p * (1 - p) / n) ** 0.5, abs=1e-9)

    @given(pictures)
    def test_is_never_narrower_than_if_all_were_single(self, table):
        units, right = np.array(table, int).T
        low, high = ours.share_interval(right, units)
        alone = wilson_interval(int(right.sum()), len(right))
        assert low <= alone.low + 1e-9
        assert high >= alone.high - 1e-9
        assert 0 <= low <= right.mean() <= high <= 1

    def test_copies_of_all_pictures_say_nothing_new(self):
        right = np.repeat([True, False], [45, 5])
        once = ours.share_interval(right, np.arange(50))
        twice = ours.share_interval(np.tile(right, 2), np.tile(np.arange(50), 2))
        assert twice == pytest.approx(once, abs=1e-9)

    @pytest.mark.parametrize("together", [0.0, 0.6, 1.0])
    @pytest.mark.parametrize("accuracy", [0.85, 0.98])
    def test_holds_the_truth_as_often_as_it_says(self, accuracy, together):
        random = np.random.default_rng(1)
        held = []
        for _ in range(400):
            low, high = ours.share_interval(*drawn_units(random, 120, accuracy, together))
            held.append(low <= accuracy <= high)
        assert np.mean(held) >= 0.92

    def test_of_nothing_is_everything(self):
        assert ours.share_interval([], []) == (0, 1)


class TestFurther:
    def test_single_pictures_count_as_they_are(self):
        right = np.arange(50) % 10 > 0
        assert ours.further_interval(right, np.arange(50), 30) == prediction_interval(45, 50, 30)

    def test_pictures_to_come_hang_together_as_those_that_were_seen(self):
        right, units = np.arange(60) // 6 % 5 > 0, np.arange(60) // 6
        n = ours.effective_number(right, units)
        assert n < 60
        assert ours.further_interval(right, units, 30) == prediction_interval(0.8 * n, n, n / 2)


class TestMean:
    def test_of_one_is_its_own(self):
        assert ours.mean_interval([0.8], [(0.7, 0.9)]) == pytest.approx((0.7, 0.9))

    def test_adds_up_as_deviations_do(self):
        """Two normal shares: 1.96 standard deviations of their mean."""
        deviations = np.array([0.01, 0.03])
        edges = [(0.5 - 1.96 * one, 0.5 + 1.96 * one) for one in deviations]
        low, high = ours.mean_interval([0.5, 0.5], edges)
        assert high - low == pytest.approx(2 * 1.96 * np.sqrt((deviations**2).sum()) / 2)

    def test_holds_the_balanced_accuracy_as_often_as_it_says(self):
        random = np.random.default_rng(2)
        held = []
        for _ in range(600):
            rights = [random.random(n) < recall for n, recall in ((80, 0.9), (25, 0.7))]
            edges = [ours.share_interval(right, np.arange(len(right))) for right in rights]
            low, high = ours.mean_interval([right.mean() for right in rights], edges)
            held.append(low <= 0.8 <= high)
        assert np.mean(held) == pytest.approx(0.955, abs=0.025)


@pytest.mark.slow  # importing scikit-learn takes seconds
class TestAreas:
    def draw(self, random, units, gap, together):
        """Scores of units of one class each, whose pictures go together; the area is that of two normals."""
        sizes = np.where(random.random(units) < 0.7, 1, random.integers(2, 7, units))
        which, truth = np.repeat(np.arange(units), sizes), random.random(units) < 0.4
        noise = together**0.5 * random.normal(size=units)[which] + (1 - together) ** 0.5 * random.normal(
            size=len(which)
        )
        return noise + gap * truth[which], truth[which], which

    def test_the_area_is_the_share_of_pairs_in_order(self):
        random = np.random.default_rng(3)
        scores, truth, units = self.draw(random, 40, 1.0, 0.5)
        scores = scores.round(1)  # ties
        pairs = [(a > b) + (a == b) / 2 for a in scores[truth] for b in scores[~truth]]
        assert ours.roc_area(scores, truth, units).value == pytest.approx(np.mean(pairs))
        told = ours._told_from(scores, truth)
        assert told == pytest.approx([np.mean((a > scores[~truth]) + (a == scores[~truth]) / 2) for a in scores[truth]])

    def test_of_single_pictures_is_newcombe_s(self):
        """His method 5: both ends are where the area that was seen is 1.96 deviations away, by Hanley and McNeil."""
        random = np.random.default_rng(4)
        scores, truth = random.normal(size=90) + (np.arange(90) < 40), np.arange(90) < 40
        area, edges = ours.roc_area(scores, truth, np.arange(90))
        for end in edges:
            q1, q2 = end / (2 - end), 2 * end**2 / (1 + end)
            star = (40 + 50) / 2 - 1
            variance = (end * (1 - end) + star * (q1 - end**2) + star * (q2 - end**2)) / (40 * 50)
            assert abs(area - end) == pytest.approx(1.959964 * variance**0.5, abs=1e-6)

    def test_average_precision_by_hand(self):
        area, _ = ours.precision_recall_area([0.9, 0.8, 0.7, 0.6], [True, False, True, False], np.arange(4))
        assert area == pytest.approx((1 + 2 / 3) / 2)

    @pytest.mark.parametrize("together", [0.0, 0.7])
    @pytest.mark.parametrize("gap", [1.2, 2.5])
    def test_holds_the_truth_as_often_as_it_says(self, gap, together):
        from scipy.stats import norm

        random = np.random.default_rng(6)
        edges = [ours.roc_area(*self.draw(random, 100, gap, together)).interval for _ in range(150)]
        assert np.mean([low <= norm.cdf(gap / 2**0.5) <= high for low, high in edges]) >= 0.92

    def test_the_interval_of_average_precision_holds_that_of_endless_pictures(self):
        from sklearn.metrics import average_precision_score

        random = np.random.default_rng(7)
        many = self.draw(random, 40_000, 2.0, 0.0)
        expected = average_precision_score(many[1], many[0])
        edges = [ours.precision_recall_area(*self.draw(random, 100, 2.0, 0.7)).interval for _ in range(150)]
        assert np.mean([low <= expected <= high for low, high in edges]) >= 0.92

    @pytest.mark.parametrize("area", [ours.roc_area, ours.precision_recall_area])
    def test_all_told_apart_is_not_all_there_is_to_know(self, area):
        scores, truth = np.arange(40.0), np.arange(40) >= 20
        value, (low, high) = area(scores, truth, np.arange(40))
        assert (value, high) == (1, 1)
        assert 0.7 < low < 0.95
        assert area(scores, truth, np.arange(40) // 4).interval.low < low

    @pytest.mark.parametrize("area", [ours.roc_area, ours.precision_recall_area])
    def test_of_one_class_is_undefined(self, area):
        value, edges = area([0.1, 0.2], [True, True], [0, 1])
        assert np.isnan(value)
        assert edges == (0, 1)


def test_over_classes_errors_may_all_go_one_way():
    one, other = ours.Estimate(0.8, ours.Interval(0.7, 0.9)), ours.Estimate(0.6, ours.Interval(0.5, 0.9))
    assert ours.over_classes([one, ours.UNDEFINED, other]).value == pytest.approx(0.7)
    assert ours.over_classes([one, ours.UNDEFINED, other]).interval == pytest.approx((0.6, 0.9))
    assert np.isnan(ours.over_classes([ours.UNDEFINED]).value)
