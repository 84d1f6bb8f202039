"""Servers for clients that are not trusted to be quick."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cic_assets.web.listening import Listening
from cic_assets.web.ports import server_of, why_taken
from cic_assets_tests.fixtures.servers import free_port

HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


async def _answer(request):
    await asyncio.sleep(float(request.query_params.get("seconds", 0)))
    return PlainTextResponse("answer")


@pytest.fixture
def port(monkeypatch):
    """Of a server that waits for three seconds for the head of a request."""
    monkeypatch.setattr("cic_assets.web.ports.HEAD_SECONDS", 3.0)
    at = Listening(port=free_port())
    server = server_of(Starlette(routes=[Route("/", _answer)]), at)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield at.port
    server.should_exit = True
    thread.join(10)


def is_closed(connection, seconds=30):
    connection.settimeout(seconds)
    with contextlib.suppress(ConnectionResetError):
        return connection.recv(1000) == b""
    return True


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"", b"G", HALF])
def test_who_never_ends_a_request_is_let_go(port, said):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(said)
        assert is_closed(connection)


@pytest.mark.slow
def test_nor_does_a_letter_now_and_then_keep_a_connection(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HALF + b"X-Name: ")
        assert not keeps(connection, b"a", seconds=30)


def keeps(connection, letter, seconds):
    """Whether it takes a letter now and then for so long."""
    end = time.monotonic() + seconds
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < end:
            connection.sendall(letter)
            time.sleep(0.2)
        return True
    return False


@pytest.mark.slow
def test_nor_does_an_earlier_request(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HALF + b"\r\n")
        connection.settimeout(30)
        assert b"answer" in connection.recv(1000)
        connection.sendall(HALF)
        assert is_closed(connection)


@pytest.mark.slow
def test_who_waits_for_an_answer_or_asks_again_stays(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(30)
        connection.sendall(b"GET /?seconds=7 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"answer" in connection.recv(1000)
        for _ in range(10):
            time.sleep(0.4)
            connection.sendall(HALF + b"\r\n")
            assert b"answer" in connection.recv(1000)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [2.9, 5.9, 8.9])  # just before it is looked after
def test_who_got_an_answer_may_ask_the_next(port, seconds):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(30)
        connection.sendall(b"GET /?seconds=%.1f HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % seconds)
        assert b"answer" in connection.recv(1000)
        time.sleep(1)
        connection.sendall(HALF + b"\r\n")
        assert b"answer" in connection.recv(1000)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 99999), ("127.0.0.1", -1), ("\u00fc" * 70, 80)])
def test_what_is_no_place_is_told_in_a_line(host, port):
    assert "expected a name or an address of this machine, and a port of 0 to 65535" in why_taken(host, port)
