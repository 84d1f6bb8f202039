"""The review page within another app, made when somebody first asks for it: what it needs takes 100 MB.

And made anew when the problem file was written anew: classes are others then, or their sources.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send


class Site(Protocol):
    """The review page, of which nothing is imported here."""

    def routes(self) -> list[Route]:
        """What is at each of its paths."""
        ...

    def is_current(self) -> bool:
        """Whether the problem is still the one that it was made for."""
        ...


class LateReview:
    """An ASGI app for `/review` and all below it."""

    def __init__(self, make: Callable[[], Site], made: Site | None = None) -> None:
        """Serve what `make` gives, which may raise a ValueError that says why there is nothing to serve.

        Args:
            make: makes it, for the problem as it is now.
            made: what serves until that changes; made when somebody asks unless given.
        """
        self._make, self._lock = make, threading.Lock()
        self._site: Site | None = made
        self._app: ASGIApp | None = Router(routes=made.routes()) if made else None

    def routes(self) -> list[Route]:
        """Where it is."""
        return [Route("/review", self), Route("/review/{rest:path}", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        try:
            app = await run_in_threadpool(self._current)
        except ValueError as error:
            raise HTTPException(404, f"nothing can be decided here: {error}") from None
        await app(scope, receive, send)

    def _current(self) -> ASGIApp:
        with self._lock:
            if self._app is None or self._site is None or not self._site.is_current():
                self._site = self._make()
                self._app = Router(routes=self._site.routes())
            return self._app
