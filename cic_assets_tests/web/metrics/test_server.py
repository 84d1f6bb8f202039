"""The page that Prometheus reads: over HTTP, by whoever may."""

import threading
import time

import pytest
import requests

from cic_assets.web.listening import Listening
from cic_assets.web.metrics import Kept, UnreadableError, build_metrics_app
from cic_assets_tests.fixtures.servers import served

TOKEN = "a-token-that-is-long-enough"
TEXT = b"# TYPE cic_x gauge\ncic_x 1.0\n"


class Made:
    """Gives the text, and counts how often; `failure` is raised in its place."""

    def __init__(self, seconds=0.0):
        self.times, self.failure, self._seconds = 0, None, seconds

    def __call__(self):
        self.times += 1
        time.sleep(self._seconds)
        if self.failure:
            raise self.failure
        return TEXT


def get(url, **headers):
    return requests.get(f"{url}/metrics", headers=headers, timeout=60)


def test_it_is_the_text_that_was_made():
    with served(build_metrics_app(Kept(Made()), Listening())) as url:
        answer = get(url)
        assert (answer.status_code, answer.content) == (200, TEXT)
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert requests.get(f"{url}/health", timeout=60).json() == {"status": "up"}
        assert requests.post(f"{url}/metrics", timeout=60).status_code == 405
        assert requests.get(f"{url}/other", timeout=60).status_code == 404


def test_two_who_ask_at_once_cost_what_one_does():
    made = Made(seconds=0.5)
    with served(build_metrics_app(Kept(made), Listening())) as url:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(get(url).content)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [TEXT] * 8
    assert made.times == 1


def test_an_answer_is_kept_for_some_seconds():
    made, now = Made(), [0.0]
    kept = Kept(made, seconds=5, clock=lambda: now[0])
    kept.get()
    now[0] = 4.9
    kept.get()
    assert made.times == 1
    now[0] = 5.1
    kept.get()
    assert made.times == 2


def test_what_cannot_be_read_is_told_and_tried_again(caplog):
    made, now = Made(), [0.0]
    made.failure = ValueError("of a database with the password hunter2")
    with served(build_metrics_app(Kept(made, clock=lambda: now[0]), Listening())) as url:
        for _ in range(3):
            answer = get(url)
            assert answer.status_code == 503
            assert answer.json() == {"error": "the instance cannot be read: the log of this server says why"}
            assert answer.headers["retry-after"] == "5"
        assert made.times == 1
        now[0] = 10.0
        assert get(url).status_code == 503
        assert [record.levelname for record in caplog.records if "hunter2" in record.getMessage()] == ["ERROR"]
        now[0], made.failure = 20.0, None
        assert get(url).content == TEXT
        assert "can be read again" in caplog.text


def test_who_asks_while_it_takes_too_long_is_told_so():
    made = Made(seconds=1.5)
    with served(build_metrics_app(Kept(made, patience=0.2), Listening())) as url:
        assert "still being read" in get(url).json()["error"]
        assert "still being read" in get(url).json()["error"]
        time.sleep(2)
        assert get(url).content == TEXT  # of who asked first
        assert made.times == 1


def test_who_asks_seldom_gets_what_took_too_long_the_next_time():
    made = Made(seconds=0.6)
    kept = Kept(made, seconds=0.1, patience=0.2)
    for times in (1, 2):
        with pytest.raises(UnreadableError, match="ask again"):
            kept.get()
        time.sleep(1)  # it came, and is older than it may be
        assert (kept.get(), made.times) == (TEXT, times)


def test_of_many_who_ask_what_never_answers_none_waits_for_ever_and_one_is_asked():
    made = Made(seconds=3600)
    with served(build_metrics_app(Kept(made, patience=0.5), Listening())) as url:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(get(url).status_code)) for _ in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert answers == [503] * 60
        assert made.times == 1
        assert requests.get(f"{url}/health", timeout=60).status_code == 200


class TestForOthers:
    @pytest.fixture
    def url(self):
        settings = Listening(token=TOKEN, rate=0)
        with served(build_metrics_app(Kept(Made()), settings)) as url:
            yield url

    def test_the_token_is_asked_for(self, url):
        assert get(url).status_code == 401
        assert get(url, Authorization="Bearer another-one-of-such-length").status_code == 401
        assert requests.get(f"{url}/metrics?token={TOKEN}", timeout=60).status_code == 401
        assert get(url, Authorization=f"Bearer {TOKEN}").content == TEXT
        assert requests.get(f"{url}/health", timeout=60).status_code == 200

    def test_another_sites_name_leads_nowhere(self, url):
        assert get(url, Authorization=f"Bearer {TOKEN}", Host="evil.example").status_code == 400

    def test_who_asks_too_often_is_told_to_wait(self):
        made = Made()
        with served(build_metrics_app(Kept(made), Listening(token=TOKEN, rate=0.1))) as url:
            assert get(url, Authorization=f"Bearer {TOKEN}").status_code == 200
            assert get(url, Authorization=f"Bearer {TOKEN}").status_code == 429


def test_it_ends_when_there_is_a_reason_to():
    over, ended = threading.Event(), threading.Event()
    app = build_metrics_app(Kept(Made()), Listening(), is_over=over.is_set, end=ended.set)
    with served(app) as url:
        assert get(url).status_code == 200
        assert not ended.is_set()
        over.set()
        assert ended.wait(10)
