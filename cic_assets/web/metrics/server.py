"""The server of metrics, from its port to its end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cic_assets.web.guard import EXCEPTION_HANDLERS, RateLimiter, WithSafeHeaders, guarded, refused
from cic_assets.web.listening import Listening
from cic_assets.web.metrics.kept import Kept, UnreadableError
from cic_assets.web.ports import server_of

OTHERS_RATE = 5.0
"""Requests a second from one address, where others can reach the server: scrapers ask a few times a minute."""

TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""What Prometheus' text format calls itself."""

_LOOK_SECONDS = 1.0


def build_metrics_app(
    kept: Kept, settings: Listening, *, is_over: Callable[[], bool] | None = None, end: Callable[[], None] | None = None
) -> ASGIApp:
    """An app whose `/metrics` is what Prometheus reads, and whose `/health` says that it is up.

    Args:
        kept: gives the text.
        settings: who may ask.
        is_over: asked each second whether there is a reason to end; none unless given.
        end: called then.
    """

    async def metrics(_: Request) -> Response:
        try:
            return Response(await run_in_threadpool(kept.get), media_type=TEXT)
        except UnreadableError as error:
            return refused(503, str(error), {"Retry-After": "5"})

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "up"})

    @asynccontextmanager
    async def watching(_: Starlette) -> AsyncIterator[None]:
        watcher = asyncio.create_task(_watch(is_over, end)) if is_over and end else None
        yield
        if watcher:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    app = Starlette(
        routes=[Route("/metrics", metrics), Route("/health", health)],
        middleware=guarded(settings, RateLimiter(settings.rate)),
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=watching,
    )
    return WithSafeHeaders(app)


async def _watch(is_over: Callable[[], bool], end: Callable[[], None]) -> None:
    while True:
        if is_over():
            end()
            return
        await asyncio.sleep(_LOOK_SECONDS)


def serve_metrics(
    make: Callable[[], bytes],
    settings: Listening,
    *,
    is_over: Callable[[], bool] | None = None,
    on_start: Callable[[], None] = lambda: None,
) -> None:
    """Serve what `make` gives until interrupted; what it raises is told, and tried again when somebody asks.

    Args:
        make: the text of all metrics; called by one thread at a time.
        settings: where to listen, and for whom; to be asked for mistakes before.
        is_over: as of `build_metrics_app`.
        on_start: called once it listens.
    """

    def end() -> None:
        server.should_exit = True

    app = build_metrics_app(Kept(make), settings, is_over=is_over, end=end)
    server = server_of(app, settings, on_start)
    with suppress(KeyboardInterrupt):
        server.run()
