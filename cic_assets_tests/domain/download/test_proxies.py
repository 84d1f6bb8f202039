"""Pictures by a proxy that tunnels: what is checked without one is checked with it."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from cic_assets.domain.download import DownloadSettings, FetchError, FetchRequest, Network, download
from cic_assets.domain.download.proxies import Proxy
from cic_assets.domain.download.resolvers import ProxyResolver

from .test_tls import certificate  # noqa: F401 - a fixture

PUBLIC = "93.184.216.34"

RUN = """
import json, socket, sys, tempfile
from upath import UPath
from cic_assets.domain.download import DownloadSettings, FetchRequest, Network, download
from cic_assets.storage import ContentStore

# Nobody's resolver is asked: one name has a public address, the other the metadata server's of a cloud.
names = {"photos.example": "93.184.216.34", "inside.example": "169.254.169.254"}
def look_up(name, *_, **__):
    if name not in names:
        raise socket.gaierror(socket.EAI_NONAME, "none")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (names[name], 0))]
socket.getaddrinfo = look_up
proxy, port, *urls = sys.argv[1:]
settings = DownloadSettings(ports=frozenset({int(port)}), backoff_seconds=0.01, retries=0)
with tempfile.TemporaryDirectory() as folder:
    requests = [FetchRequest(url=url) for url in urls]
    store, network = ContentStore(UPath(folder)), Network.public(proxy)
    results = download(requests, store=store, settings=settings, network=network)
print(json.dumps([[results[url].outcome, results[url].reason] for url in urls]))
"""


class Tunneling:
    """A proxy on loopback: it opens tunnels, all of them to one port of this machine, and notes what it was asked."""

    def __init__(self, port, status=200):
        self._to, self._status = port, status
        self.asked, self.wanted = [], []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=[client], daemon=True).start()

    def _tunnel(self, client):
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            lines = head.decode().split("\r\n")
            self.asked.append(lines[0])
            self.wanted += [line for line in lines if line.lower().startswith("proxy-authorization")]
            if self._status != 200:
                client.sendall(f"HTTP/1.1 {self._status} No\r\nContent-Length: 0\r\n\r\n".encode())
                return
            with socket.create_connection(("127.0.0.1", self._to)) as host:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=[host, client], daemon=True)
                back.start()
                _pump(client, host)
                back.join()

    def close(self):
        self._listener.close()


def _pump(source, sink):
    """What one side says to the other, until either is gone; which ends the pump of the other way too."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def fetch(certificate, tls_host, picture):  # noqa: F811 - the fixture
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    host = tls_host(tls)
    host.handlers["*"] = host.answer(200, picture())
    opened = []

    def run(*urls, status=200, login=""):
        proxy = Tunneling(host.port, status)
        opened.append(proxy)
        asked = [url.format(port=host.port) for url in urls]
        command = [sys.executable, "-c", RUN, f"http://{login}127.0.0.1:{proxy.port}", str(host.port), *asked]
        environment = os.environ | {"SSL_CERT_FILE": str(certificate)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
        return json.loads(done.stdout), proxy, host

    yield run
    for proxy in opened:
        proxy.close()


@pytest.mark.slow
def test_a_picture_comes_by_a_tunnel_to_a_checked_address(fetch):
    (found,), proxy, host = fetch("https://photos.example:{port}/x.jpg", login="some%20body:secret@")
    assert found == ["ok", ""]
    assert proxy.asked == [f"CONNECT {PUBLIC}:{host.port} HTTP/1.1"]
    assert proxy.wanted == ["Proxy-Authorization: Basic c29tZSBib2R5OnNlY3JldA=="]
    assert list(host.asked) == [f"photos.example:{host.port}/x.jpg"]
    assert "proxy-authorization" not in host.headers.get(f"photos.example:{host.port}/x.jpg", {})


@pytest.mark.slow
def test_what_is_refused_without_a_proxy_is_refused_with_one(fetch):
    found, proxy, _ = fetch(
        "https://inside.example:{port}/x.jpg",
        "https://127.0.0.1:{port}/x.jpg",
        "https://nowhere.example:{port}/x.jpg",
        "http://photos.example:{port}/x.jpg",
    )
    assert found == [
        ["blocked", "inside.example names 169.254.169.254, a link-local address"],
        ["blocked", "127.0.0.1 is a loopback address"],
        ["error", "no address for nowhere.example, and the proxy is not left to look for it"],
        ["blocked", "http is not asked through a proxy, which would resolve the name unchecked"],
    ]
    assert proxy.asked == []


@pytest.mark.slow
@pytest.mark.parametrize("status", [403, 407])
def test_a_proxy_that_refuses_is_named(fetch, status):
    (found,), _, _ = fetch("https://photos.example:{port}/x.jpg", status=status)
    assert found == ["error", f"the proxy refuses: HTTP {status}"]


def test_nothing_but_the_proxy_is_connected_to():
    resolver = ProxyResolver(Proxy.parse("http://10.0.0.1:3128"))
    resolver.require("10.0.0.1", 3128)
    for address, port in [("10.0.0.1", 22), ("10.0.0.2", 3128)]:
        with pytest.raises(FetchError, match="is not the proxy"):
            resolver.require(address, port)


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1:3128", "https://p:1", "http://p", "http://p:x", "http://:1", "socks5://p:1"]
)
def test_what_is_no_proxy(text):
    with pytest.raises(ValueError, match="expected http://HOST:PORT"):
        Proxy.parse(text)


def test_a_wrong_proxy_is_told_and_nothing_asked(store):
    with pytest.raises(ValueError, match="expected http://HOST:PORT"):
        download(
            [FetchRequest(url="https://a.example/x")],
            store=store,
            settings=DownloadSettings(),
            network=Network.public("x"),
        )


def test_a_network_that_is_printed_names_no_password():
    assert "secret" not in repr(Network.public("http://me:secret@proxy:3128"))
