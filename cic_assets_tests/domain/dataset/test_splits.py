import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cic_assets.domain.dataset import DatasetError, Split, SplitSettings, assign_splits, split_of
from cic_assets.domain.dataset.given import read_given

GROUPS = st.lists(st.text(alphabet="0123456789abcdef", min_size=1, max_size=16), min_size=1, unique=True)
BY_CLASS, BY_TIME = SplitSettings(by="class"), SplitSettings(by="time")


def pictures(groups, klass="car", created=None):
    return pd.DataFrame({"unit_id": groups, "klass": klass, "created_utc": created or [1.0] * len(groups)})


def two_classes(count, first=0):
    """As many cars, and half as many tanks, one a second."""
    numbers = range(first, first + count)
    classes = ["tank" if number % 3 == 0 else "car" for number in numbers]
    return pictures([f"g{number}" for number in numbers], classes, [1.6e9 + number for number in numbers])


def remembered(table, splits):
    return {group: Split(split) for group, split in zip(table["unit_id"], splits, strict=True)}


def test_sizes_come_out_as_asked():
    settings = SplitSettings(train=0.6, validation=0.1, test=0.3)
    shares = pd.Series([split_of(f"group{i}", settings) for i in range(20_000)]).value_counts(normalize=True)
    assert shares[Split.TRAIN] == pytest.approx(0.6, abs=0.015)
    assert shares[Split.VALIDATION] == pytest.approx(0.1, abs=0.01)
    assert shares[Split.TEST] == pytest.approx(0.3, abs=0.015)


@given(groups=GROUPS, more=GROUPS)
def test_by_hash_a_unit_stays_where_it_was_as_the_set_grows_or_shrinks(groups, more):
    alone = assign_splits(pictures(groups), {}, {}, SplitSettings())
    together = assign_splits(pictures(groups + more), {}, {}, SplitSettings())
    assert list(alone) == list(together[: len(groups)])


def test_another_seed_divides_anew():
    table = pictures([f"g{i}" for i in range(200)])
    one = assign_splits(table, {}, {}, SplitSettings(), seed="one")
    two = assign_splits(table, {}, {}, SplitSettings(), seed="two")
    assert 0 < (one != two).sum() < 200


def test_by_class_each_split_gets_its_share_of_every_class():
    table = two_classes(300)
    counts = pd.crosstab(table["klass"], assign_splits(table, {}, {}, BY_CLASS))
    assert counts.loc["car"].to_dict() == {"train": 140, "validation": 30, "test": 30}
    assert counts.loc["tank"].to_dict() == {"train": 70, "validation": 15, "test": 15}


def test_by_class_nothing_moves_as_the_set_grows_and_shares_stay_close():
    table = two_classes(300)
    before = assign_splits(table, {}, {}, BY_CLASS)
    grown = pd.concat([table, two_classes(300, first=300)], ignore_index=True)
    after = assign_splits(grown, {}, remembered(table, before), BY_CLASS)
    assert list(after[:300]) == list(before)
    shares = pd.crosstab(grown["klass"], after, normalize="index")
    assert shares["test"].between(0.11, 0.19).all()


def test_by_class_few_move_even_where_the_earlier_set_is_lost():
    table, grown = two_classes(300), two_classes(315)
    moved = assign_splits(table, {}, {}, BY_CLASS) != assign_splits(grown, {}, {}, BY_CLASS)[:300]
    assert moved.sum() <= 9


def test_by_time_the_newest_are_the_test():
    table = two_classes(100).sample(frac=1, random_state=1)
    splits = assign_splits(table, {}, {}, BY_TIME)
    times = table["created_utc"].groupby(splits)
    assert times.size().to_dict() == {"train": 70, "validation": 15, "test": 15}
    assert times.max()["train"] < times.min()["validation"]
    assert times.max()["validation"] < times.min()["test"]


@given(sizes=st.lists(st.integers(1, 60), min_size=2, max_size=5), late=st.integers(0, 30))
def test_by_time_a_picture_only_ever_moves_towards_train(sizes, late):
    order = [Split.TEST, Split.VALIDATION, Split.TRAIN]
    table, before = two_classes(0), {}
    for number, size in enumerate(sizes):
        # Newer posts, and older ones that were not seen before.
        newer = two_classes(size, first=1000 * number)
        older = pictures([f"late{number}-{i}" for i in range(late)], created=[1.0 + i for i in range(late)])
        table = pd.concat([table, newer, older], ignore_index=True)
        now = remembered(table, assign_splits(table, {}, before, BY_TIME))
        assert all(order.index(now[group]) >= order.index(split) for group, split in before.items())
        before = now


def test_pictures_without_a_time_are_trained_on_and_none_with_one_is_an_error():
    table = pictures([f"g{i}" for i in range(20)], created=[0.0] * 10 + [1e9 + i for i in range(10)])
    assert set(assign_splits(table, {}, {}, BY_TIME)[:10]) == {"train"}
    with pytest.raises(DatasetError, match=r"no picture has the time of its post .*: set dataset\.splits\.by to hash"):
        assign_splits(table.assign(created_utc=0.0), {}, {}, BY_TIME)


@pytest.mark.parametrize("by", ["hash", "class", "time"])
def test_copies_fall_together(by):
    table = two_classes(60)
    table["unit_id"] = [f"g{number // 3}" for number in range(60)]
    splits = assign_splits(table, {}, {}, SplitSettings(by=by))
    assert (splits.groupby(table["unit_id"]).nunique() == 1).all()


def test_by_class_shares_are_of_pictures_not_of_units():
    table = two_classes(600)
    table["unit_id"] = [f"u{number % 40 if number % 2 else number}" for number in range(600)]
    table["klass"] = ["tank" if number % 2 else "car" for number in range(600)]
    shares = pd.crosstab(table["klass"], assign_splits(table, {}, {}, BY_CLASS), normalize="index")
    assert shares["test"].tolist() == pytest.approx([0.15, 0.15], abs=0.03)
    assert shares["validation"].tolist() == pytest.approx([0.15, 0.15], abs=0.03)


@pytest.mark.parametrize("before", list(Split))
@pytest.mark.parametrize("by", ["hash", "class"])
def test_what_was_assigned_before_wins_under_a_new_group_name(before, by):
    members = {"a": "new-name", "b": "new-name"}
    result = assign_splits(pictures(["new-name"]), members, {"a": before}, SplitSettings(by=by))
    assert list(result) == [before.value]


def test_pictures_found_to_be_one_go_to_the_strictest_split():
    members = dict.fromkeys("abc", "g")
    previous = {"a": Split.TRAIN, "b": Split.TEST, "c": Split.VALIDATION}
    assert list(assign_splits(pictures(["g"]), members, previous, SplitSettings())) == ["test"]


def test_what_is_given_wins_over_all_else():
    for by in ("hash", "class", "time"):
        result = assign_splits(
            pictures(["g", "h"]),
            {"a": "g"},
            {"a": Split.TRAIN},
            SplitSettings(by=by),
            given={"a": Split.VALIDATION},
        )
        assert result[0] == "validation"


def test_given_splits_are_read_from_either_export(tmp_path):
    rows = [{"sha256": "a", "resized_sha256": "b", "split": "test"}]
    (tmp_path / "data_card.json").write_text(json.dumps({"files": rows}))
    pd.DataFrame(rows).to_csv(tmp_path / "manifest.csv", index=False)
    for name in ("data_card.json", "manifest.csv"):
        assert read_given(tmp_path / name) == {"a": Split.TEST, "b": Split.TEST}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", None, r"dataset\.splits\.given: .*x\.json cannot be read \(No such file"),
        ("x.json", "[1]", "expected the data_card.json or the manifest.csv of an export"),
        ("x.json", "\x00", "expected the data_card.json or the manifest.csv of an export"),
        ("x.csv", "", "expected the data_card.json or the manifest.csv of an export"),
        ("x.csv", "sha256\na\n", "expected columns split and sha256 or resized_sha256"),
        ("x.csv", "sha256,split\na,holdout\n", "split 'holdout' is none of train, validation, test"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_given(tmp_path / name)


def test_fractions_must_add_up():
    with pytest.raises(ValidationError, match=r"add up to 1\.1, they must add up to 1"):
        SplitSettings(train=0.8, validation=0.15, test=0.15)
