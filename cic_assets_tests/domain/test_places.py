import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.places import are_among, places_of

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
