import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.places import are_among, are_first, in_order, order_by, places_of

WORDS = st.lists(st.sampled_from(["", "a", "b", "ab", "ü", "\0a"]), max_size=8)
LONG = st.lists(
    st.sampled_from([start + end for start in ("0" * 8, "1" * 8) for end in ("0" * 16, "ü" * 8)]), max_size=8
)
"""As long as one another; those that differ in their first letters alone have one key."""
NAMES = st.one_of(WORDS, LONG)


@given(NAMES, NAMES)
def test_places_are_those_of_the_first_of_each(names, among):
    expected = [among.index(name) if name in among else -1 for name in names]
    assert places_of(pd.Series(names, dtype="str"), pd.Series(among, dtype="str")).tolist() == expected
    assert are_among(pd.Series(names, dtype="str"), pd.Series(among, dtype="str")).tolist() == [
        at >= 0 for at in expected
    ]
    assert places_of(pd.Index(names, dtype="str"), pd.Index(among, dtype="str")).tolist() == expected


@given(
    st.lists(st.sampled_from(["", "a", "c"]), max_size=2), st.lists(st.sampled_from(["", "a", "b", "ü"]), min_size=20)
)
def test_a_few_names_are_found_among_many(names, among):
    expected = [among.index(name) if name in among else -1 for name in names]
    assert places_of(pd.Series(names, dtype="str"), pd.Series(among, dtype="str")).tolist() == expected


@given(LONG, LONG)
def test_places_in_a_part_of_a_table_are_those_in_the_part(names, among):
    whole = pd.Series([*names, *among], dtype="str")
    expected = [among.index(name) if name in among else -1 for name in names]
    assert places_of(whole.iloc[: len(names)], whole.iloc[len(names) :]).tolist() == expected


def test_names_of_pictures_are_found_as_any_others():
    random = np.random.default_rng(0)
    names = pd.Series([random.bytes(32).hex() for _ in range(20_000)], dtype="str")
    asked, among = (
        names.sample(20_000, replace=True, random_state=1),
        names.sample(15_000, replace=True, random_state=2),
    )
    first = {name: place for place, name in reversed(list(enumerate(among)))}
    assert places_of(asked, among).tolist() == [first.get(name, -1) for name in asked]
    assert are_first(among).tolist() == (~among.duplicated()).tolist()


@given(NAMES)
def test_the_first_of_each_name_are_those_of_pandas(names):
    expected = (~pd.Series(names, dtype="str").duplicated()).tolist()
    assert are_first(pd.Series(names, dtype="str")).tolist() == expected
    assert are_first(pd.Index(names, dtype="str")).tolist() == expected


def test_where_there_is_nothing_there_is_no_place():
    assert places_of(pd.Series({}, dtype="str").index, pd.Series(["a"], dtype="str")).tolist() == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["", "é", "a", "Z", "\U0001f600", "\uffff"]))))
def test_the_order_is_that_of_pandas(rows):
    table = pd.DataFrame(rows, columns=["one", "other"], dtype="str").set_index(pd.RangeIndex(len(rows)) * 2)
    expected = table.sort_values(["one", "other"], kind="stable")
    assert in_order(table, ["one", "other"]).equals(expected)


HASHES = st.sampled_from(["0" * 64, "0" * 63 + "1", "0" * 15 + "1" + "0" * 48, "f" * 64, "é" + "0" * 62, "a" * 64])


@pytest.mark.parametrize("columns", [["klass", "sha256", "other"], ["sha256", "klass", "other"], ["other"]])
@given(rows=st.lists(st.tuples(st.sampled_from(["car", "tank", "", "ä"]), HASHES, HASHES), min_size=1))
def test_the_order_of_names_of_one_length_is_that_of_pandas(rows, columns):
    table = pd.DataFrame(rows, columns=["klass", "sha256", "other"], dtype="str")
    expected = table.sort_values(columns, kind="stable")
    assert in_order(table, columns).equals(expected)


def test_many_names_are_put_in_order_whatever_else_there_is():
    numbers = np.random.default_rng(0).integers(0, 3000, 20_000)
    names = pd.Series([f"{number:064x}"[::-1] for number in numbers], dtype="str")
    table = pd.DataFrame({"sha256": names, "at": numbers[::-1] / 7, "post_id": pd.Series(numbers, dtype="str")})
    for columns in (["sha256", "at", "post_id"], ["post_id", "sha256"], ["at", "sha256"]):
        assert in_order(table, columns).equals(table.sort_values(columns, kind="stable"))


NUMBERS = st.sampled_from([0.0, -0.0, 1.0, np.inf, -np.inf, np.nan])


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from("ab"))))
def test_the_order_by_numbers_is_that_of_pandas(rows):
    table = pd.DataFrame(rows, columns=["one", "other", "name"]).astype({"one": float, "other": float})

    def of_equal(at):
        return table.iloc[at].reset_index(drop=True).sort_values(list(table), kind="stable").index.to_numpy()

    order = order_by([table["one"].to_numpy(), table["other"].to_numpy()], of_equal)
    assert order.tolist() == table.sort_values(list(table), kind="stable").index.tolist()
