"""Several subreddits in one, accounts, multireddits and searches, with a real PRAW client from a real server."""

import json

import pytest

from cic_assets.domain.reddit import (
    REPLAY_CREDENTIALS,
    BannedSubredditError,
    Feed,
    PrivateSubredditError,
    RedditSettings,
    Selection,
    UnknownSubredditError,
    connect,
    fetch_posts,
)
from cic_assets.web.replay import replay

ONCE = RedditSettings(attempts=1)


@pytest.fixture
def fetch(maker):
    """Ids of the posts of a place, and the server that was asked."""

    def fetch(feed, **changes):
        with replay(maker.directory) as server, connect(REPLAY_CREDENTIALS, server.endpoint, ONCE) as reddit:
            posts = fetch_posts(reddit, feed, ONCE, **changes)
            return [post["id"] for post in posts], server

    return fetch


@pytest.fixture
def three(maker):
    maker.subreddit("cars", [maker.post(id="c1", author="Ann"), maker.post(id="c2", author="bob")])
    maker.subreddit("trucks", [maker.post(id="t1", author="ann", subreddit="trucks")])
    maker.subreddit("vans", [maker.post(id="v1", author="ann", subreddit="vans", removed_by_category="moderator")])
    (maker.directory / "multireddits.json").write_text(json.dumps({"Ann/m/Wheels": ["trucks", "Cars"]}))
    return maker


def test_several_subreddits_are_one_place(three, fetch):
    ids, server = fetch(Feed("r", "cars+Trucks"))
    assert ids == ["c1", "c2", "t1"]
    assert set(server.api_requests) >= {"/r/cars+Trucks/new"}


def test_of_several_those_that_are_open_are_shown(three, fetch):
    three.states(trucks={"status": "private"})
    assert fetch(Feed("r", "cars+trucks"))[0] == ["c1", "c2"]
    with pytest.raises(PrivateSubredditError, match=r"^r/trucks is private"):
        fetch(Feed("r", "trucks"))


def test_an_account_shows_what_it_posted_and_nothing_removed(three, fetch):
    ids, server = fetch(Feed("u", "ann"))
    assert ids == ["c1", "t1"]
    assert [sort for sort, _ in Feed("u", "ann").orders(ONCE) if sort == "rising"] == []
    assert ("rising", None) in Feed("r", "cars").orders(ONCE)
    assert any("/user/ann/submitted" in url and "sort=new" in url for url in server.requests)


def test_a_multireddit_shows_its_subreddits(three, fetch):
    ids, server = fetch(Feed("user", "ann/m/wheels"))
    assert ids == ["c1", "c2", "t1"]
    assert "/user/ann/m/wheels/new" in server.api_requests


@pytest.mark.parametrize("feed", [Feed("u", "nobody"), Feed("user", "ann/m/nothing")])
def test_what_is_not_there_is_said_in_one_line(three, fetch, feed):
    with pytest.raises(BannedSubredditError, match=f"^{feed.kind}/{feed.name} is not there"):
        fetch(feed)


@pytest.mark.parametrize(
    "feed", [Feed("r", "a b"), Feed("r", "cars+"), Feed("u", "../r"), Feed("user", "ann"), Feed("user", "ann/m/../x")]
)
def test_a_name_that_reddit_never_gives_is_not_asked_for(three, fetch, feed):
    with pytest.raises(UnknownSubredditError, match="is no name that Reddit gives"):
        fetch(feed)


def test_a_search_finds_words_and_flairs(maker, fetch):
    maker.subreddit(
        "cars",
        [
            maker.post(id="a", title="A red kite"),
            maker.post(id="b", title="A kite, red", link_flair_text="Kites | Old"),
            maker.post(id="c", title="A red car", link_flair_text="Kites | Old"),
        ],
    )
    assert fetch(Feed("r", "cars", "red kite"))[0] == ["a", "b"]
    assert fetch(Feed("r", "cars", 'red flair_name:"kites | old"'))[0] == ["b", "c"]
    assert fetch(Feed("r", "cars", "nothing like it"))[0] == []


def test_a_search_of_many_goes_on_over_its_pages_and_ends(maker, fetch):
    maker.subreddit("cars", maker.posts(300, title="kite"))
    ids, _ = fetch(Feed("r", "cars", "kite"))
    assert len(ids) == 250  # the newest, which all orders of these equal posts show


def test_reading_ends_after_so_many_posts_that_are_taken(maker, fetch):
    posts = [maker.post(link_flair_text="Classic" if number % 2 else "New") for number in range(400)]
    maker.subreddit("cars", posts)
    ids, server = fetch("cars", takes=Selection(flair="classic").takes, most=30)
    assert len(ids) == 60
    assert server.api_requests["/r/cars/new"] == 1
    assert "/r/cars/top" not in server.api_requests
