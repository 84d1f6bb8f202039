"""Connecting: whose credentials, where to, how patiently."""

import base64
import contextlib
import socket
import threading
import time

import pytest
from praw.config import Config

from cic_assets.domain.pacing import Pace
from cic_assets.domain.reddit import (
    REPLAY_CREDENTIALS,
    BadCredentialsError,
    RateLimitedError,
    RedditCredentials,
    RedditError,
    RedditSettings,
    TermsNotAcknowledgedError,
    UnexpectedAnswerError,
    UnreachableError,
    connect,
    fetch_posts,
    user_agent,
)
from cic_assets.domain.reddit.requestor import PatientRequestor
from cic_assets.web.replay import replay

ONCE = RedditSettings(attempts=1)
NEW = RedditSettings(attempts=1, listings=("new",))
TOKEN = "/api/v1/access_token"


@pytest.fixture
def fetch(maker):
    """The posts of a replayed r/cars, with some settings; and the server that was asked."""
    maker.subreddit("cars", maker.posts(2))

    def fetch(settings=ONCE, credentials=REPLAY_CREDENTIALS):
        with replay(maker.directory) as server, connect(credentials, server.endpoint, settings) as reddit:
            return fetch_posts(reddit, "cars", settings), server

    return fetch


@contextlib.contextmanager
def _server(*answers):
    """A server that sends these bytes, one after another, and keeps what it was asked; of a list a piece at a time."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            for answer in answers:
                with listener.accept()[0] as connection:
                    asked.append(connection.recv(65536).decode())
                    for piece in [answer] if isinstance(answer, bytes) else answer:
                        with contextlib.suppress(OSError):
                            connection.sendall(piece)
                        time.sleep(0 if isinstance(answer, bytes) else 0.1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        thread.join(5)


def _http(body, status="200 OK", *headers):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return (head + "".join(f"{header}\r\n" for header in headers) + "\r\n").encode() + body


def test_the_user_agent_is_what_reddit_asks_for():
    assert user_agent("somebody", platform="linux", app_version="1.2") == "linux:cic_assets:1.2 (by /u/somebody)"


@pytest.mark.parametrize("name", ["", "a b", "x" * 21, "a\r\nb"])
def test_the_user_agent_needs_an_account(name):
    with pytest.raises(BadCredentialsError, match=r"^REDDIT_USERNAME: expected the name of your Reddit account"):
        _ = RedditCredentials(client_id="id", client_secret="secret", username=name).user_agent


def test_credentials_show_no_secret():
    credentials = RedditCredentials(client_id="the-id", client_secret="the-secret", username="somebody")
    assert "the-id" not in repr(credentials)
    assert "the-secret" not in repr(credentials)


def test_an_empty_client_id_is_said():
    with pytest.raises(BadCredentialsError, match="set REDDIT_CLIENT_ID"):
        RedditCredentials(client_id=" ", client_secret="x", username="somebody")


def test_reddit_itself_needs_the_terms_to_be_acknowledged():
    with pytest.raises(TermsNotAcknowledgedError, match="terms_acknowledged: true"):
        connect(REPLAY_CREDENTIALS)
    with connect(REPLAY_CREDENTIALS, settings=RedditSettings(terms_acknowledged=True)) as reddit:
        assert reddit.config.oauth_url == "https://oauth.reddit.com"
        assert reddit.config.reddit_url == "https://www.reddit.com"


def test_reddit_itself_may_need_a_proxy_and_a_replay_has_none(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    with connect(REPLAY_CREDENTIALS, settings=RedditSettings(terms_acknowledged=True)) as live:
        assert live._session.proxies["https"] == "http://proxy.example.com:3128"
    with connect(REPLAY_CREDENTIALS, "http://127.0.0.1:1/") as replayed:
        assert replayed._session.proxies == {}
        assert replayed.config.reddit_url == "http://127.0.0.1:1"


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:8765", "file:///etc", "http://127.0.0.1:1/r/cars"])
def test_an_endpoint_is_a_server(endpoint):
    with pytest.raises(RedditError, match=r"endpoint: expected http://HOST:PORT"):
        connect(REPLAY_CREDENTIALS, endpoint)


def test_credentials_and_user_agent_are_sent():
    credentials = RedditCredentials(client_id="the-id", client_secret="the-secret", username="somebody")
    token = _http(b'{"access_token": "T0", "expires_in": 60, "scope": "*"}')
    listing = _http(b'{"kind": "Listing", "data": {"after": null, "children": []}}')
    with _server(token, listing) as (endpoint, asked), connect(credentials, endpoint, ONCE) as reddit:
        assert fetch_posts(reddit, "cars", NEW) == []
    basic = base64.b64encode(b"the-id:the-secret").decode()
    assert f"Authorization: Basic {basic}" in asked[0]
    assert "Authorization: bearer T0" in asked[1]
    assert all(f"User-Agent: {credentials.user_agent} PRAW/" in request for request in asked)


def test_an_installed_app_has_no_secret(fetch):
    posts, _ = fetch(credentials=RedditCredentials(client_id="id", client_secret=None, username="somebody"))
    assert len(posts) == 2


@pytest.fixture
def fresh_praw(monkeypatch):
    """PRAW as in a new process, which reads praw.ini at its first use."""
    monkeypatch.setattr(Config, "CONFIG", None)


@pytest.mark.usefixtures("fresh_praw")
def test_neither_praw_ini_nor_environment_decides_where_credentials_go(fetch, monkeypatch, tmp_path):
    elsewhere = "oauth_url=http://127.0.0.1:9\nreddit_url=http://127.0.0.1:9\nclient_id=stolen\npassword=x\nusername=y"
    (tmp_path / "praw.ini").write_text(f"[DEFAULT]\n{elsewhere}\n[evil]\n{elsewhere}\n")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login stolen password stolen\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("praw_site", "evil")
    for name in ("client_id", "client_secret", "refresh_token", "password", "username", "redirect_uri", "user_agent"):
        monkeypatch.setenv(f"praw_{name}", "stolen")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    posts, server = fetch()
    assert len(posts) == 2
    assert server.api_requests[TOKEN] == 1
    with connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
        assert "stolen" not in str(vars(reddit.config))
        assert reddit.config.username is None
        assert reddit.read_only


@pytest.mark.usefixtures("fresh_praw")
def test_a_broken_praw_ini_does_not_matter(fetch, monkeypatch, tmp_path):
    (tmp_path / "praw.ini").write_text("nonsense")
    monkeypatch.chdir(tmp_path)
    assert len(fetch()[0]) == 2


def test_other_users_of_praw_keep_their_praw_ini(fetch):
    before = Config.CONFIG
    fetch()
    assert Config.CONFIG is before


@pytest.mark.parametrize("form", ["1", "date"])
def test_too_many_requests_are_waited_for(maker, fetch, form):
    maker.states(cars={"status": "rate_limited", "times": 1, "retry_after": form})
    posts, server = fetch(RedditSettings(attempts=2))
    assert len(posts) == 2
    assert server.api_requests["/r/cars/new"] == 2


def test_a_token_that_fails_in_passing_is_asked_for_again(maker, fetch):
    maker.media("token.json", b'{"access_token": "T1", "expires_in": 60, "scope": "*"}')
    maker.route("www.reddit.com", TOKEN, file="token.json", fail=[429, 503], retry_after="0")
    posts, server = fetch(RedditSettings(attempts=3))
    assert len(posts) == 2
    assert server.api_requests[TOKEN] == 3


def test_too_many_requests_for_ever_end(maker, fetch):
    maker.states(cars={"status": "rate_limited", "retry_after": "0"})
    with pytest.raises(RateLimitedError, match=r"too many requests \(HTTP 429\), asked 3 times: scrape again later"):
        fetch(RedditSettings(attempts=3))


def test_a_wait_that_is_too_long_is_not_begun(maker, fetch):
    maker.states(cars={"status": "rate_limited", "retry_after": "3600"})
    start = time.monotonic()
    with pytest.raises(RateLimitedError, match=r"asks to wait 3600 s .*longest_wait \(120 s\)"):
        fetch(RedditSettings())
    assert time.monotonic() - start < 3


def test_a_failing_server_is_asked_again_and_then_said(maker, fetch):
    maker.route("oauth.reddit.com", "/r/cars/new", status=502, body="<html>")
    with pytest.raises(UnreachableError, match=r"fails \(HTTP 502\), asked 2 times") as error:
        fetch(RedditSettings(attempts=2))
    assert error.value.passing


def test_nobody_there_is_said():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with connect(REPLAY_CREDENTIALS, endpoint, ONCE) as reddit, pytest.raises(UnreachableError) as error:
        fetch_posts(reddit, "cars", ONCE)
    assert str(error.value) == f"Reddit ({endpoint}) gives no answer: no connection, asked once; check the network"


def test_silence_ends_after_the_timeout(maker, fetch):
    maker.route("oauth.reddit.com", "/r/cars/new", status=200, delay=30)
    with pytest.raises(UnreachableError, match=r"not within 0.3 s, asked once"):
        fetch(RedditSettings(attempts=1, timeout=0.3))


def test_an_answer_that_trickles_ends_after_the_timeout_too(maker, fetch):
    maker.route("oauth.reddit.com", "/r/cars/new", drip=50)
    start = time.monotonic()
    with pytest.raises(UnreachableError, match=r"not within 0.5 s"):
        fetch(RedditSettings(attempts=1, timeout=0.5))
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_byte_a_moment_ends_after_the_timeout_too(head):
    """Of a body whose length is known, and of headers: the socket is never silent for long."""
    settings = RedditSettings(attempts=1, timeout=0.5)
    with _server([head, *[b" "] * 30]) as (endpoint, _), connect(REPLAY_CREDENTIALS, endpoint, settings) as reddit:
        start = time.monotonic()
        with pytest.raises(UnreachableError, match=r"not within 0.5 s"):
            fetch_posts(reddit, "cars", settings)
        assert time.monotonic() - start < 2


TOKEN_ANSWER = _http(b'{"access_token": "T0", "expires_in": 60, "scope": "*"}')
EMPTY_LISTING = b'{"kind": "Listing", "data": {"after": null, "children": []}}'


@pytest.mark.parametrize("reset", ["1", "30"])
def test_no_more_requests_are_waited_for_but_no_longer_than_the_setting_says(reset):
    """Reddit answers well and says in headers that it takes no more; prawcore would sleep, however long."""
    used_up = ["X-Ratelimit-Remaining: 0.0", "X-Ratelimit-Used: 1000", f"X-Ratelimit-Reset: {reset}"]
    settings = RedditSettings(attempts=1, longest_wait=2, listings=("hot", "rising"))
    answers = TOKEN_ANSWER, _http(EMPTY_LISTING, "200 OK", *used_up), _http(EMPTY_LISTING)
    with contextlib.ExitStack() as stack:
        endpoint, asked = stack.enter_context(_server(*answers[: 3 if reset == "1" else 2]))
        reddit = stack.enter_context(connect(REPLAY_CREDENTIALS, endpoint, settings))
        start = time.monotonic()
        if reset == "1":
            assert fetch_posts(reddit, "cars", settings) == []
            assert (len(asked), time.monotonic() - start >= 1) == (3, True)
        else:
            with pytest.raises(RateLimitedError, match=r"no more requests for 30 s, more than longest_wait \(2 s\)"):
                fetch_posts(reddit, "cars", settings)
            assert time.monotonic() - start < 1


@pytest.mark.parametrize("remaining", ["1.0", "599", "", "few"])
def test_as_long_as_reddit_takes_requests_none_waits(remaining):
    headers = [f"X-Ratelimit-Remaining: {remaining}", "X-Ratelimit-Used: 1", "X-Ratelimit-Reset: 500"]
    answers = TOKEN_ANSWER, *[_http(EMPTY_LISTING, "200 OK", *headers)] * 2
    settings = RedditSettings(attempts=1, listings=("hot", "rising"))
    start = time.monotonic()
    with _server(*answers) as (endpoint, _), connect(REPLAY_CREDENTIALS, endpoint, settings) as reddit:
        assert fetch_posts(reddit, "cars", settings) == []
    assert time.monotonic() - start < 2


def test_an_endless_answer_is_not_kept(maker, fetch):
    maker.route("oauth.reddit.com", "/r/cars/new", endless=True)
    with pytest.raises(UnexpectedAnswerError, match="more than 64 MiB in one answer"):
        fetch(ONCE)


def test_a_token_that_ran_out_is_renewed(maker, fetch):
    listing = b'{"kind": "Listing", "data": {"after": null, "children": []}}'
    maker.media("listing.json", listing)
    maker.route("oauth.reddit.com", "/r/cars/new", file="listing.json", fail=[401])
    posts, server = fetch(NEW)
    assert posts == []
    assert server.api_requests[TOKEN] == 2


@pytest.mark.parametrize(
    "headers",
    [
        ["WWW-Authenticate: Basic"],
        ['WWW-Authenticate: Bearer realm="reddit", error="strange"'],
        ["X-Ratelimit-Remaining: many", "X-Ratelimit-Used: few", "X-Ratelimit-Reset: soon"],
        ["X-Ratelimit-Remaining: 5"],
    ],
)
def test_headers_that_prawcore_cannot_read_do_no_harm(headers):
    token = _http(b'{"access_token": "T0", "expires_in": 60, "scope": "*"}')
    listing = _http(b'{"kind": "Listing", "data": {"after": null, "children": []}}', "200 OK", *headers)
    with _server(token, listing) as (endpoint, _), connect(REPLAY_CREDENTIALS, endpoint, NEW) as reddit:
        assert fetch_posts(reddit, "cars", NEW) == []


def test_every_request_waits_its_turn(maker, tmp_path):
    maker.subreddit("cars", [])
    with replay(maker.directory) as server:
        requestor = PatientRequestor(
            pace=Pace(2, tmp_path / "ledger", window=0.4),
            settings=ONCE,
            oauth_url=server.endpoint,
            user_agent="tests of the pace",
        )
        start = time.monotonic()
        for _ in range(5):
            assert requestor.request("GET", f"{server.endpoint}/r/cars/new").status_code == 200
        assert time.monotonic() - start >= 0.8
        requestor.close()


def test_reddit_itself_is_asked_at_its_pace_and_a_replay_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = RedditSettings(terms_acknowledged=True)
    with connect(REPLAY_CREDENTIALS, "http://127.0.0.1:1", settings) as replayed:
        assert replayed._core.requestor._pace is None
    with connect(REPLAY_CREDENTIALS, settings=settings) as live:
        assert live._core.requestor._pace._per_window == 100
