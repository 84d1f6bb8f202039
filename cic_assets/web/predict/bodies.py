"""What a request brings: a picture, several, or the URL of one. Refused as soon as it is too long or too slow."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from cic_assets.web.bodies import Budget, Counted, in_time, json_object, kind_of
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


@asynccontextmanager
async def given_pictures(request: Request, settings: ServeSettings, budget: Budget) -> AsyncIterator[Sequence[Given]]:
    """The pictures of a request, for as long as the block lasts.

    Raises:
        HTTPException: it is too long, too slow, or nothing that is understood.
    """
    kind = kind_of(request)
    limit = {"application/json": MAX_JSON, "multipart/form-data": settings.max_request}.get(kind, settings.max_upload)
    body = Counted(request, limit, budget)
    async with AsyncExitStack() as stack:
        stack.callback(lambda: budget.give_back(body.size))
        async with in_time(settings.upload_seconds):
            if kind == "multipart/form-data":
                pictures = await _files(request, body, settings, stack)
            else:
                data = b"".join([part async for part in body.parts()])
                pictures = [_named_by_url(data) if kind == "application/json" else Given("upload", data)]
        yield pictures


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


async def _files(request: Request, body: Counted, settings: ServeSettings, stack: AsyncExitStack) -> list[Given]:
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
    url = json_object(body, '{"url": "https://…"}').get("url")
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")) or len(url) > MAX_URL:
        raise HTTPException(400, f"url: expected an http or https URL of at most {MAX_URL} characters")
    return Given(url, url=url)
