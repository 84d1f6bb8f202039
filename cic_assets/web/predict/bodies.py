"""What a request brings: a picture, several, or the URL of one. Refused as soon as it is too long or too slow."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from cic_assets.web.predict.settings import ServeSettings

MAX_URL = 2048
"""Characters of a URL; browsers and servers agree on no more."""

MAX_JSON = 8 * MAX_URL
"""Bytes of a JSON body."""

MAX_NAME = 200
"""Characters of a file's name that are told again."""

PART_BYTES = 1024
"""Of a form field that is no file; nothing asks for one."""


# Of each mistake in a form it has a line, which whoever sends forms could fill a disk with.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


class Given(NamedTuple):
    """A picture as a request gives it: its bytes, a file on the disk, or its URL."""

    name: str
    data: bytes | None = None
    file: UploadFile | None = None
    url: str | None = None


class Budget:
    """Bytes of bodies that are under way at once, over all requests."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    def take(self, count: int) -> None:
        """Count some more in.

        Raises:
            HTTPException: 503, there are too many already.
        """
        if self.held + count > self._most:
            raise HTTPException(503, "too many bytes at once: try again in a moment", {"Retry-After": "2"})
        self.held += count

    def give_back(self, count: int) -> None:
        """Count some out again."""
        self.held -= count


class _Counted:
    """The body of one request."""

    def __init__(self, request: Request, limit: int, budget: Budget) -> None:
        self._request, self._limit, self._budget = request, limit, budget
        self.size = 0

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Its bytes as they come, counted."""
        async for part in self._request.stream():
            self._budget.take(len(part))
            self.size += len(part)
            if self.size > self._limit:
                raise HTTPException(413, f"more than {self._limit} bytes: send smaller or fewer pictures")
            yield part


@asynccontextmanager
async def given_pictures(request: Request, settings: ServeSettings, budget: Budget) -> AsyncIterator[Sequence[Given]]:
    """The pictures of a request, for as long as the block lasts.

    Raises:
        HTTPException: it is too long, too slow, or nothing that is understood.
    """
    kind = _kind(request)
    limit = {"application/json": MAX_JSON, "multipart/form-data": settings.max_request}.get(kind, settings.max_upload)
    body = _Counted(request, limit, budget)
    async with AsyncExitStack() as stack:
        stack.callback(lambda: budget.give_back(body.size))
        async with _in_time(settings):
            if kind == "multipart/form-data":
                pictures = await _files(request, body, settings, stack)
            else:
                data = b"".join([part async for part in body.parts()])
                pictures = [_named_by_url(data) if kind == "application/json" else Given("upload", data)]
        yield pictures


async def json_body(request: Request, limit: int, settings: ServeSettings, budget: Budget) -> dict[str, Any]:
    """The JSON object that a request is.

    Raises:
        HTTPException: it is none, too long, or too slow.
    """
    if _kind(request) != "application/json":
        raise HTTPException(415, "expected application/json")
    body = _Counted(request, limit, budget)
    try:
        async with _in_time(settings):
            data = b"".join([part async for part in body.parts()])
        return _json_object(data, "an object")
    finally:
        budget.give_back(body.size)


@asynccontextmanager
async def _in_time(settings: ServeSettings) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(settings.upload_seconds):
            yield
    except TimeoutError:
        raise HTTPException(408, f"the upload took more than {settings.upload_seconds:g} s") from None
    except ClientDisconnect:
        raise HTTPException(400, "the upload broke off") from None


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class _FormParser(MultiPartParser):
    """Starlette's, which takes a form that breaks off for one that is whole, and leaves its last file open."""

    async def parse(self) -> FormData:
        """The form.

        Raises:
            MultiPartException: it is none, or has no end.
        """
        form = await super().parse()
        whole = [one.file for _, one in form.multi_items() if isinstance(one, UploadFile)]
        if len(whole) < len(self._files_to_close_on_error):
            for file in self._files_to_close_on_error:
                file.close()
            raise MultiPartException("The form has no end.")
        return form


async def _files(request: Request, body: _Counted, settings: ServeSettings, stack: AsyncExitStack) -> list[Given]:
    """The files of a form; those over a megabyte lie on the disk."""
    parser = _FormParser(
        request.headers, body.parts(), max_files=settings.most_files, max_fields=0, max_part_size=PART_BYTES
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(400, error.message) from None
    stack.push_async_callback(form.close)
    files = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
    if not files:
        raise HTTPException(400, "the form holds no file")
    for file in files:
        if (file.size or 0) > settings.max_upload:
            raise HTTPException(413, f"a picture of more than {settings.max_upload} bytes: send a smaller one")
    return [Given((file.filename or "upload")[:MAX_NAME], file=file) for file in files]


def _named_by_url(body: bytes) -> Given:
    """The picture whose URL is in a JSON body. Only http and https: a path would read this machine's files."""
    url = _json_object(body, '{"url": "https://…"}').get("url")
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")) or len(url) > MAX_URL:
        raise HTTPException(400, f"url: expected an http or https URL of at most {MAX_URL} characters")
    return Given(url, url=url)


def _json_object(body: bytes, expected: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, f"not JSON: expected {expected}") from None
    if not isinstance(value, dict):
        raise HTTPException(400, f"no JSON object: expected {expected}")
    return value
