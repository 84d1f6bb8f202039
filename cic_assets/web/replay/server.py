"""A recorded archive, replayed over loopback as Reddit and as every host that its posts link to.

One server stands for the whole network: who asks for 127.0.0.1 or for Reddit's own names gets the API, any other
`Host` gets the recorded host. A client reaches it by resolving every name to it.
"""

import asyncio
import logging
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from cic_assets.web.replay.api import RedditApi
from cic_assets.web.replay.archive import Archive, ArchiveError, Route, load_archive, subreddit_files
from cic_assets.web.replay.hosts import Hosts, Request
from cic_assets.web.replay.open_apis import MediaManners, open_apis

logger = logging.getLogger(__name__)

DEFAULT_PORT = 8765
LOOPBACK = "127.0.0.1"
REDDIT_HOSTS = ("oauth.reddit.com", "www.reddit.com")
_START_SECONDS = 10
_KEEP_ALIVE_SECONDS = 65
"""Longer than clients keep idle connections, so that it is they who close and no request meets a closing one."""

_TURNS_TO_CONNECT = 5
"""Of an event loop, from an accepted socket to its protocol: two or three with asyncio's and uvloop's."""


class WatchedArchive:
    """An archive that is read again when its files change: posts come and go between two scrapes."""

    def __init__(self, directory: Path | str) -> None:
        self._directory = Path(directory)
        # Before reading: what changes meanwhile is read once more.
        self._files = self._watched()
        self._stamps = [_stamp(file) for file in self._files]
        self._archive = load_archive(directory)

    def current(self) -> Archive:
        """The archive as it is now. While a change to it makes no sense, the last one that did, with a warning."""
        stamps = [_stamp(file) for file in self._files]
        if stamps != self._stamps:
            self._files = self._watched()
            self._stamps = [_stamp(file) for file in self._files]
            try:
                self._archive = load_archive(self._directory)
            except (ArchiveError, OSError) as error:
                logger.warning("the archive changed and cannot be read, its last state is replayed: %s", error)
        return self._archive

    def _watched(self) -> list[Path]:
        # The folder itself tells of files that come, go, or are replaced.
        root = self._directory
        names = ("subreddits", "routes.jsonl", "subreddits.json", "multireddits.json")
        return [*(root / name for name in names), *subreddit_files(root)]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class ReplayApp:
    """The ASGI application.

    Attributes:
        requests: how often each URL was asked, such as `http://i.redd.it/abc.jpg`, without the server's port.
        api_requests: the same by path alone for what Reddit's API was asked, such as `/r/cars/new`.
        sent: bytes of bodies that went out, by URL of a linked host.
        media: how Wikimedia's media hosts are asked.
    """

    def __init__(self, directory: Path | str) -> None:
        self._archive = WatchedArchive(directory)
        self._hosts = Hosts(Path(directory) / "media")
        self._api = RedditApi(self._archive.current)
        self._open = open_apis(Path(directory))
        self.media = MediaManners()
        self.requests: Counter[str] = Counter()
        self.api_requests: Counter[str] = Counter()
        self.sent = self._hosts.sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        request = Request(scope, receive, send, _host(scope), path, query)
        self.requests[request.url] += 1
        if not _is_reddit(request.host):
            await self._of_host(request)
            return
        # The API takes every path with a slash at its end or .json, and PRAW asks for some so.
        path = request.path.rstrip("/").removesuffix(".json") or "/"
        self.api_requests[path] += 1
        if route := self._recorded(request, path):
            await self._hosts.answer(request, route)
        else:
            await self._api({**scope, "path": unquote(path)}, receive, send)

    async def _of_host(self, request: Request) -> None:
        """A linked host, or the API of an open collection; a route goes before what that would answer."""
        route = self._archive.current().route(request.host, request.path, request.query)
        if route is None and (api := self._open.get(request.host)):
            query = dict(parse_qsl(request.query, keep_blank_values=True))
            reply = api.answer(unquote(request.path), query, request.header(b"user-agent"))
            await self._hosts.reply(request, reply.status, reply.all_headers, reply.body)
            return
        with self.media.turn(request.host, request.path) as refusal:
            if refusal is None:
                await self._hosts.answer(request, route)
            else:
                await self._hosts.reply(request, refusal.status, refusal.all_headers, refusal.body)

    def examples(self) -> tuple[str, str]:
        """A subreddit and a URL of this archive, to show how it is used."""
        archive = self._archive.current()
        name = next((subreddit.name for subreddit in archive.subreddits.values()), "NAME")
        host, path = next(iter(archive.routes), ("i.redd.it", "/NAME.jpg"))
        return name, f"http://{host}{path}"

    def _recorded(self, request: Request, path: str) -> Route | None:
        """A route for something of Reddit's own: it goes before what the API would answer."""
        archive, hosts = self._archive.current(), (request.host, *REDDIT_HOSTS)
        return next(filter(None, (archive.route(host, path, request.query) for host in hosts)), None)


def _host(scope: Scope) -> str:
    """The name in the Host header, without its port, in lower case."""
    value = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
    name, colon, port = value.rpartition(":")
    return name if colon and port.isdigit() else value


@lru_cache(maxsize=1024)
def _is_reddit(host: str) -> bool:
    if host in ("", "localhost", "reddit.com") or host.endswith(".reddit.com"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class HandedOverConnection(AutoHTTPProtocol):  # type: ignore[misc,valid-type]  # h11 or httptools, if it is there
    """uvicorn's protocol, which hands the connection to the application in the scope's state.

    Some recorded answers break the rules of HTTP, and no server lets an application do that.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, "transport": transport}


class _Uvicorn(uvicorn.Server):
    """uvicorn's server that stops at once: an answer that takes a minute, or for ever, is no reason to wait for it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()

    def stop(self) -> None:
        """End it from another thread."""
        self.should_exit = True
        if self._loop:
            self._loop.call_soon_threadsafe(self._woken.set)

    async def main_loop(self) -> None:
        """Tick ten times a second, as uvicorn does, until told to end; who stops it does not wait for a tick."""
        self._loop = asyncio.get_running_loop()
        ticks = count()
        while not await self.on_tick(next(ticks)):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hang up on everybody, which ends every answer."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        # Who was accepted last becomes a connection some turns of the loop later.
        for _ in range(_TURNS_TO_CONNECT):
            await asyncio.sleep(0)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks)


def _uvicorn(app: ReplayApp) -> _Uvicorn:
    config = uvicorn.Config(
        app,
        http=HandedOverConnection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    return _Uvicorn(config)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        # From now on who connects waits for the server instead of being turned away.
        listener.listen()
    except OSError as error:
        listener.close()
        raise ArchiveError(f"port {port} of {LOOPBACK} cannot be had: {error.strerror}; choose another") from None
    except OverflowError:
        listener.close()
        raise ArchiveError(f"port {port}: expected 0 to 65535") from None
    return listener


class ReplayServer:
    """Replays an archive from a thread of this process, within a `with` block.

    Args:
        directory: the archive.
        port: of 127.0.0.1; 0 for any that is free.

    Raises:
        ArchiveError: the archive or the port cannot be used.
    """

    def __init__(self, directory: Path | str, port: int = 0) -> None:
        self._app = ReplayApp(directory)
        self._listener = _listen(port)
        self._server = _uvicorn(self._app)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True, name="replay")
        self.port: int = self._listener.getsockname()[1]

    @property
    def endpoint(self) -> str:
        """Where the API is, for `connect`."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def requests(self) -> Counter[str]:
        """How often each URL was asked, such as `http://i.redd.it/abc.jpg`."""
        return self._app.requests

    @property
    def api_requests(self) -> Counter[str]:
        """How often the API was asked, by path, such as `/r/cars/new`."""
        return self._app.api_requests

    @property
    def sent(self) -> Counter[str]:
        """Bytes of bodies that went out, by URL of a linked host."""
        return self._app.sent

    @property
    def media(self) -> MediaManners:
        """How Wikimedia's media hosts are asked."""
        return self._app.media

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise ArchiveError(f"the replaying server did not start on {self.endpoint}")
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join()


def replay(directory: Path | str, port: int = 0) -> ReplayServer:
    """Replay an archive within a `with` block, from a thread; see `ReplayServer`."""
    return ReplayServer(directory, port)


def serve(directory: Path | str, port: int = DEFAULT_PORT, *, say: Callable[[str], None]) -> None:
    """Replay an archive until Ctrl+C or SIGTERM; for a process's main thread.

    Args:
        directory: of the archive.
        port: 0 takes any free one.
        say: takes lines for who started it.

    Raises:
        ArchiveError: the archive or the port cannot be used.
    """
    app = ReplayApp(directory)
    listener = _listen(port)
    address = f"{LOOPBACK}:{listener.getsockname()[1]}"
    say(
        f"Replaying {directory} at http://{address} as Reddit's API and as every host its posts link to; Ctrl+C ends it"
    )
    name, picture = app.examples()
    say(f"  a listing: curl 'http://{address}/r/{name}/new?limit=5'")
    say(f"  a picture: curl --connect-to '::{address}' --output picture '{picture}'")
    # uvicorn raises the signal that ended it once more: who is told to end and does so has not failed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        _uvicorn(app).run([listener])
