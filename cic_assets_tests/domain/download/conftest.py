"""A real server on loopback that misbehaves as it is told, a store, and pictures."""

import asyncio
import io
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from upath import UPath

from cic_assets.domain.download import DownloadSettings, FetchRequest, Network, download
from cic_assets.storage import ContentStore

IMPATIENT = DownloadSettings(
    answer_seconds=0.4,
    grace_seconds=0.3,
    deadline_seconds=2,
    backoff_seconds=0.02,
    max_bytes=60_000,
    max_bytes_in_flight=200_000,
)

Handler = Callable[[dict[str, str], asyncio.StreamWriter], Awaitable[None]]
"""Gets the headers of the request, by lower-case name, with `host/path` under the empty name."""


class Host:
    """Answers for every host name, each connection in its own task, by handlers that write what they like.

    Attributes:
        asked: requests by `host/path`.
        open_now: requests under way by host.
        most_open: the most that were under way at once, by host.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.handlers: dict[str, Handler] = {}
        self.asked: Counter[str] = Counter()
        self.headers: dict[str, dict[str, str]] = {}
        self.open_now: Counter[str] = Counter()
        self.most_open: Counter[str] = Counter()
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._hang_up())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _hang_up(self) -> None:
        """On everybody: one connection left open is a warning in whatever test the collector runs in next."""
        self._server.close()
        await _turns()  # who was just accepted has a task after them
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()  # over TLS, a close would wait for the other side's
        await _turns()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while not writer.is_closing():
                lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                path = lines[0].split(" ")[1]
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
                await self._answer(headers["host"] + path, headers, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, key: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        host = key.split("/", maxsplit=1)[0]
        self.asked[key] += 1
        self.headers[key] = headers
        self.open_now[host] += 1
        self.most_open[host] = max(self.most_open[host], self.open_now[host])
        try:
            handler = self.handlers.get(key) or self.handlers.get("*") or self.answer(404)
            await handler(headers | {"": key}, writer)
            await writer.drain()
        finally:
            self.open_now[host] -= 1

    def serve(self, key: str, *handlers: Handler) -> str:
        """Answer `host/path` with these handlers one after another, the last for ever; returns its URL."""
        left = list(handlers)

        async def next_one(headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
            await (left.pop(0) if len(left) > 1 else left[0])(headers, writer)

        self.handlers[key] = next_one
        return f"http://{key}"

    @staticmethod
    def answer(status: int, body: bytes = b"", *, after: float = 0, **headers: str) -> Handler:
        """A whole answer: `after` seconds of silence, then status, headers (with _ for -), body and its length."""
        fields = {"Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
        head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n"

        async def write(_: dict[str, str], writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(after)
            writer.write(head.encode("latin-1") + body)

        return write

    @staticmethod
    def raw(*pieces: bytes, every: float = 0, close: bool = True) -> Handler:
        """Exactly these bytes, so many seconds apart, and the end of the connection."""

        async def write(_: dict[str, str], writer: asyncio.StreamWriter) -> None:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(every)
            if close:
                writer.close()
            else:
                await asyncio.sleep(3600)

        return write

    @staticmethod
    def endless(head: bytes, piece: bytes) -> Handler:
        """A head, and then the same piece for as long as anyone listens."""

        async def write(_: dict[str, str], writer: asyncio.StreamWriter) -> None:
            writer.write(head)
            while not writer.is_closing():
                writer.write(piece)
                await writer.drain()

        return write


async def _turns(count: int = 5) -> None:
    """Let the loop do what is ready, and what that makes ready."""
    for _ in range(count):
        await asyncio.sleep(0)


def draw(seed: int = 0, size: tuple[int, int] = (160, 120), image_format: str = "jpeg", **options: object) -> bytes:
    """A small picture of random blocks, as a file."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC).save(file, image_format, **options)
    return file.getvalue()


@pytest.fixture
def host() -> Iterator[Host]:
    server = Host()
    yield server
    server.stop()


@pytest.fixture
def tls_host() -> Iterator[Callable[[ssl.SSLContext], Host]]:
    """A function that starts such a host over TLS."""
    started: list[Host] = []
    yield lambda tls: started.append(Host(tls)) or started[-1]
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    return draw


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(UPath(tmp_path / "images"))


class Sockets:
    """Every connection and every look-up that this process tries, from Python's own audit events.

    Attributes:
        connected: addresses and ports, in order.
        looked_up: host names, in order.
    """

    def __init__(self) -> None:
        self.connected: list[tuple] = []
        self.looked_up: list[str] = []
        self.watching = False
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple) -> None:
        if not self.watching:
            return
        if event == "socket.getaddrinfo":
            self.looked_up.append(arguments[0])
        elif event in ("socket.connect", "socket.sendto"):
            self.connected.append(arguments[1])
            if arguments[1][0] != "127.0.0.1":
                raise ConnectionRefusedError("no test leaves this machine")


@pytest.fixture(scope="session")
def all_sockets() -> Sockets:
    return Sockets()


@pytest.fixture
def sockets(all_sockets: Sockets) -> Iterator[Sockets]:
    all_sockets.connected.clear()
    all_sockets.looked_up.clear()
    all_sockets.watching = True
    yield all_sockets
    all_sockets.watching = False


@pytest.fixture
def fetch(host, store):
    """Fetch URLs (or requests) from the host; one `Download`, or a dict of them for several."""

    def run(*requests, **settings):
        requests = [FetchRequest(url=item) if isinstance(item, str) else item for item in requests]
        results = download(
            requests,
            store=store,
            settings=IMPATIENT.model_copy(update=settings),
            network=Network.replay("127.0.0.1", host.port),
        )
        return results if len(requests) > 1 else results[requests[0].url]

    return run
