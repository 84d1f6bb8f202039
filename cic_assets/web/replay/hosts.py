"""The linked hosts of a replayed archive: each URL answers as its route says, well or badly.

Plain ASGI, for thousands of answers a second. Two kinds of answers cannot be given through ASGI, because no correct
server gives them: a body that ends without having said its length, and one shorter than it said. They are written to
the connection itself, which the server hands over in the scope's state.
"""

import asyncio
import hashlib
import mimetypes
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from itertools import repeat
from pathlib import Path
from time import time
from typing import Any

from starlette.types import Receive, Scope, Send

from cic_assets.web.replay.archive import Route

_JPEG_START = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
_FILLER = bytes(64 * 1024)
_CHUNKS_A_SECOND = 10
"""How finely a drip is cut, where it is fast enough to be cut."""

_TYPES = mimetypes.MimeTypes()
_TYPES.add_type("image/webp", ".webp")

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Request:
    """What a client asked, as ASGI gives it, and the connection that it came by."""

    scope: Scope
    receive: Receive
    send: Send
    host: str
    path: str
    query: str

    @property
    def url(self) -> str:
        """What was asked, without the port of the replaying server."""
        return f"http://{self.host}{self.path}" + (f"?{self.query}" if self.query else "")

    @property
    def is_head(self) -> bool:
        """Whether the headers alone were asked for."""
        return bool(self.scope["method"] == "HEAD")

    @property
    def transport(self) -> asyncio.WriteTransport:
        """The connection itself; `replay.HandedOverConnection` puts it there."""
        transport: asyncio.WriteTransport = self.scope["state"]["transport"]
        return transport

    def header(self, name: bytes) -> str:
        """A header's value, or nothing."""
        return next((value.decode("latin-1") for key, value in self.scope["headers"] if key == name), "")

    async def is_gone_within(self, seconds: float) -> bool:
        """Wait, at most so long, for the client to hang up (or the server to stop): whether it did."""
        try:
            async with asyncio.timeout(seconds):
                while (await self.receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return False
        return True


@dataclass
class MediaFiles:
    """The files of `media/`, with what HTTP needs to know of each so that clients may ask "has it changed?"."""

    directory: Path
    _etags: dict[str, tuple[tuple[int, int], str]] = field(default_factory=dict)

    def read(self, name: str) -> tuple[bytes, Headers]:
        """The bytes of a file, and its ETag (of its content, so that a copied archive keeps it) and date.

        Raises:
            OSError: it was there when the archive was read, and is not any more.
        """
        path = self.directory / name
        body, status = path.read_bytes(), path.stat()
        signature = (status.st_mtime_ns, status.st_size)
        known, etag = self._etags.get(name, (None, ""))
        if known != signature:
            etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            self._etags[name] = (signature, etag)
        date = formatdate(status.st_mtime, usegmt=True)
        return body, [(b"etag", etag.encode()), (b"last-modified", date.encode())]


class Hosts:
    """Every host of an archive."""

    def __init__(self, media: Path) -> None:
        self._media = MediaFiles(media)
        self._failures: Counter[tuple[str, str, str | None]] = Counter()
        self.sent: Counter[str] = Counter()
        """Bytes of bodies handed to the network, by URL."""

    async def answer(self, request: Request, route: Route | None) -> None:
        """Answer one request as its route says; without a route it is 404."""
        if route is None:
            await self._text(request, HTTPStatus.NOT_FOUND, "no such page in this archive\n")
        elif route.delay and await request.is_gone_within(route.delay):
            return
        elif (failure := self._next_failure(route)) is not None:
            await self._text(request, failure, f"{failure}\n", retry_after_headers(route.retry_after))
        elif route.redirect is not None:
            target = request.url if route.redirect == "self" else route.redirect
            await self._text(request, HTTPStatus.FOUND, "", [(b"location", target.encode())])
        else:
            await self._body(request, route)

    def _next_failure(self, route: Route) -> int | None:
        key = (route.host, route.path, route.query)
        number = self._failures[key]
        if number >= len(route.fail):
            return None
        self._failures[key] += 1
        return route.fail[number]

    async def _body(self, request: Request, route: Route) -> None:
        try:
            body, headers = self._media.read(route.file) if route.file else ((route.body or "").encode(), [])
        except OSError:
            await self._text(request, HTTPStatus.NOT_FOUND, f"media/{route.file} is not there any more\n")
            return
        kind = (b"content-type", _content_type(route))
        if route.endless or route.drip is not None:
            await self._stream(request, route, body, [kind])
        elif route.no_length or route.claim_length is not None:
            await self._cut_off(request, route.claim_length, body, [kind])
        elif _is_unchanged(request, headers):
            await self.reply(request, HTTPStatus.NOT_MODIFIED, headers, b"")
        else:
            await self.reply(request, route.status or HTTPStatus.OK, [*headers, kind], body)

    async def _text(self, request: Request, status: int, text: str, headers: Headers | None = None) -> None:
        headers = [*(headers or []), (b"content-type", b"text/plain; charset=utf-8")]
        await self.reply(request, status, headers, text.encode())

    async def reply(self, request: Request, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        if status != HTTPStatus.NOT_MODIFIED:
            headers = [*headers, (b"content-length", str(len(body)).encode())]
        await request.send({"type": "http.response.start", "status": status, "headers": headers})
        await request.send({"type": "http.response.body", "body": body})
        self.sent[request.url] += len(body)

    async def _stream(self, request: Request, route: Route, body: bytes, headers: Headers) -> None:
        """A body that never ends, or one that comes drop by drop, until the client has had enough."""
        await request.send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        pause = 0.0 if route.drip is None else max(1 / route.drip, 1 / _CHUNKS_A_SECOND)
        size = len(_FILLER) if route.drip is None else max(1, round(route.drip * pause))
        for chunk in self._drops(request, body, size):
            await request.send({"type": "http.response.body", "body": chunk, "more_body": True})
            self.sent[request.url] += len(chunk)
            if await request.is_gone_within(pause):
                return
        await request.send({"type": "http.response.body", "body": b""})

    @staticmethod
    def _drops(request: Request, body: bytes, size: int) -> Iterator[bytes]:
        if request.is_head:
            return iter(())
        return _chunks(body, size) if body else _endless(size)

    async def _cut_off(self, request: Request, claimed: int | None, body: bytes, headers: Headers) -> None:
        if claimed is not None:
            headers = [*headers, (b"content-length", str(claimed).encode())]
        headers = [*headers, (b"connection", b"close")]
        head = b"HTTP/1.1 200 OK\r\n" + b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n"
        request.transport.write(head + (b"" if request.is_head else body))
        request.transport.close()
        self.sent[request.url] += len(body)
        # The server takes an answer for complete only when it knows the connection as lost.
        while (await request.receive())["type"] != "http.disconnect":
            pass


def _content_type(route: Route) -> bytes:
    if route.type is not None:
        return route.type.encode()
    if route.file is None:
        return b"text/html; charset=utf-8" if route.body else b"application/octet-stream"
    return (_TYPES.guess_type(route.file)[0] or "application/octet-stream").encode()


def retry_after_headers(value: str | None) -> Headers:
    """The header that says when to come back: some seconds, or `date` for the form that is a date, in a second."""
    if value is None:
        return []
    text = formatdate(time() + 1, usegmt=True) if value == "date" else value
    return [(b"retry-after", text.encode())]


def _is_unchanged(request: Request, headers: Headers) -> bool:
    """Whether the client has this content already. An ETag is worth more than a date (RFC 9110, 13.2.2)."""
    ours: dict[bytes, Any] = dict(headers)
    if b"etag" not in ours:
        return False
    if known := request.header(b"if-none-match"):
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return "*" in tags or ours[b"etag"].decode() in tags
    if since := request.header(b"if-modified-since"):
        try:
            return parsedate_to_datetime(ours[b"last-modified"].decode()) <= parsedate_to_datetime(since)
        except (TypeError, ValueError):
            return False
    return False


def _chunks(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def _endless(size: int) -> Iterator[bytes]:
    """What begins like a JPEG and goes on without ever saying anything."""
    yield from _chunks(_JPEG_START, size)
    yield from repeat(_FILLER[:size])
