"""Reading posts with a real PRAW client from a real server: unions, refusals, and looking again."""

import json
from contextlib import ExitStack

import pytest

from cic_assets.domain.pacing import Allowance
from cic_assets.domain.reddit import (
    REPLAY_CREDENTIALS,
    BadCredentialsError,
    BannedSubredditError,
    Known,
    PostStatus,
    PrivateSubredditError,
    QuarantinedSubredditError,
    RedditError,
    RedditSettings,
    SubredditError,
    UnexpectedAnswerError,
    UnknownSubredditError,
    connect,
    fetch_posts,
    media_of,
    read_listings,
    recheck,
    status_of,
)
from cic_assets.web.replay import replay

ONCE = RedditSettings(attempts=1)
TOKEN = "/api/v1/access_token"


@pytest.fixture
def fetch(maker):
    """The posts of a subreddit, and the server that was asked."""

    def fetch(name="cars", settings=ONCE, progress=None):
        with replay(maker.directory) as server, connect(REPLAY_CREDENTIALS, server.endpoint, settings) as reddit:
            return fetch_posts(reddit, name, settings, progress), server

    return fetch


def test_posts_are_what_the_api_sent(maker, fetch):
    sent = maker.post(
        author="[deleted]", gallery_data=None, crosspost_parent_list=[maker.post()], poll_data=None, spoiler=True
    )
    maker.subreddit("cars", [sent])
    (got,), _ = fetch()
    assert {key: value for key, value in got.items() if key != "poll_data"} == {
        key: value for key, value in sent.items() if key != "poll_data"
    }


def test_titles_may_hold_anything_that_json_can(maker, fetch):
    title = "<script>\ud800 \u0000 \U0001f697 \u202e</script>"
    maker.subreddit("cars", [maker.post(title=title)])
    (post,), _ = fetch()
    assert post["title"] == title
    assert media_of(post)[0].title == title.replace("\ud800", "?")


def test_no_post_costs_a_request_of_its_own(maker, fetch):
    maker.subreddit("cars", maker.posts(150))
    posts, server = fetch()
    assert len(posts) == 150
    assert server.api_requests == {TOKEN: 1, "/r/cars/new": 2, "/r/cars/top": 2}


def test_the_name_is_in_any_case(maker, fetch):
    maker.subreddit("cars", maker.posts(1))
    assert len(fetch("CARS")[0]) == 1


def test_where_the_best_of_all_times_are_all_known_nothing_else_is_asked(maker, fetch):
    maker.subreddit("cars", maker.posts(250))
    _, server = fetch()
    assert server.api_requests == {TOKEN: 1, "/r/cars/new": 3, "/r/cars/top": 3}
    assert all("t=all" in url for url in server.requests if "/top" in url)


def listing_of(posts):
    children = [{"kind": "t3", "data": post} for post in posts]
    return json.dumps({"kind": "Listing", "data": {"after": None, "children": children}})


@pytest.mark.parametrize("removed", [1, 150, 700])
def test_a_short_listing_of_what_is_new_does_not_hide_what_is_old(maker, fetch, removed):
    """Of the newest 1,000 posts moderators removed some: Reddit shows the others, and old ones elsewhere."""
    maker.subreddit("cars", maker.posts(1000 - removed, score=1))
    old = maker.posts(80, score=5000)
    maker.route("oauth.reddit.com", "/r/cars/top", body=listing_of(old), type="application/json")
    posts, server = fetch()
    assert {post["id"] for post in old} <= {post["id"] for post in posts}
    assert {f"/r/cars/{sort}" for sort in ("new", "top", "controversial")} <= set(server.api_requests)


def test_a_listing_that_ends_at_the_limit_tells_nothing_of_the_others(maker, fetch):
    maker.subreddit("cars", maker.posts(3, score=5))
    maker.route("oauth.reddit.com", "/r/cars/hot", body=listing_of(maker.posts(1)), type="application/json")
    posts, _ = fetch(settings=RedditSettings(attempts=1, limit=1, listings=("new", "top", "hot")))
    assert len(posts) == 2


def test_a_listing_without_posts_tells_nothing_of_the_others(maker, fetch):
    maker.subreddit("cars", maker.posts(3))
    for sort, posts in (("top", []), ("hot", maker.posts(2))):
        maker.route("oauth.reddit.com", f"/r/cars/{sort}", body=listing_of(posts), type="application/json")
    posts, _ = fetch(settings=RedditSettings(attempts=1, listings=("new", "top", "hot")))
    assert len(posts) == 5


def test_other_listings_add_what_fell_off_new(maker, fetch):
    recent, old = maker.posts(1100, score=1), maker.posts(50, score=1000)
    maker.subreddit("cars", recent + old)
    posts, server = fetch()
    assert len({post["id"] for post in posts}) == len(posts) == 1000 + 50 + 0
    assert {post["id"] for post in old} <= {post["id"] for post in posts}
    assert {f"/r/cars/{sort}" for sort in ("new", "hot", "rising", "top", "controversial")} <= set(server.api_requests)


def test_only_the_listings_of_the_settings_are_asked(maker, fetch):
    maker.subreddit("cars", maker.posts(3))
    settings = RedditSettings(attempts=1, listings=("hot", "top"), time_filters=("year", "day"))
    posts, server = fetch(settings=settings)
    assert len(posts) == 3
    assert server.api_requests == {TOKEN: 1, "/r/cars/hot": 1, "/r/cars/top": 2}
    assert sum(count for url, count in server.requests.items() if "t=year" in url) == 1


def test_a_limit_takes_so_many_of_each_listing(maker, fetch):
    maker.subreddit("cars", [*maker.posts(5), maker.post(id="best", score=99)])
    posts, _ = fetch(settings=RedditSettings(attempts=1, limit=2, listings=("top", "new"), time_filters=("all",)))
    assert [post["id"] for post in posts] == ["p1", "p2", "best"]


def test_posts_are_newest_first(maker, fetch):
    maker.subreddit("cars", maker.posts(30))
    posts, _ = fetch(settings=RedditSettings(attempts=1, listings=("top", "hot")))
    assert [post["created_utc"] for post in posts] == sorted((post["created_utc"] for post in posts), reverse=True)


def test_an_empty_subreddit_is_no_error(maker, fetch):
    maker.subreddit("cars", [])
    assert fetch()[0] == []


def test_progress_is_told_after_each_page(maker, fetch):
    maker.subreddit("cars", maker.posts(230))
    told = []
    fetch(progress=lambda listing, posts: told.append((listing, posts)))
    assert told == [("new", 100), ("new", 200), ("new", 230), *[("top/all", 230)] * 3]


@pytest.mark.parametrize(
    ("state", "kind", "said"),
    [
        ({"status": "private"}, PrivateSubredditError, "r/cars is private: only its members see it; leave it out"),
        ({"status": "banned"}, BannedSubredditError, "r/cars was banned by Reddit: leave it out"),
        ({"status": "quarantined"}, QuarantinedSubredditError, "r/cars is quarantined: "),
    ],
)
def test_a_closed_subreddit_is_said_and_not_asked_twice(maker, fetch, state, kind, said):
    maker.states(cars=state)
    with pytest.raises(kind) as error:
        fetch()
    assert str(error.value).startswith(said)
    assert isinstance(error.value, SubredditError)
    assert not error.value.passing


@pytest.mark.parametrize("name", ["nobody", "a b", "../x", "", "x" * 30, "r/cars"])
def test_an_unknown_name_is_said(maker, fetch, name):
    with pytest.raises(UnknownSubredditError, match=f"r/{name}: "):
        fetch(name)


@pytest.mark.parametrize(
    ("path", "answer", "kind", "said"),
    [
        (TOKEN, {"status": 401, "body": "{}"}, BadCredentialsError, "check REDDIT_CLIENT_ID"),
        (TOKEN, {"status": 403, "body": "<html>"}, BadCredentialsError, "is the app approved"),
        (TOKEN, {"status": 200, "body": '{"error": "invalid_grant"}'}, BadCredentialsError, "invalid_grant"),
        (TOKEN, {"status": 200, "body": "<html>"}, UnexpectedAnswerError, "not what its API sends"),
        (TOKEN, {"status": 200, "body": "{}"}, UnexpectedAnswerError, "not what its API sends"),
        pytest.param(
            "/r/cars/new",
            {"status": 401, "body": "{}"},
            BadCredentialsError,
            "check REDDIT_CLIENT_ID",
            marks=pytest.mark.slow,  # prawcore renews the token twice, and waits before
        ),
        ("/r/cars/new", {"status": 403, "body": "<html>"}, BadCredentialsError, "is the app approved"),
        ("/r/cars/new", {"status": 404, "body": "{}"}, BannedSubredditError, "it was banned, or its name is wrong"),
        ("/r/cars/new", {"status": 451, "body": ""}, SubredditError, "legal reasons"),
        ("/r/cars/new", {"status": 418, "body": "tea"}, UnexpectedAnswerError, "HTTP 418 with text/html"),
        ("/r/cars/new", {"status": 418}, UnexpectedAnswerError, "HTTP 418 with nothing"),
        ("/r/cars/new", {"redirect": "http://login.example.com/login"}, UnexpectedAnswerError, "elsewhere (/login)"),
        ("/r/cars/new", {"status": 302}, UnexpectedAnswerError, "elsewhere (nowhere)"),
        ("/r/cars/new", {"status": 200, "body": "<html>"}, UnexpectedAnswerError, "Reddit sent text/html"),
        ("/r/cars/new", {"status": 200, "body": '{"kind": '}, UnexpectedAnswerError, "expected JSON"),
        ("/r/cars/new", {"status": 200, "body": ""}, UnexpectedAnswerError, "Reddit sent nothing"),
        ("/r/cars/new", {"status": 200, "body": "{}"}, UnexpectedAnswerError, "not what its API sends"),
        ("/r/cars/new", {"status": 200, "body": "[]"}, UnexpectedAnswerError, "not what its API sends"),
        ("/r/cars/new", {"status": 200, "body": '"text"'}, UnexpectedAnswerError, "not what its API sends"),
        ("/r/cars/new", {"status": 200, "body": "null"}, UnexpectedAnswerError, "Reddit sent nothing"),
        (
            "/r/cars/new",
            {"status": 200, "body": '{"kind": "Listing", "data": {"children": [{"kind": "t3", "data": {}}]}}'},
            UnexpectedAnswerError,
            "not what its API sends",
        ),
        (
            "/r/cars/new",
            {"status": 200, "body": '{"kind": "Listing", "data": {"after": null, "children": [{"kind": "x"}]}}'},
            UnexpectedAnswerError,
            "not what its API sends",
        ),
    ],
)
def test_each_refusal_is_one_line_that_says_what_to_do(maker, fetch, path, answer, kind, said):
    maker.subreddit("cars", maker.posts(1))
    maker.route("oauth.reddit.com", path, **answer)
    with pytest.raises(RedditError) as error:
        fetch()
    assert type(error.value) is kind
    assert said in str(error.value)
    assert "r/cars" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_second_look_tells_what_became_of_each_post(maker):
    maker.subreddit(
        "cars",
        [
            maker.post(id="kept"),
            maker.post(id="deleted", removed_by_category="deleted", author="[deleted]"),
            maker.post(id="removed", removed_by_category="moderator"),
            maker.post(id="account", author="[deleted]"),
        ],
    )
    with replay(maker.directory) as server, connect(REPLAY_CREDENTIALS, server.endpoint, ONCE) as reddit:
        assert recheck(reddit, ["kept", "deleted", "removed", "account", "nobody"]) == {
            "kept": (PostStatus.KEPT, False),
            "deleted": (PostStatus.DELETED, True),
            "removed": (PostStatus.REMOVED, False),
            "account": (PostStatus.KEPT, True),
            "nobody": (PostStatus.MISSING, False),
        }


def test_a_second_look_asks_for_a_hundred_posts_at_once(maker):
    posts = maker.posts(250)
    maker.subreddit("cars", posts)
    with replay(maker.directory) as server, connect(REPLAY_CREDENTIALS, server.endpoint, ONCE) as reddit:
        statuses = recheck(reddit, [post["id"] for post in posts] * 2)
        assert {checked.status for checked in statuses.values()} == {PostStatus.KEPT}
        assert server.api_requests["/api/info"] == 3
        assert recheck(reddit, []) == {}
        assert server.api_requests["/api/info"] == 3


def test_a_second_look_that_is_refused_is_said(maker):
    maker.route("oauth.reddit.com", "/api/info", status=200, body="<html>")
    with (
        replay(maker.directory) as server,
        connect(REPLAY_CREDENTIALS, server.endpoint, ONCE) as reddit,
        pytest.raises(UnexpectedAnswerError, match="the posts that are kept: expected JSON"),
    ):
        recheck(reddit, ["abc"])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, PostStatus.KEPT),
        ({"removed_by_category": "deleted"}, PostStatus.DELETED),
        ({"removed_by_category": "author"}, PostStatus.DELETED),
        ({"selftext": "[deleted]"}, PostStatus.DELETED),
        ({"removed_by_category": "copyright_takedown"}, PostStatus.REMOVED),
        ({"removed_by_category": "reddit"}, PostStatus.REMOVED),
        ({"selftext": "[removed]"}, PostStatus.REMOVED),
        ({"removed_by": "anti_evil_ops"}, PostStatus.REMOVED),
        ({"removed_by_category": None, "selftext": "words"}, PostStatus.KEPT),
    ],
)
def test_status_of_a_post(fields, status):
    assert status_of(fields) is status


def read_again(maker, known, again=(), settings=ONCE):
    with replay(maker.directory) as server, connect(REPLAY_CREDENTIALS, server.endpoint, settings) as reddit:
        return read_listings(reddit, "cars", settings, known=Known(known, again)), server


def test_where_the_newest_hundred_are_known_nothing_older_is_asked_for(maker):
    posts = maker.posts(1000)
    maker.subreddit("cars", posts)
    newest = sorted(posts, key=lambda post: -post["created_utc"])
    old = {post["id"] for post in newest[30:]}
    (shown, is_whole), server = read_again(maker, old)
    assert not is_whole
    assert {post["id"] for post in shown} - old == {post["id"] for post in newest[:30]}
    assert server.api_requests == {TOKEN: 1, "/r/cars/new": 2}


def test_what_is_wanted_all_the_same_is_asked_for_by_name(maker):
    posts = maker.posts(300)
    maker.subreddit("cars", posts)
    ids = [post["id"] for post in sorted(posts, key=lambda post: -post["created_utc"])]
    (shown, _), server = read_again(maker, set(ids), [ids[0], ids[250], "unknown"])
    assert [post["id"] for post in shown] == [*ids[:100], ids[250]]
    assert server.api_requests["/api/info"] == 1


@pytest.mark.parametrize("known", [50, 99])
def test_fewer_known_posts_than_a_page_in_a_row_hide_nothing(maker, known):
    posts = maker.posts(150)
    maker.subreddit("cars", posts)
    ids = [post["id"] for post in sorted(posts, key=lambda post: -post["created_utc"])]
    (shown, is_whole), server = read_again(maker, ids[:known] + ids[known + 1 : 140])
    assert is_whole
    assert len(shown) == 150
    assert "/r/cars/top" in server.api_requests


class UntilTheServerStops(Allowance):
    """Before the second request there is no server any more."""

    def __init__(self, ledger, stop):
        super().__init__(10, ledger)
        self._stop = stop

    def take(self, amount=1):
        if self.left < self.most:
            self._stop()
        return super().take(amount)


def test_what_was_answered_before_reddit_failed_counts(maker, tmp_path, caplog):
    posts = maker.posts(250)
    maker.subreddit("cars", posts)
    ids = [post["id"] for post in posts]
    with ExitStack() as served:
        server = served.enter_context(replay(maker.directory))
        with connect(REPLAY_CREDENTIALS, server.endpoint, ONCE) as reddit:
            allowance = UntilTheServerStops(tmp_path / "spent", served.close)
            assert list(recheck(reddit, ids, allowance=allowance)) == ids[:100]
            assert allowance.left == 8
            assert "answered about 100 of 250 posts" in caplog.text
            with pytest.raises(RedditError):
                recheck(reddit, ids, allowance=allowance)


def test_a_check_asks_as_long_as_its_allowance_lasts_and_says_nothing_of_the_rest(maker, tmp_path):
    posts = maker.posts(250)
    maker.subreddit("cars", posts)
    ids = [post["id"] for post in posts]
    allowance = Allowance(2, tmp_path / "spent")
    with replay(maker.directory) as server, connect(REPLAY_CREDENTIALS, server.endpoint, ONCE) as reddit:
        assert list(recheck(reddit, ids, allowance=allowance)) == ids[:200]
        assert allowance.left == 0
        assert recheck(reddit, ids, allowance=allowance) == {}
    assert server.api_requests["/api/info"] == 2
