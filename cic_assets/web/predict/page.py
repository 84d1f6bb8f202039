"""The page: drop a picture in or name its URL, and see what each model says. Also `/predict`, for programs."""

import asyncio
import json
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from cic_assets.domain.download import Network
from cic_assets.domain.prediction import Input, OnKeras, PredictionError, read_inputs
from cic_assets.storage import DataRoot
from cic_assets.web.ports import why_taken
from cic_assets.web.predict.panel import Answer, Panel

T = TypeVar("T")

MAX_UPLOAD = 20 * 2**20
"""Bytes of a picture that is dropped in: as much as Reddit takes."""

MAX_URL = 2048
"""Characters of a URL; browsers and servers agree on no more."""

UPLOAD_SECONDS = 60
"""How long an upload may take: a slow sender must not hold a connection for ever."""

MAX_WAITING = 16
"""Requests under way at once; more are asked to come back. Each holds at most one picture."""

HEADER = "x-cic"
"""A header that pages of other sites cannot send without asking, and that we do not allow them: no request forgery."""

_ANYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  # compared with, not bound to
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class _Desk:
    """Where requests wait their turn: models answer one at a time, pictures are fetched several at once."""

    def __init__(self, panel: Panel, network: Network) -> None:
        self.panel = panel
        self._network = network
        self._models = ThreadPoolExecutor(1, thread_name_prefix="models")
        self._fetches = ThreadPoolExecutor(4, thread_name_prefix="fetches")
        self._under_way = 0

    async def answer(self, request: Request) -> Answer:
        """Read the picture that a request brings or names, and ask the models."""
        if self._under_way >= MAX_WAITING:
            raise HTTPException(503, "too many pictures at once: try again in a moment", {"Retry-After": "2"})
        self._under_way += 1
        try:
            item = await self._read(request)
            return await _in(self._models, lambda: self.panel.ask(item))
        finally:
            self._under_way -= 1

    async def _read(self, request: Request) -> Input:
        is_json = request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"
        body = await _body(request, 8 * MAX_URL if is_json else MAX_UPLOAD)
        if not is_json:
            return Input("upload", body) if body else Input("upload", error="the request holds no picture")
        url = _url(body)
        return await _in(self._fetches, lambda: next(iter(read_inputs([url], self._network))))


async def _in(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)


async def _body(request: Request, limit: int) -> bytes:
    """The request's body, refused as soon as it is too long or too slow."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise HTTPException(413, f"more than {limit} bytes: send a smaller picture")
                parts.append(part)
    except TimeoutError:
        raise HTTPException(408, f"the upload took more than {UPLOAD_SECONDS} s") from None
    return b"".join(parts)


def _url(body: bytes) -> str:
    """The URL in a JSON body. Only http and https: a path would read this machine's files."""
    try:
        value = json.loads(body)
    except ValueError:
        raise HTTPException(400, 'not JSON: expected {"url": "https://…"}') from None
    url = value.get("url") if isinstance(value, dict) else None
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")) or len(url) > MAX_URL:
        raise HTTPException(400, f"url: expected an http or https URL of at most {MAX_URL} characters")
    return url


def build_app(panel: Panel, *, network: Network | None = None, hosts: tuple[str, ...] = _LOOPBACK) -> Starlette:
    """The page as an ASGI app.

    Args:
        panel: the models.
        network: which hosts pictures may be fetched from; the public internet unless given.
        hosts: names under which the page may be asked for; ("*",) for any. Else a page of another site could reach it
            under a name of its own that it lets point here (DNS rebinding).
    """
    desk = _Desk(panel, network or Network.public())
    template = Environment(loader=PackageLoader("cic_assets.web.predict"), autoescape=select_autoescape()).get_template(
        "page.html"
    )

    async def page(_: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        html = template.render(
            cards=[item.card for item in panel.predictors], drawn=panel.drawn, nonce=nonce, labels=panel.labels
        )
        return HTMLResponse(html, headers=_page_headers(nonce))

    async def predict(request: Request) -> Response:
        if HEADER not in request.headers:
            raise HTTPException(403, f"the header {HEADER} is missing: it keeps other sites' pages out")
        answer = await desk.answer(request)
        return JSONResponse(answer.row(), status_code=422 if answer.error else 200)

    return Starlette(
        routes=[Route("/", page), Route("/predict", predict, methods=["POST"])],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)],
        exception_handlers={HTTPException: _refusal},
    )


async def _refusal(_: Request, error: Exception) -> Response:
    """Every refusal is JSON with a reason."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)


def _page_headers(nonce: str) -> dict[str, str]:
    """Nothing is loaded from elsewhere, nothing frames the page, nothing runs but what the page itself brings."""
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def serve_page(
    root: DataRoot,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    loading: Callable[[], AbstractContextManager[OnKeras]] = lambda: nullcontext(lambda _why: None),
) -> None:
    """Load all models of a data root and serve the page until interrupted.

    Args:
        root: where models were trained.
        host: the address to listen on.
        port: of it.
        loading: a context in which the models are loaded; it gives what `Panel.load` tells.

    Raises:
        PredictionError: the port is taken, there is no model, or a model's file is not the one that its card describes.
    """
    import uvicorn

    if why := why_taken(host, port):  # before the models, which take longer to load
        raise PredictionError(why)
    hosts = ("*",) if host in _ANYWHERE else (*_LOOPBACK, host)
    with loading() as on_keras:
        panel = Panel.load(root, on_keras)
    uvicorn.run(build_app(panel, hosts=hosts), host=host, port=port, access_log=False, timeout_keep_alive=15)
