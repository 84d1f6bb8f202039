"""The order of listings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.reddit.words import SORTS, TIME_FILTERS
from cic_assets.web.replay.rankings import ranked

NOW = 1_700_000_000.0
HOUR = 3600


def _post(post_id, hours_ago, score=1, ratio=1.0):
    return {"id": post_id, "created_utc": NOW - hours_ago * HOUR, "score": score, "upvote_ratio": ratio}


def _ids(posts, sort, within="all"):
    return "".join(post["id"] for post in ranked(posts, sort, within, NOW))


def test_new_is_newest_first():
    assert _ids([_post("a", 3), _post("b", 1), _post("c", 2)], "new") == "bca"


def test_top_is_by_score_and_equal_scores_newest_first():
    assert _ids([_post("a", 3, 5), _post("b", 1, 5), _post("c", 2, 9)], "top") == "cba"


@pytest.mark.parametrize(
    ("within", "shown"),
    [("hour", "a"), ("day", "ab"), ("week", "abc"), ("month", "abcd"), ("year", "abcde"), ("all", "abcdef")],
)
def test_top_shows_what_is_young_enough(within, shown):
    posts = [_post(name, hours) for name, hours in zip("abcdef", [1, 20, 100, 500, 5000, 50000], strict=True)]
    assert _ids(posts, "top", within) == shown


def test_hot_weighs_ten_times_the_score_as_much_as_twelve_and_a_half_hours():
    assert _ids([_post("a", 12.4, 100), _post("b", 0, 10)], "hot") == "ab"
    assert _ids([_post("a", 12.6, 100), _post("b", 0, 10)], "hot") == "ba"


def test_hot_puts_disliked_posts_last():
    assert _ids([_post("a", 0, -50), _post("b", 20, 1)], "hot") == "ba"


def test_rising_is_by_votes_for_the_age_within_a_day():
    assert _ids([_post("a", 10, 50), _post("b", 1, 20), _post("c", 30, 9999)], "rising") == "ba"


def test_controversial_has_many_votes_in_balance_first():
    posts = [_post("a", 1, 1000, 1.0), _post("b", 1, 100, 0.6), _post("c", 1, 10, 0.6), _post("d", 1, 0, 0.5)]
    assert _ids(posts, "controversial")[:2] == "bc"
    assert _ids(posts, "controversial")[-1] == "a"


_POSTS = st.lists(
    st.builds(
        dict,
        created_utc=st.floats(0, NOW),
        score=st.integers(-(10**6), 10**6),
        upvote_ratio=st.one_of(st.none(), st.floats(0, 1), st.just(0.5)),
    )
)


@given(_POSTS, st.sampled_from(SORTS), st.sampled_from(TIME_FILTERS))
def test_a_listing_shows_each_post_at_most_once_whatever_its_votes(posts, sort, within):
    shown = ranked(posts, sort, within, NOW)
    assert len({id(post) for post in shown}) == len(shown) <= len(posts)
    if sort in ("new", "hot") or (sort != "rising" and within == "all"):
        assert len(shown) == len(posts)
