"""Who may ask, how often, and what stands on every answer."""

import pytest
import requests

from cic_assets.domain.models import FULL
from cic_assets.domain.prediction import Predictor
from cic_assets.web.guard import HEADERS, MOST_ADDRESSES, RateLimiter
from cic_assets.web.predict import Panel, Panels, ServeSettings
from cic_assets_tests.fixtures.predictors import SIDE, Brightness
from cic_assets_tests.fixtures.servers import served

TOKEN = "a-token-that-is-long-enough"
PATHS = ("/", "/predict", "/api/v1/predict", "/api/v1/models", "/api/v1/reviews", "/metrics", "/openapi.json", "/docs")


@pytest.fixture
def closed(make_app):
    with served(make_app(token=TOKEN)) as url:
        yield url


@pytest.mark.parametrize("path", [*PATHS, "/nothing"])
def test_without_the_token_nothing_is_told(closed, path):
    for given in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Cookie": f"cic-8000={TOKEN}"},
    ):
        for method in ("get", "post"):
            answer = requests.request(method, f"{closed}{path}", headers=given, timeout=20)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert list(answer.json()) == ["error"]


def test_what_watches_over_the_server_has_no_token(closed):
    assert requests.get(f"{closed}/health", timeout=20).json() == {"status": "up"}
    assert requests.get(f"{closed}/ready", timeout=20).json() == {"status": "ready"}


def test_a_program_shows_the_token_in_a_header(closed, grey):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert requests.post(f"{closed}/api/v1/predict", data=grey(9), headers=headers, timeout=20).status_code == 200
    # In a URL it would be kept in logs: that is for the page alone, which takes it out at once.
    assert requests.get(f"{closed}/api/v1/models?token={TOKEN}", timeout=20).status_code == 401


def test_a_browser_shows_it_once_and_then_a_cookie(closed, grey):
    browser = requests.Session()
    assert browser.get(f"{closed}/?token=wrong", timeout=20).status_code == 401
    page = browser.get(f"{closed}/?token={TOKEN}", timeout=20)
    assert page.status_code == 200
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert TOKEN not in page.text
    assert browser.get(closed, timeout=20).status_code == 200
    assert browser.post(f"{closed}/api/v1/predict", data=grey(9), timeout=20).status_code == 200
    assert "set-cookie" not in browser.get(closed, timeout=20).headers


def test_two_servers_of_one_host_know_the_same_browser(make_app):
    browser, other = requests.Session(), f"another-{TOKEN}"
    with served(make_app(token=TOKEN)) as one, served(make_app(token=other, port=8001)) as two:
        for url, token in ((one, TOKEN), (two, other)):
            assert browser.get(f"{url}/?token={token}", timeout=20).status_code == 200
        for url in (one, two):
            assert browser.get(url, timeout=20).status_code == 200


def test_nothing_in_a_header_breaks_it(closed):
    for value in ("Bearer", "Bearer ", "Bearer é".encode(), b"Bearer \xff\xfe", "x" * 5000):
        assert requests.get(closed, headers={"Authorization": value}, timeout=20).status_code == 401
    assert requests.get(closed, params={"token": "\ud800é".encode("utf-8", "replace")}, timeout=20).status_code == 401


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"host": "0.0.0.0"}, "--host 0.0.0.0: others could reach it: give a token of 16 or more characters"),
        ({"host": "::"}, "others could reach it"),
        ({"host": ""}, "others could reach it"),
        ({"host": "192.0.2.1"}, "others could reach it"),
        ({"host": "example.com"}, "others could reach it"),
        ({"host": "0.0.0.0", "token": "short"}, "token: expected 16 or more"),
        ({"token": "x" * 15}, "token: expected 16 or more"),
        ({"token": "é" * 20}, "token: expected 16 or more printable ASCII"),
        ({"host": "0.0.0.0", "token": TOKEN}, None),
        ({"host": "127.0.0.2"}, None),
        ({"host": "::1"}, None),
        ({"host": "localhost"}, None),
        ({"token": TOKEN}, None),
    ],
)
def test_it_listens_for_others_with_a_token_alone(settings, said):
    mistake = ServeSettings(**settings).mistake()
    assert (mistake is None) if said is None else said in mistake


def test_the_token_is_in_no_message():
    assert TOKEN not in repr(ServeSettings(token=TOKEN))


def test_others_are_served_at_a_rate_and_this_machine_at_any():
    def rate_of(host, rate):
        return ServeSettings.of_options(host, 1, TOKEN, workers=None, rate=rate, precision=FULL).rate

    assert [rate_of(host, None) for host in ("0.0.0.0", "::1")] == [5, 0]
    assert rate_of("0.0.0.0", 0) == 0


class Broken(Brightness):
    def probabilities(self, pictures):
        raise RuntimeError("a secret of the server")


def test_every_answer_has_the_headers_also_that_to_a_failure(make_app, make_card, grey):
    panel = Panel([Predictor(Broken(), make_card(side=SIDE))])
    with served(make_app(Panels.fixed(panel), token=TOKEN)) as server:
        shown = {"Authorization": f"Bearer {TOKEN}"}
        answers = [requests.get(f"{server}{path}", headers=shown, timeout=20) for path in (*PATHS, "/nothing")]
        answers.append(requests.get(server, timeout=20))
        answers.append(requests.get(server, headers={**shown, "Host": "evil.example"}, timeout=20))
        failed = requests.post(f"{server}/api/v1/predict", data=grey(9), headers=shown, timeout=20)
    assert (failed.status_code, failed.json()) == (500, {"error": "the server failed: its log says why"})
    for answer in (*answers, failed):
        assert {name: answer.headers[name] for name in HEADERS if name != "Content-Security-Policy"} == {
            name: value for name, value in HEADERS.items() if name != "Content-Security-Policy"
        }
        assert answer.headers["content-security-policy"].startswith(HEADERS["Content-Security-Policy"])
        assert "server" not in answer.headers or "uvicorn" in answer.headers["server"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[evil"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_may_not_ask(server, grey, headers):
    answer = requests.post(f"{server}/api/v1/predict", data=grey(9), headers=headers, timeout=20)
    assert (answer.status_code, answer.json()["error"]) == (403, "pages of other sites may not ask")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "SERVER"},
        # Behind a proxy that asks in its own name.
        {"Origin": "https://models.example.com", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_the_page_itself_may(server, grey, headers):
    headers = {name: value.replace("SERVER", server) for name, value in headers.items()}
    assert requests.post(f"{server}/api/v1/predict", data=grey(9), headers=headers, timeout=20).status_code == 200


def test_an_address_that_asks_too_often_is_told_to_wait(make_app, grey):
    with served(make_app(rate=0.2)) as server:  # a burst of two
        answers = [requests.post(f"{server}/api/v1/predict", data=grey(9), timeout=20) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 1 <= int(answers[2].headers["retry-after"]) <= 5
        assert requests.get(f"{server}/health", timeout=20).status_code == 200
        # Of whom a proxy on this machine says that it asks for another.
        other = {"X-Forwarded-For": "192.0.2.7"}
        files = [("a", (str(n), grey(9))) for n in range(6)]
        assert requests.post(f"{server}/api/v1/predict", files=files, headers=other, timeout=20).status_code == 200
        # Each picture counts.
        refused = requests.post(f"{server}/api/v1/predict", data=grey(9), headers=other, timeout=20)
        assert (refused.status_code, int(refused.headers["retry-after"]) > 15) == (429, True)


def test_tokens_are_not_tried_out(make_app):
    with served(make_app(rate=0.1, token=TOKEN)) as server:
        answers = [requests.get(f"{server}/?token={n}", timeout=20).status_code for n in range(3)]
    assert answers == [401, 429, 429]


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_bucket_fills_with_time():
    clock = Clock()
    limiter = RateLimiter(2, clock)  # a burst of 20
    assert [limiter.take("a") for _ in range(21)] == [0] * 20 + [0.5]
    clock.now = 0.5
    assert limiter.take("a") == 0
    assert limiter.take("a") == 0.5
    assert limiter.take("b") == 0
    limiter.charge("a", 10)
    assert limiter.take("a") == 5.5
    clock.now = 1000
    assert [limiter.take("a") for _ in range(21)] == [0] * 20 + [0.5]


def test_no_more_addresses_are_remembered_than_fit():
    limiter = RateLimiter(0.1)
    for number in range(MOST_ADDRESSES + 100):
        limiter.take(str(number))
    assert len(limiter._buckets) == MOST_ADDRESSES
    assert limiter.take(str(MOST_ADDRESSES)) > 0
    assert limiter.take("0") == 0


def test_addresses_of_one_household_are_one(make_app, grey):
    with served(make_app(rate=0.1)) as server:
        codes = [
            requests.get(f"{server}/api/v1/models", headers={"X-Forwarded-For": address}, timeout=20).status_code
            for address in ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1", "no address", "no address")
        ]
    assert codes == [200, 429, 200, 200, 429]
