"""Bodies of requests: counted as they come, refused as soon as they are too long or too slow."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request


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


class Counted:
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


async def json_body(request: Request, limit: int, seconds: float, budget: Budget) -> dict[str, Any]:
    """The JSON object that a request is.

    Raises:
        HTTPException: it is none, too long, or too slow.
    """
    if kind_of(request) != "application/json":
        raise HTTPException(415, "expected application/json")
    body = Counted(request, limit, budget)
    try:
        async with in_time(seconds):
            data = b"".join([part async for part in body.parts()])
        return json_object(data, "an object")
    finally:
        budget.give_back(body.size)


@asynccontextmanager
async def in_time(seconds: float) -> AsyncIterator[None]:
    """Wait for a body no longer than so many seconds.

    Raises:
        HTTPException: it took longer, or broke off.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise HTTPException(408, f"the upload took more than {seconds:g} s") from None
    except ClientDisconnect:
        raise HTTPException(400, "the upload broke off") from None


def kind_of(request: Request) -> str:
    """The content type, without what is said of it."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def json_object(body: bytes, expected: str) -> dict[str, Any]:
    """The JSON object that some bytes are.

    Raises:
        HTTPException: they are none; it says what was expected.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, f"not JSON: expected {expected}") from None
    if not isinstance(value, dict):
        raise HTTPException(400, f"no JSON object: expected {expected}")
    return value
