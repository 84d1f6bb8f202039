import pandas as pd
import pytest

from cic_assets.domain.components import Components
from cic_assets.domain.duplicates import copy_pairs, kept_pictures

GROUPS = pd.DataFrame(
    [
        ("a", "cars", "a", 1, False),
        ("b", "cars", "a", 0, False),
        ("a", "tanks", "a", 0, False),
        ("c", "cars", "c", 0, True),
        ("c", "tanks", "c", 0, True),
        ("d", "tanks", "c", 0, True),
    ],
    columns=["sha256", "subreddit", "group_id", "keep", "label_conflict"],
)


def test_what_is_kept_of_one_source():
    images = pd.DataFrame({"sha256": ["a", "b", "c", "e"], "subreddit": "cars", "post_id": ["1", "2", "3", "4"]})
    kept = kept_pictures(images, GROUPS)
    assert kept[["sha256", "group_id", "post_id", "label_conflict"]].to_numpy().tolist() == [
        ["a", "a", "1", False],
        ["c", "c", "3", True],  # of two classes: a person may say which
        ["e", "e", "4", False],
    ]
    assert kept["label_conflict"].dtype == bool
    assert "keep" not in kept


def test_a_picture_that_is_kept_for_another_source_is_not_kept_twice():
    images = pd.DataFrame({"sha256": ["a", "c", "d", "f"], "subreddit": "tanks"})
    assert kept_pictures(images, GROUPS)["sha256"].tolist() == ["f"]


def test_where_nothing_was_found_all_is_kept():
    images = pd.DataFrame({"sha256": ["a"], "subreddit": "cars"})
    kept = kept_pictures(images, GROUPS.head(0).astype(object))
    assert kept.to_dict("records") == [{"sha256": "a", "subreddit": "cars", "group_id": "a", "label_conflict": False}]


def test_a_picture_in_two_groups_is_refused():
    images = pd.DataFrame({"sha256": ["a"], "subreddit": "cars"})
    with pytest.raises(ValueError, match="cars/a is in two groups"):
        kept_pictures(images, pd.concat([GROUPS, GROUPS.head(1)]))


def test_pairs_of_copies_with_the_dropped_ones():
    bridges = pd.DataFrame({"sha256": ["e"], "verified_against": ["b"]})
    components = Components(copy_pairs(GROUPS, bridges))
    assert components.are_joined("a", "e")
    assert components.are_joined("c", "d")
    assert not components.are_joined("a", "c")
