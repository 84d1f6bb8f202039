"""The linked hosts: every behaviour that a route can have, as a client sees it on the wire."""

import contextlib
import http.client
import logging
import socket
import time
from email.utils import formatdate, parsedate_to_datetime

import pytest

from cic_assets.web.replay import replay

JPEG = bytes.fromhex("ffd8ff") + bytes(range(256)) * 40
URL = "http://i.redd.it/a.jpg"


@pytest.fixture
def replayed(maker):
    """A server whose http://i.redd.it/a.jpg answers as the arguments say."""
    maker.media("a.jpg", JPEG)
    with contextlib.ExitStack() as stack:

        def start(**answer):
            maker.route("i.redd.it", "/a.jpg", **answer)
            return stack.enter_context(replay(maker.directory))

        yield start


@contextlib.contextmanager
def _raw(server, path="/a.jpg"):
    """A connection on which a.jpg was asked for."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: i.redd.it\r\n\r\n".encode())
        yield connection


def _read_to_the_end(connection):
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_file_with_the_type_of_its_name(replayed, ask):
    answer = ask(replayed(file="a.jpg"), URL)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, JPEG, "image/jpeg")
    assert answer.headers["content-length"] == str(len(JPEG))


def test_a_file_with_another_type(replayed, ask):
    assert ask(replayed(file="a.jpg", type="text/html"), URL).headers["content-type"] == "text/html"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.png", "image/png"), ("a.webp", "image/webp"), ("a.gif", "image/gif"), ("a", "application/octet-stream")],
)
def test_types_are_guessed_from_names(maker, ask, name, kind):
    maker.media(name, b"x")
    maker.route("i.redd.it", "/x", file=name)
    with replay(maker.directory) as server:
        assert ask(server, "http://i.redd.it/x").headers["content-type"] == kind


def test_a_status_and_a_text(replayed, ask):
    answer = ask(replayed(status=410, body="gone", type="text/html"), URL)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (410, b"gone", "text/html")


def test_an_empty_body(replayed, ask):
    answer = ask(replayed(status=200, body="", type="image/jpeg"), URL)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


def test_what_has_no_route_is_404(replayed, ask):
    server = replayed(file="a.jpg")
    assert ask(server, "http://i.redd.it/A.jpg").status == 404
    assert ask(server, "http://example.com/a.jpg").status == 404


def test_a_query_is_matched_with_its_case(replayed, ask):
    server = replayed(file="a.jpg", query="itok=aBc")
    assert ask(server, f"{URL}?itok=aBc").status == 200
    assert ask(server, f"{URL}?itok=abc").status == 404
    assert ask(server, URL).status == 404


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("/a%20b.jpg", "/a%20b.jpg", 200),
        ("/a b.jpg", "/a%20b.jpg", 200),
        ("/%7Ea.jpg", "/~a.jpg", 200),
        ("/%2541.jpg", "/%2541.jpg", 200),
        ("/%2541.jpg", "/A.jpg", 404),
        ("/ü.jpg", "/%C3%BC.jpg", 200),
    ],
)
def test_escapes_in_paths_count_as_what_they_stand_for(maker, ask, path, asked, status):
    maker.route("i.redd.it", path, status=200)
    with replay(maker.directory) as server:
        assert ask(server, f"http://i.redd.it{asked}").status == status
        assert server.requests == {f"http://i.redd.it{asked}": 1}


def test_a_redirect(replayed, ask):
    answer = ask(replayed(redirect="http://i.imgur.com/removed.png"), URL)
    assert (answer.status, answer.headers["location"]) == (302, "http://i.imgur.com/removed.png")


def test_a_redirect_to_itself_keeps_the_query(replayed, ask):
    assert ask(replayed(redirect="self"), f"{URL}?a=1").headers["location"] == f"{URL}?a=1"


def test_failures_come_first_then_the_file(replayed, ask):
    server = replayed(file="a.jpg", fail=[500, 429], retry_after="1")
    answers = [ask(server, URL) for _ in range(4)]
    assert [answer.status for answer in answers] == [500, 429, 200, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["1", "1", None, None]


def test_retry_after_may_be_a_date_one_second_ahead(replayed, ask):
    answer = ask(replayed(file="a.jpg", fail=[429], retry_after="date"), URL)
    ahead = parsedate_to_datetime(answer.headers["retry-after"]) - parsedate_to_datetime(formatdate(usegmt=True))
    assert 0 <= ahead.total_seconds() <= 1


def test_no_length_is_a_connection_that_just_closes(replayed):
    with _raw(replayed(file="a.jpg", no_length=True)) as connection:
        head, _, body = _read_to_the_end(connection).partition(b"\r\n\r\n")
    assert body == JPEG
    assert b"content-length" not in head.lower()
    assert b"transfer-encoding" not in head.lower()


def test_claim_length_is_more_than_what_comes(replayed, ask, caplog):
    server = replayed(file="a.jpg", claim_length=len(JPEG) + 100)
    with caplog.at_level(logging.DEBUG), pytest.raises(http.client.IncompleteRead) as error:
        ask(server, URL)
    assert error.value.partial == JPEG
    assert error.value.expected == 100
    assert not [record for record in caplog.records if record.exc_info]


def test_the_server_goes_on_after_answers_that_break_the_rules(replayed, ask, maker):
    maker.route("i.redd.it", "/good.jpg", file="a.jpg")
    server = replayed(file="a.jpg", no_length=True)
    for _ in range(3):
        assert ask(server, URL).body == JPEG
        assert ask(server, "http://i.redd.it/good.jpg").body == JPEG


def test_an_endless_body_goes_on_until_the_client_has_enough(replayed):
    server = replayed(endless=True, type="image/jpeg")
    with _raw(server) as connection:
        got = b""
        while len(got) < 3_000_000:
            got += connection.recv(65536)
    assert got.partition(b"\r\n\r\n")[2].split(b"\r\n")[1].startswith(bytes.fromhex("ffd8ff"))
    sent = server.sent[URL]
    time.sleep(0.2)
    # Buffers hold some; nothing is made after the client has gone.
    assert server.sent[URL] == sent or server.sent[URL] - sent < 10_000_000
    settled = server.sent[URL]
    time.sleep(0.1)
    assert server.sent[URL] == settled


def test_a_delay_is_silence_before_the_first_byte(replayed, ask):
    server = replayed(file="a.jpg", delay=0.3)
    start = time.monotonic()
    assert ask(server, URL).body == JPEG
    assert time.monotonic() - start >= 0.3


def test_a_drip_is_so_many_bytes_a_second(replayed):
    with _raw(replayed(drip=20)) as connection:
        start = time.monotonic()
        got = b""
        while len(got.partition(b"\r\n\r\n")[2]) < 40:
            got += connection.recv(65536)
        # Two bytes each tenth of a second, in chunks of seven bytes.
        assert 0.3 < time.monotonic() - start < 2


def test_a_file_may_drip_to_its_end(replayed, ask):
    server = replayed(file="a.jpg", drip=len(JPEG) * 5)
    start = time.monotonic()
    assert ask(server, URL).body == JPEG
    assert 0.1 < time.monotonic() - start < 2


@pytest.mark.parametrize("answer", [{"delay": 60}, {"drip": 1}, {"endless": True}])
def test_stopping_waits_for_no_answer(maker, answer):
    maker.route("i.redd.it", "/a.jpg", **answer)
    with contextlib.ExitStack() as client:
        with replay(maker.directory) as server:
            connection = client.enter_context(_raw(server))
            while not server.requests[URL]:
                time.sleep(0.01)
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 2
        with contextlib.suppress(ConnectionResetError):
            _read_to_the_end(connection)


def test_unchanged_content_is_not_sent_again(replayed, ask):
    server = replayed(file="a.jpg")
    first = ask(server, URL)
    for known in (
        {"If-None-Match": first.headers["etag"]},
        {"If-None-Match": f'"other", W/{first.headers["etag"]}'},
        {"If-Modified-Since": first.headers["last-modified"]},
    ):
        again = ask(server, URL, known)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert server.sent[URL] == len(JPEG)


def test_changed_content_is_sent(replayed, ask, maker):
    server = replayed(file="a.jpg")
    first = ask(server, URL)
    maker.media("a.jpg", b"new")
    # The ETag is worth more than the date, which may still be the same second.
    again = ask(
        server, URL, {"If-None-Match": first.headers["etag"], "If-Modified-Since": first.headers["last-modified"]}
    )
    assert (again.status, again.body) == (200, b"new")
    assert ask(server, URL, {"If-Modified-Since": "nonsense"}).status == 200


def test_a_file_that_went_away_is_404(replayed, ask, maker):
    server = replayed(file="a.jpg")
    (maker.directory / "media" / "a.jpg").unlink()
    assert ask(server, URL).status == 404


@pytest.mark.parametrize("answer", [{"file": "a.jpg"}, {"endless": True}, {"file": "a.jpg", "no_length": True}])
def test_head_has_no_body(replayed, ask, answer):
    assert ask(replayed(**answer), URL, method="HEAD").body == b""


def test_head_of_an_endless_body_ends(replayed):
    server = replayed(endless=True)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)) as connection:
        for path, status in (("/a.jpg", 200), ("/none.jpg", 404)):
            connection.request("HEAD", path, headers={"Host": "i.redd.it"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (status, b"")
