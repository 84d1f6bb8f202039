"""Every way in which a host can answer ends in its outcome, over real connections."""

import gzip
import time

import pytest
from pydantic import ValidationError

from cic_assets.domain.download import Download, DownloadSettings, FetchRequest, Network, download
from cic_assets.domain.download.placeholders import REMOVED_MD5
from cic_assets.domain.media import Outcome
from cic_assets.storage import sha256_hex

from .conftest import IMPATIENT

JPEG = "image/jpeg"


def test_a_picture_is_kept_and_described(host, store, fetch, picture):
    data = picture(size=(200, 150))
    url = host.serve(
        "a.example/x.jpg", host.answer(200, data, ETag='"1"', Last_Modified="Sun, 22 Nov 2026 10:00:00 GMT")
    )
    result = fetch(url)
    assert result == Download(
        url=url,
        outcome=Outcome.OK,
        sha256=sha256_hex(data),
        format="jpeg",
        width=200,
        height=150,
        bytes=len(data),
        final_url=url,
        etag='"1"',
        last_modified="Sun, 22 Nov 2026 10:00:00 GMT",
        attempts=1,
        seconds=result.seconds,
    )
    assert store.get(result.sha256, "jpeg") == data
    assert 0 < result.seconds < 3


@pytest.mark.parametrize("image_format", ["jpeg", "png", "gif", "webp", "bmp", "tiff"])
def test_the_bytes_decide_on_the_format(host, fetch, picture, image_format):
    url = host.serve("a.example/x.jpg", host.answer(200, picture(image_format=image_format), Content_Type="text/plain"))
    assert fetch(url).format == image_format


def test_case_and_query_arrive_as_given(host, fetch, picture):
    key = "a.example/Sites/IMG_1.JPG?itok=YvE6AErL&s=a%2Fb%20c+d"
    assert fetch(host.serve(key, host.answer(200, picture()))).outcome is Outcome.OK
    assert host.asked == {key: 1}


def test_who_asks_and_for_what(host, fetch, picture):
    fetch(host.serve("a.example/x", host.answer(200, picture())))
    headers = host.headers["a.example/x"]
    assert headers["accept"] == "image/*"
    assert headers["user-agent"].endswith(":cic_assets:0.1.0")
    assert headers["accept-encoding"] == "identity"


HTML = b"<!DOCTYPE html><html><body>gone</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason"),
    [
        (404, HTML, Outcome.HTTP_ERROR, "HTTP 404"),
        (410, b"", Outcome.HTTP_ERROR, "HTTP 410"),
        (403, b"", Outcome.HTTP_ERROR, "HTTP 403"),
        (204, b"", Outcome.HTTP_ERROR, "HTTP 204"),
        (304, b"", Outcome.HTTP_ERROR, "HTTP 304"),
        (302, b"", Outcome.HTTP_ERROR, "HTTP 302"),
        (200, b"", Outcome.EMPTY, "no bytes"),
        (200, HTML, Outcome.NOT_AN_IMAGE, "an HTML page"),
    ],
)
def test_answers_without_a_picture(host, fetch, status, body, outcome, reason):
    result = fetch(host.serve("a.example/x.jpg", host.answer(status, body, Content_Type=JPEG)))
    assert (result.outcome, result.reason, result.sha256, result.attempts) == (outcome, reason, None, 1)


def test_sizes_outside_the_limits(host, fetch, picture):
    small = host.serve("a.example/small", host.answer(200, picture(size=(99, 300))))
    limits = IMPATIENT.limits.model_copy(update={"max_pixels": 10_000})
    large = host.serve("a.example/large", host.answer(200, picture(size=(101, 100))))
    assert fetch(small).outcome is Outcome.TOO_SMALL
    assert fetch(large, limits=limits).outcome is Outcome.TOO_LARGE


def test_a_host_that_never_answers(host, fetch):
    started = time.monotonic()
    result = fetch(host.serve("a.example/x", host.answer(200, after=60)))
    assert (result.outcome, result.reason) == (Outcome.TIMEOUT, "no answer within 0.4 s")
    assert time.monotonic() - started < 3


def test_a_body_that_drips(host, fetch, picture):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"
    result = fetch(host.serve("a.example/x", host.raw(head, *[b"x"] * 100, every=0.05)))
    assert result.outcome is Outcome.TIMEOUT
    assert result.reason.startswith("too slow: ")
    assert result.seconds < 3


def test_a_body_that_stops(host, fetch, picture):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"
    result = fetch(host.serve("a.example/x", host.raw(head, picture()[:500], close=False)))
    assert result.outcome is Outcome.TIMEOUT
    assert result.seconds < 3


def test_a_body_that_is_fast_enough_but_never_whole(host, fetch):
    pieces = [b"x" * 500] * 200
    result = fetch(
        host.serve("a.example/x", host.raw(b"HTTP/1.1 200 OK\r\n\r\n", *pieces, every=0.02)),
        deadline_seconds=0.8,
        max_bytes=200_000,
    )
    assert (result.outcome, result.reason) == (Outcome.TIMEOUT, "not whole within 0.8 s")
    assert result.seconds < 3


def test_an_endless_body_is_left(host, fetch):
    url = host.serve("a.example/x", host.endless(b"HTTP/1.1 200 OK\r\n\r\n\xff\xd8\xff", b"\0" * 5000))
    assert fetch(url).outcome is Outcome.TOO_LARGE


def test_a_long_body_is_not_even_begun(host, fetch):
    url = host.serve("a.example/x", host.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 60001\r\n\r\n", close=False))
    result = fetch(url)
    assert (result.outcome, result.reason) == (Outcome.TOO_LARGE, "60001 bytes announced, more than 60000")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
    ],
)
def test_a_body_cut_short(host, fetch, picture, head):
    result = fetch(host.serve("a.example/x", host.raw(head, picture()[:1500])))
    assert result.outcome is Outcome.TRUNCATED


def test_a_cut_by_accident_is_asked_for_again(host, fetch, picture):
    data = picture()
    cut = host.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data), data[:900])
    result = fetch(host.serve("a.example/x", cut, host.answer(200, data)))
    assert (result.outcome, result.attempts) == (Outcome.OK, 2)


def test_failures_that_pass(host, fetch, picture):
    url = host.serve("a.example/x", host.answer(500), host.raw(), host.answer(503), host.answer(200, picture()))
    result = fetch(url)
    assert result.outcome is Outcome.OK
    assert host.asked["a.example/x"] == 4


def test_failures_that_stay(host, fetch):
    result = fetch(host.serve("a.example/x", host.answer(502)), retries=2)
    assert (result.outcome, result.reason, result.attempts) == (Outcome.HTTP_ERROR, "HTTP 502", 3)


def test_redirects_are_followed(host, fetch, picture):
    url = host.serve("a.example/1", host.answer(302, Location="/2?A=b"))
    host.serve("a.example/2?A=b", host.answer(307, Location="https://B.example/3"))
    host.serve("b.example/3", host.answer(200, picture()))
    result = fetch(url)
    assert (result.outcome, result.final_url, result.attempts) == (Outcome.OK, "https://b.example/3", 3)


@pytest.mark.parametrize("location", ["http://a.example/1", "", "#top", "http://A.EXAMPLE:80/1"])
def test_redirect_loops(host, fetch, location):
    result = fetch(host.serve("a.example/1", host.answer(301, Location=location)))
    assert (result.outcome, result.reason, result.attempts) == (Outcome.ERROR, "redirect loop", 1)


def test_redirects_without_end(host, fetch):
    for number in range(20):
        host.serve(f"a.example/{number}", host.answer(302, Location=f"/{number + 1}"))
    result = fetch("http://a.example/0", max_redirects=4)
    assert (result.outcome, result.reason, result.attempts) == (Outcome.ERROR, "more than 4 redirects", 5)


def test_placeholders_by_redirect(host, fetch, picture):
    url = host.serve("i.imgur.com/abc.jpg", host.answer(302, Location="https://i.imgur.com/removed.png"))
    result = fetch(url)
    assert (result.outcome, result.attempts) == (Outcome.PLACEHOLDER, 1)


def test_placeholders_by_their_bytes(host, fetch, picture, monkeypatch):
    import hashlib

    known, marked = picture(1), picture(2)
    monkeypatch.setitem(REMOVED_MD5, hashlib.md5(known).hexdigest(), "a host")
    first = host.serve("a.example/1", host.answer(200, known))
    second = host.serve("a.example/2", host.answer(200, marked))
    results = fetch(first, second, placeholders=frozenset({sha256_hex(marked)}))
    assert {result.outcome for result in results.values()} == {Outcome.PLACEHOLDER}
    assert results[first].reason == "a host's picture for removed ones"


@pytest.mark.parametrize(
    ("header", "outcome"),
    [
        ("noai", Outcome.SKIPPED),
        ("noarchive, NoImageAI", Outcome.SKIPPED),
        ("cic_assets: noindex", Outcome.SKIPPED),
        ("otherbot: noai", Outcome.OK),
        ("noarchive", Outcome.OK),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST", Outcome.OK),
    ],
)
def test_x_robots_tag(host, fetch, picture, header, outcome):
    url = host.serve("a.example/x", host.answer(200, picture(), X_Robots_Tag=header))
    assert fetch(url).outcome is outcome
    assert fetch(url, robots_directives=frozenset()).outcome is Outcome.OK


def test_what_robots_may_not_have_is_not_read(host, fetch):
    head = b"HTTP/1.1 200 OK\r\nX-Robots-Tag: noai\r\nContent-Length: 1000\r\n\r\n"
    result = fetch(host.serve("a.example/x", host.raw(head, close=False)))
    assert (result.outcome, result.reason) == (Outcome.SKIPPED, "X-Robots-Tag: noai")


def test_a_body_packed_without_being_asked(host, fetch, picture):
    data = picture()
    packed = host.serve("a.example/1", host.answer(200, gzip.compress(data), Content_Encoding="gzip"))
    bomb = host.serve("a.example/2", host.answer(200, gzip.compress(bytes(10**7)), Content_Encoding="gzip"))
    cut = host.serve("a.example/3", host.answer(200, gzip.compress(data)[:-30], Content_Encoding="gzip"))
    foreign = host.serve("a.example/4", host.answer(200, data, Content_Encoding="br"))
    lying = host.serve("a.example/5", host.answer(200, data, Content_Encoding="gzip"))
    results = fetch(packed, bomb, cut, foreign, lying)
    assert results[packed].sha256 == sha256_hex(data)
    assert [results[url].outcome for url in (bomb, cut, foreign, lying)] == [
        Outcome.TOO_LARGE,
        Outcome.TRUNCATED,
        Outcome.NOT_AN_IMAGE,
        Outcome.NOT_AN_IMAGE,
    ]


def test_what_is_no_http(host, fetch):
    result = fetch(host.serve("a.example/x", host.raw(b"SSH-2.0-OpenSSH_9.9\r\n")))
    assert result.outcome is Outcome.ERROR
    assert result.reason.startswith("not an answer of HTTP: ")


def test_headers_without_end(host, fetch):
    url = host.serve("a.example/x", host.endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 5000))
    assert fetch(url).outcome is Outcome.ERROR


def test_nobody_listens(store):
    result = download(
        [FetchRequest(url="http://a.example/x")],
        store=store,
        settings=IMPATIENT,
        network=Network.replay("127.0.0.1", 1),
    )["http://a.example/x"]
    assert result.outcome is Outcome.ERROR
    assert result.reason.startswith("no connection to a.example")
    assert result.attempts == 4


def test_the_fallback_is_tried_and_said(host, store, fetch, picture):
    host.serve("b.example/x", host.answer(200, picture()))
    refused = host.serve("a.example/x", host.answer(403))
    result = fetch(FetchRequest(url=refused, fallback_url="http://b.example/x"))
    assert (result.outcome, result.used_fallback, result.attempts) == (Outcome.OK, True, 2)
    assert result.reason == "from the fallback; source: HTTP 403"
    assert (result.url, result.final_url) == (refused, "http://b.example/x")


def test_when_the_fallback_fails_too_the_source_counts(host, fetch):
    gone = host.serve("a.example/x", host.answer(403))
    result = fetch(FetchRequest(url=gone, fallback_url="http://b.example/x"))
    assert (result.outcome, result.used_fallback) == (Outcome.HTTP_ERROR, False)
    assert result.reason == "HTTP 403; fallback: HTTP 404"


def test_no_fallback_for_what_was_removed_or_refused(host, fetch, picture):
    host.serve("b.example/x", host.answer(200, picture()))
    removed = host.serve("a.example/1", host.answer(302, Location="https://i.imgur.com/removed.png"))
    refused = host.serve("a.example/2", host.answer(200, picture(), X_Robots_Tag="noai"))
    results = fetch(*(FetchRequest(url=url, fallback_url="http://b.example/x") for url in (removed, refused)))
    assert [result.outcome for result in results.values()] == [Outcome.PLACEHOLDER, Outcome.SKIPPED]
    assert host.asked["b.example/x"] == 0


@pytest.mark.parametrize("status", [404, 410, 451])
def test_no_fallback_where_the_host_says_that_there_is_no_picture(host, fetch, picture, status):
    host.serve("b.example/x", host.answer(200, picture()))
    gone = host.serve("a.example/x", host.answer(status))
    result = fetch(FetchRequest(url=gone, fallback_url="http://b.example/x"))
    assert (result.outcome, result.reason) == (Outcome.HTTP_ERROR, f"HTTP {status}")
    assert host.asked["b.example/x"] == 0


def test_of_a_page_that_shows_one_picture_the_picture_is_asked(host, fetch, picture):
    page, shown = "http://imgur.example/ID", host.serve("i.imgur.example/ID.jpg", host.answer(200, picture()))
    result = fetch(FetchRequest(url=page, asked_url=shown))
    assert (result.url, result.final_url, result.outcome) == (page, shown, Outcome.OK)
    assert host.asked == {"i.imgur.example/ID.jpg": 1}


def test_each_url_is_asked_once(host, fetch, picture):
    url = host.serve("a.example/x", host.answer(200, picture()))
    assert len(fetch(*[url] * 5)) == 1
    assert host.asked["a.example/x"] == 1


def test_of_several_requests_for_one_url_the_first_fallback_counts(host, fetch, picture):
    gone = host.serve("a.example/x", host.answer(403))
    host.serve("b.example/x", host.answer(200, picture()))
    plain, first = FetchRequest(url=gone), FetchRequest(url=gone, fallback_url="http://b.example/x")
    results = fetch(plain, first, FetchRequest(url=gone, fallback_url="http://c.example/x"))
    assert results[gone].final_url == "http://b.example/x"


def test_what_is_known_is_not_asked(host, store, picture):
    known = Download(url="http://a.example/x", outcome=Outcome.TOO_SMALL)
    fresh = host.serve("a.example/y", host.answer(200, picture()))
    results = download(
        [FetchRequest(url=url) for url in (fresh, known.url)],
        store=store,
        network=Network.replay("127.0.0.1", host.port),
        known={known.url: known},
    )
    assert list(results) == [fresh, known.url]
    assert results[known.url] is known
    assert host.asked == {"a.example/y": 1}


def test_progress_and_results_as_they_come(host, store, picture):
    urls = [host.serve(f"a.example/{n}", host.answer(200, picture(n))) for n in range(3)] + ["ftp://a.example/x"]
    seen = []
    download(
        [FetchRequest(url=url) for url in urls],
        store=store,
        network=Network.replay("127.0.0.1", host.port),
        on_result=lambda result, progress: seen.append((result.url, progress.done, str(progress))),
    )
    assert {url for url, _, _ in seen} == set(urls)
    assert [done for _, done, _ in seen] == [1, 2, 3, 4]
    assert seen[-1][2].startswith("4 of 4 URLs, ")
    assert "(ok 3, blocked 1)" in seen[-1][2]


def test_a_store_that_cannot_be_written_ends_the_run(host, tmp_path, picture):
    from upath import UPath

    from cic_assets.storage import ContentStore

    (tmp_path / "file").write_text("in the way")
    url = host.serve("a.example/x", host.answer(200, picture()))
    with pytest.raises(NotADirectoryError):
        download(
            [FetchRequest(url=url)],
            store=ContentStore(UPath(tmp_path / "file")),
            network=Network.replay("127.0.0.1", host.port),
        )


def test_a_caller_that_raises_ends_the_run(host, store, picture):
    def stop(_result, _progress):
        raise KeyError("enough")

    url = host.serve("a.example/x", host.answer(200, picture()))
    network = Network.replay("127.0.0.1", host.port)
    with pytest.raises(KeyError, match="enough"):
        download([FetchRequest(url=url)], store=store, network=network, on_result=stop)


def test_headers_and_reasons_can_be_kept_in_a_table(host, fetch, picture):
    """Bytes that are no UTF-8 come as lone surrogates, which no file format takes."""
    head = b'HTTP/1.1 200 OK\r\nETag: "\xff\xfe"\r\nLast-Modified: ' + b"x" * 5000 + b"\r\n\r\n"
    odd = host.serve("a.example/1", host.raw(head, picture()))
    elsewhere = host.serve("a.example/2", host.raw(b"HTTP/1.1 302 F\r\nLocation: http://[fe80::1%\xff\x1b]/\r\n\r\n"))
    results = fetch(odd, elsewhere)
    assert (results[odd].outcome, results[odd].etag, results[odd].last_modified) == (Outcome.OK, None, None)
    assert results[elsewhere].outcome in {Outcome.BLOCKED, Outcome.ERROR}
    assert results[elsewhere].reason.isprintable()


def test_nothing_to_fetch(store):
    assert download([], store=store) == {}


def test_settings_are_checked():
    with pytest.raises(ValidationError, match="max_bytes_in_flight"):
        DownloadSettings(max_bytes=10_000, max_bytes_in_flight=9_000)
    with pytest.raises(ValidationError, match="user_agent"):
        DownloadSettings(user_agent="x\r\nHost: y")
