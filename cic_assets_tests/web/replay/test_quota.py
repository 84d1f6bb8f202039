"""How often the replayed API lets itself be asked, by a clock that the test turns."""

import pytest

from cic_assets.domain.reddit import REPLAY_CREDENTIALS, RateLimitedError, RedditSettings, connect, fetch_posts
from cic_assets.web.replay import quota as quotas
from cic_assets.web.replay import replay
from cic_assets.web.replay.quota import REQUESTS, WINDOW_SECONDS, Quota


def test_a_window_has_so_many_requests_and_the_next_as_many():
    now = 0.0
    quota = Quota(lambda: now)
    assert all(quota.take() for _ in range(REQUESTS))
    now = WINDOW_SECONDS / 2
    assert not quota.take()
    assert dict(quota.headers) == {
        b"x-ratelimit-used": b"1000",
        b"x-ratelimit-remaining": b"0.0",
        b"x-ratelimit-reset": b"300",
    }
    now = WINDOW_SECONDS
    assert quota.take()
    assert dict(quota.headers)[b"x-ratelimit-remaining"] == b"999.0"


def test_our_client_stops_before_it_is_refused(maker, monkeypatch):
    monkeypatch.setattr(quotas, "REQUESTS", 3)
    maker.subreddit("cars", maker.posts(250))
    settings = RedditSettings(attempts=1, listings=("new",))
    with replay(maker.directory) as server, connect(REPLAY_CREDENTIALS, server.endpoint, settings) as reddit:
        with pytest.raises(RateLimitedError, match=r"takes no more requests for \d+ s"):
            fetch_posts(reddit, "cars", settings)
        assert server.api_requests.total() == 3  # a token and two pages
