import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.places import are_among, in_order, places_of

WORDS = st.lists(st.sampled_from(["", "a", "b", "ab", "ü", "\0a"]), max_size=8)


@given(WORDS, WORDS)
def test_places_are_those_of_the_first_of_each(names, among):
    expected = [among.index(name) if name in among else -1 for name in names]
    assert places_of(pd.Series(names, dtype="str"), pd.Series(among, dtype="str")).tolist() == expected
    assert are_among(pd.Series(names, dtype="str"), pd.Series(among, dtype="str")).tolist() == [
        at >= 0 for at in expected
    ]
    assert places_of(pd.Index(names, dtype="str"), pd.Index(among, dtype="str")).tolist() == expected


def test_where_there_is_nothing_there_is_no_place():
    assert places_of(pd.Series({}, dtype="str").index, pd.Series(["a"], dtype="str")).tolist() == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["", "é", "a", "Z", "\U0001f600", "\uffff"]))))
def test_the_order_is_that_of_pandas(rows):
    table = pd.DataFrame(rows, columns=["one", "other"], dtype="str").set_index(pd.RangeIndex(len(rows)) * 2)
    expected = table.sort_values(["one", "other"], kind="stable")
    assert in_order(table, ["one", "other"]).equals(expected)
