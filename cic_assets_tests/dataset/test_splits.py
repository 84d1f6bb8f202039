import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cic_assets.dataset import Split, SplitFractions, assign_splits, split_of

GROUPS = st.text(alphabet="0123456789abcdef", min_size=1, max_size=16)


def test_sizes_come_out_as_asked():
    fractions = SplitFractions(train=0.6, validation=0.1, test=0.3)
    splits = pd.Series([split_of(f"group{i}", fractions) for i in range(20_000)])
    shares = splits.value_counts(normalize=True)
    assert shares[Split.TRAIN] == pytest.approx(0.6, abs=0.015)
    assert shares[Split.VALIDATION] == pytest.approx(0.1, abs=0.01)
    assert shares[Split.TEST] == pytest.approx(0.3, abs=0.015)


@given(groups=st.lists(GROUPS, min_size=1, unique=True), more=st.lists(GROUPS))
def test_a_group_stays_where_it_was_as_the_set_grows(groups, more):
    fractions = SplitFractions()
    alone = assign_splits(pd.Series(groups), {}, {}, fractions)
    together = assign_splits(pd.Series(groups + more), {}, {}, fractions)
    assert list(alone) == list(together[: len(groups)])


def test_another_seed_divides_anew():
    groups = pd.Series([f"g{i}" for i in range(200)])
    one = assign_splits(groups, {}, {}, SplitFractions(), "one")
    two = assign_splits(groups, {}, {}, SplitFractions(), "two")
    assert 0 < (one != two).sum() < 200


@pytest.mark.parametrize("before", list(Split))
def test_what_was_assigned_before_wins_under_a_new_group_name(before):
    result = assign_splits(
        pd.Series(["new-name"]), {"new-name": frozenset({"a", "b"})}, {"a": before}, SplitFractions()
    )
    assert list(result) == [before.value]


def test_pictures_found_to_be_one_go_to_the_strictest_split():
    members = {"g": frozenset({"a", "b", "c"})}
    previous = {"a": Split.TRAIN, "b": Split.TEST, "c": Split.VALIDATION}
    assert list(assign_splits(pd.Series(["g"]), members, previous, SplitFractions())) == ["test"]


def test_fractions_must_add_up():
    with pytest.raises(ValidationError, match=r"add up to 1\.1, they must add up to 1"):
        SplitFractions(train=0.8, validation=0.15, test=0.15)
