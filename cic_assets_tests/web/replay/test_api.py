"""The replayed API, asked without PRAW: pages, orders, and Reddit's own refusals."""

import pytest

from cic_assets.web.replay import replay

API = "http://127.0.0.1"


def _listing(answer):
    return [child["data"]["id"] for child in answer.json["data"]["children"]]


@pytest.fixture
def server(maker):
    maker.subreddit("Cars", maker.posts(230))
    maker.subreddit("empty", [])
    maker.states(
        secret={"status": "private"},
        shut={"status": "banned"},
        grim={"status": "quarantined"},
        busy={"status": "rate_limited", "times": 2, "retry_after": "7"},
        always={"status": "rate_limited", "retry_after": "date"},
        Cars={"about": {"subscribers": 12}},
    )
    with replay(maker.directory) as server:
        yield server


def test_a_token_is_given_to_whoever_names_a_client(server, ask):
    token = ask(server, f"{API}/api/v1/access_token", {"Authorization": "Basic eDp5"}, "POST").json
    assert {"access_token", "expires_in", "scope"} <= set(token)
    assert ask(server, f"{API}/api/v1/access_token", method="POST").status == 401


@pytest.mark.parametrize(("limit", "given"), [("7", 7), ("100", 100), ("1024", 100), ("0", 1), ("x", 25), ("", 25)])
def test_pages_have_at_most_a_hundred_posts(server, ask, limit, given):
    assert len(_listing(ask(server, f"{API}/r/cars/new?limit={limit}"))) == given


def test_pages_follow_one_another_to_the_end(server, ask):
    seen, after = [], ""
    for count in (0, 100, 200):
        page = ask(server, f"{API}/r/cars/new?limit=100&count={count}&after={after}")
        seen += _listing(page)
        after = page.json["data"]["after"]
    assert seen == [f"p{number}" for number in range(1, 231)]
    assert after is None


def test_a_page_after_an_unknown_post_is_empty(server, ask):
    assert _listing(ask(server, f"{API}/r/cars/new?after=t3_nobody")) == []


def test_listings_end_at_a_thousand_posts(maker, ask):
    maker.subreddit("cars", maker.posts(1050))
    with replay(maker.directory) as server:
        assert len(_listing(ask(server, f"{API}/r/cars/new?limit=100&after=t3_p950"))) == 50
        assert ask(server, f"{API}/r/cars/new?limit=100&after=t3_p900").json["data"]["after"] is None


def test_each_listing_has_its_order(maker, ask):
    maker.subreddit("cars", [maker.post(score=1), maker.post(score=50), maker.post(score=9, upvote_ratio=0.51)])
    with replay(maker.directory) as server:
        assert _listing(ask(server, f"{API}/r/cars/top?t=all")) == ["p2", "p3", "p1"]
        assert _listing(ask(server, f"{API}/r/cars/controversial?t=all"))[0] == "p3"
        assert _listing(ask(server, f"{API}/r/cars")) == _listing(ask(server, f"{API}/r/cars/hot"))
        assert _listing(ask(server, f"{API}/r/cars/top?t=hour")) == ["p2", "p1"]


def test_a_slash_at_the_end_and_json_make_no_difference(server, ask):
    plain = ask(server, f"{API}/r/cars/new").json
    assert ask(server, f"{API}/r/cars/new/").json == ask(server, f"{API}/r/CARS/new.json").json == plain


def test_info_gives_the_posts_it_knows(server, ask):
    assert _listing(ask(server, f"{API}/api/info?id=t3_p3,t3_nobody,t3_p1")) == ["p3", "p1"]
    names = ",".join(f"t3_p{number}" for number in range(1, 121))
    assert len(_listing(ask(server, f"{API}/api/info/?id={names}"))) == 100


@pytest.mark.parametrize("status", ["private", "banned", "quarantined"])
def test_info_leaves_out_the_posts_of_a_subreddit_that_is_closed(maker, ask, status):
    maker.subreddit("cars", maker.posts(2))
    maker.subreddit("tanks", maker.posts(2))
    maker.states(tanks={"status": status})
    with replay(maker.directory) as server:
        assert _listing(ask(server, f"{API}/api/info?id=t3_p1,t3_p3,t3_p2,t3_p4")) == ["p1", "p2"]


@pytest.mark.parametrize(
    "gone", [{"removed_by_category": "moderator"}, {"removed_by_category": "deleted"}, {"selftext": "[removed]"}]
)
def test_what_was_removed_shortens_the_listings_and_info_tells_of_it(maker, ask, gone):
    posts = [*maker.posts(3), maker.post(**gone), *maker.posts(1100)]
    maker.subreddit("cars", posts)
    with replay(maker.directory) as server:
        for listing in ("new", "hot", "top?t=all"):
            path = f"{API}/r/cars/{listing}{'&' if '?' in listing else '?'}limit=100"
            seen, after = [], ""
            while after is not None:
                page = ask(server, f"{path}&after={after}")
                seen += _listing(page)
                after = page.json["data"]["after"]
            assert len(seen) == 999
            assert "p4" not in seen
        (told,) = ask(server, f"{API}/api/info?id=t3_p4").json["data"]["children"]
    assert gone.items() <= told["data"].items()


def test_each_answer_says_how_often_one_may_ask_and_who_asks_more_is_refused(server, ask):
    for number in range(1, 4):
        headers = ask(server, f"{API}/r/{'cars' if number < 3 else 'nobody'}/new?limit=1").headers
        assert float(headers["x-ratelimit-remaining"]) == 1000 - number
        assert int(headers["x-ratelimit-used"]) == number
        assert 590 < int(headers["x-ratelimit-reset"]) <= 600


def test_about(server, ask):
    about = ask(server, f"{API}/r/cars/about").json
    assert about["kind"] == "t5"
    assert (about["data"]["display_name"], about["data"]["subscribers"]) == ("Cars", 12)


def test_an_unknown_subreddit_is_a_redirect_to_the_search(server, ask):
    for path in ("new", "about"):
        answer = ask(server, f"{API}/r/nobody/{path}")
        assert (answer.status, answer.headers["location"]) == (302, "/subreddits/search?q=nobody")


@pytest.mark.parametrize(
    ("name", "status", "reason"), [("secret", 403, "private"), ("shut", 404, "banned"), ("grim", 403, "quarantined")]
)
def test_a_closed_subreddit_says_why(server, ask, name, status, reason):
    for path in ("new", "about"):
        answer = ask(server, f"{API}/r/{name}/{path}")
        assert (answer.status, answer.json["reason"], answer.json["error"]) == (status, reason, status)


def test_a_rate_limited_subreddit_opens_when_it_was_asked_often_enough(server, ask):
    answers = [ask(server, f"{API}/r/busy/new") for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert ask(server, f"{API}/r/always/new").headers["retry-after"].endswith("GMT")


@pytest.mark.parametrize("path", ["/r/cars/gilded", "/user/somebody", "/r/cars/comments/p1/title"])
def test_what_the_api_does_not_have_is_404_in_json(server, ask, path):
    assert ask(server, f"{API}{path}").json == {"message": "Not Found", "error": 404}


def test_the_first_page_says_what_this_is(server, ask):
    assert b"/r/Cars/new" in ask(server, f"{API}/").body


def test_reddits_own_names_are_the_api_too(server, ask):
    for host in ("www.reddit.com", "oauth.reddit.com", "localhost", f"127.0.0.1:{server.port}", "[::1]:80"):
        assert _listing(ask(server, f"http://{host}/r/cars/new?limit=1")) == ["p1"]
    assert server.api_requests["/r/cars/new"] == 5


def test_a_route_goes_before_what_the_api_would_say(maker, ask):
    maker.subreddit("cars", [])
    maker.route("oauth.reddit.com", "/r/cars/new", status=503, body="<html>busy</html>")
    with replay(maker.directory) as server:
        assert ask(server, f"{API}/r/cars/new?limit=100").status == 503
        assert ask(server, f"{API}/r/cars/hot").status == 200
