"""Entries are those that a table for each group gives, of ten thousands of groups too."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from cic_assets.domain.review.queues import copies_of, label_conflicts

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "group_id": st.sampled_from("ab"),
            "sha256": st.sampled_from("abcd"),
            "subreddit": st.sampled_from(["cars", "tanks"]),
            "klass": st.sampled_from(["car", "tank"]),
            "distance": st.sampled_from([0.0, 0.1, 0.2]),
            "label_conflict": st.booleans(),
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(ROWS)
def test_groups_are_asked_about_as_they_are(rows):
    groups = pd.DataFrame(rows)
    doubt = groups[groups["label_conflict"]]
    order = doubt.groupby("group_id")["distance"].max().reset_index()
    expected = order.sort_values(["distance", "group_id"], ascending=[False, True])["group_id"].tolist()
    entries = list(label_conflicts(groups))
    assert [one.pictures[0] for one in entries] == expected
    for entry, group in zip(entries, expected, strict=True):
        own = doubt[doubt["group_id"] == group]
        assert entry.pictures == tuple(dict.fromkeys([group, *own["sha256"]]))
        assert entry.copies == {group, *own["sha256"]}
        for klass, of in own.groupby("klass")["subreddit"]:
            assert f"{klass} (from {' and '.join(sorted(set(of)))})" in entry.why[0]
        assert f"{own['klass'].nunique()} classes" in entry.why[0]


@given(ROWS)
def test_who_is_one_with_whom(rows):
    groups = pd.DataFrame(rows)
    last = dict(zip(groups["sha256"], groups["group_id"], strict=True))
    together = copies_of(groups)
    assert together == {
        one: frozenset(groups.loc[groups["group_id"] == group, "sha256"]) for one, group in last.items()
    }
