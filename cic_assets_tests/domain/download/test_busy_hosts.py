"""Hosts that are asked too fast, are slow or dead: they get and give what they can, and hold up no other."""

import time

import pytest

from cic_assets.domain.download import DownloadSettings, FetchRequest, Network, download
from cic_assets.domain.download.examine import ImageValidator
from cic_assets.domain.media import Outcome


def test_retry_after_is_waited_for_by_the_whole_host(host, fetch, picture):
    limited = host.serve("a.example/1", host.answer(429, Retry_After="1"), host.answer(200, picture()))
    others = [host.serve(f"a.example/{number}", host.answer(200, picture(), after=0.05)) for number in range(2, 12)]
    elsewhere = host.serve("b.example/1", host.answer(200, picture()))
    results = fetch(limited, *others, elsewhere, per_host=1)
    assert {result.outcome for result in results.values()} == {Outcome.OK}
    assert results[limited].attempts == 2
    assert results[limited].seconds >= 1
    assert host.asked["a.example/1"] == 2
    assert results[elsewhere].seconds < 0.9


def test_a_wait_that_is_too_long_is_no_wait(host, fetch):
    result = fetch(host.serve("a.example/x", host.answer(429, Retry_After="3600")))
    assert (result.outcome, result.attempts) == (Outcome.HTTP_ERROR, 1)
    assert result.seconds < 3


def test_who_asks_to_be_left_alone_is_whatever_it_still_answers(host, fetch, picture):
    """What was under way when it said so comes after it, while the others are still being given up."""
    urls = [f"http://a.example/{number}" for number in range(2000)]
    host.handlers["*"] = host.answer(200, picture(), after=0.02)
    host.serve("a.example/1", host.answer(429, Retry_After="60"))
    results = fetch(*urls, per_host=4)
    assert sum(host.asked.values()) == 4
    assert sum(result.outcome is Outcome.OK for result in results.values()) == 3


@pytest.mark.parametrize("retry_after", [None, pytest.param("1", marks=pytest.mark.slow)])
def test_a_host_that_allows_so_many_a_second_gives_all_it_has(host, fetch, picture, retry_after):
    """Of a hundred a second we ask for as many as we can, are told so by bare 429s, and lose nothing."""
    body, bucket = picture(), {"at": time.monotonic(), "tokens": 20.0}

    async def limited(headers, writer):
        now = time.monotonic()
        bucket["tokens"] = min(20.0, bucket["tokens"] + 100 * (now - bucket["at"])) - 1
        bucket["at"] = now
        wait = {} if retry_after is None else {"Retry_After": retry_after}
        answer = host.answer(200, body) if bucket["tokens"] >= 0 else host.answer(429, **wait)
        bucket["tokens"] = max(0.0, bucket["tokens"])
        await answer(headers, writer)

    host.handlers["*"] = limited
    results = fetch(*(f"http://a.example/{number}" for number in range(200)))
    assert {result.outcome for result in results.values()} == {Outcome.OK}
    assert sum(host.asked.values()) < 500


def test_a_host_that_lets_nothing_through_is_given_up_soon(host, fetch):
    host.handlers["*"] = host.answer(429)
    results = fetch(*(f"http://a.example/{number}" for number in range(200)), per_host=4)
    assert {result.outcome for result in results.values()} == {Outcome.HTTP_ERROR}
    assert all(result.transient for result in results.values())
    assert sum(host.asked.values()) <= 4 * 8
    assert "not asked: a.example lets nothing through (HTTP 429)" in {result.reason for result in results.values()}


def test_one_url_that_is_always_too_many_holds_up_no_other(host, fetch, picture):
    refused = host.serve("a.example/x", host.answer(429))
    others = [host.serve(f"a.example/{number}", host.answer(200, picture())) for number in range(40)]
    results = fetch(refused, *others)
    assert {results[url].outcome for url in others} == {Outcome.OK}
    assert (results[refused].outcome, results[refused].transient) == (Outcome.HTTP_ERROR, True)
    assert host.asked["a.example/x"] <= 9


def test_a_host_is_asked_no_faster_than_the_setting_says(host, fetch, picture):
    urls = [host.serve(f"a.example/{number}", host.answer(200, picture())) for number in range(20)]
    started = time.monotonic()
    assert {result.outcome for result in fetch(*urls, per_host_per_second=40.0).values()} == {Outcome.OK}
    assert time.monotonic() - started >= 19 / 40


def test_a_dead_host_is_given_up(host, fetch, picture):
    dead = [f"http://dead.example/{number}" for number in range(60)]
    for url in dead:
        host.serve(url.removeprefix("http://"), host.answer(200, after=60))
    alive = host.serve("alive.example/x", host.answer(200, picture()))
    started = time.monotonic()
    results = fetch(*dead, alive, per_host=10, host_failures=15)
    assert time.monotonic() - started < 5
    assert results[alive].outcome is Outcome.OK
    assert {results[url].outcome for url in dead} == {Outcome.TIMEOUT}
    assert 15 <= sum(host.asked.values()) - 1 < 15 + 10  # those under way when it was given up count too
    assert results[dead[-1]].reason == "not asked: dead.example failed 15 times in a row (no answer within 0.4 s)"


def test_one_slow_host_holds_up_no_other(host, store, picture):
    slow = [host.serve(f"slow.example/{n}", host.answer(200, picture(), after=0.3)) for n in range(40)]
    fast = [host.serve(f"fast.example/{n}", host.answer(200, picture())) for n in range(20)]
    ended = []
    download(
        [FetchRequest(url=url) for url in slow + fast],
        store=store,
        settings=DownloadSettings(concurrency=12, per_host=8),
        network=Network.replay("127.0.0.1", host.port),
        on_result=lambda result, _: ended.append(result.url),
    )
    assert host.most_open["slow.example"] == 8
    assert set(fast) <= set(ended[: len(fast) + 16])  # two turns of the slow host at most


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20971520\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20971520\r\nContent-Encoding: gzip\r\n\r\n",
    ],
)
def test_bodies_that_drip_hold_up_nobody(host, store, picture, head):
    """The budget has room for one body of the largest size and a little more."""
    piece = b"\xff\xd8\xff" + b"x" * 600
    slow = [host.serve(f"slow{n}.example/x", host.raw(head, *[piece] * 100, every=0.1)) for n in range(6)]
    fast = [host.serve(f"fast{n % 5}.example/{n}", host.answer(200, picture())) for n in range(100)]
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    fast += [host.serve(f"chunked.example/{n}", host.raw(chunked % (len(picture()), picture()))) for n in range(20)]
    seconds, started = {}, time.monotonic()
    results = download(
        [FetchRequest(url=url) for url in slow + fast],
        store=store,
        settings=DownloadSettings(deadline_seconds=4),
        network=Network.replay("127.0.0.1", host.port),
        on_result=lambda result, _: seconds.update({result.url: time.monotonic() - started}),
    )
    assert {results[url].outcome for url in fast} == {Outcome.OK}
    assert {results[url].outcome for url in slow} == {Outcome.TIMEOUT}
    assert max(seconds[url] for url in fast) < 3 < min(seconds[url] for url in slow)


def test_the_next_is_asked_for_while_a_picture_is_looked_into(host, store, picture, monkeypatch):
    urls = [host.serve(f"a.example/{n}", host.answer(200, picture(n))) for n in range(2)]
    keep, asked_meanwhile = ImageValidator.keep, []

    def slow_keep(validator, body, encoding=""):
        end = time.monotonic() + 5
        while sum(host.asked.values()) < len(urls) and time.monotonic() < end:
            time.sleep(0.01)
        asked_meanwhile.append(sum(host.asked.values()))
        return keep(validator, body, encoding)

    monkeypatch.setattr(ImageValidator, "keep", slow_keep)
    results = download(
        [FetchRequest(url=url) for url in urls],
        store=store,
        settings=DownloadSettings(concurrency=1, per_host=1),
        network=Network.replay("127.0.0.1", host.port),
    )
    assert asked_meanwhile == [2, 2]
    assert host.most_open["a.example"] == 1
    assert {result.outcome for result in results.values()} == {Outcome.OK}
