"""The page: drop pictures in or name a URL, and see what each model says. And the API for programs beside it."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, Template, select_autoescape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cic_assets.domain.download import Network
from cic_assets.storage import DataRoot
from cic_assets.web.predict.desk import AGAIN, Desk
from cic_assets.web.predict.guard import COOKIE, HEADERS, Guard, RateLimiter, WithSafeHeaders, address_of, cookie_of
from cic_assets.web.predict.metrics import Measured, Metrics
from cic_assets.web.predict.openapi import document
from cic_assets.web.predict.panel import Answer
from cic_assets.web.predict.panels import Panels
from cic_assets.web.predict.reviews import ReviewBook
from cic_assets.web.predict.settings import ServeSettings

HEADER = "x-cic"
"""A header that `/predict` asks for: pages of other sites cannot send it without asking, which we do not allow them."""


def build_app(
    panels: Panels,
    *,
    settings: ServeSettings | None = None,
    network: Network | None = None,
    root: DataRoot | None = None,
) -> ASGIApp:
    """The page and the API as an ASGI app.

    Args:
        panels: the models that answer.
        settings: limits, and who may ask.
        network: which hosts may be reached; the public internet unless given.
        root: where reviews go; without one none are taken.
    """
    settings, metrics = settings or ServeSettings(), Metrics()
    desk = Desk(panels, settings, metrics, network or Network.public())
    limiter = RateLimiter(settings.rate)
    site = _Site(panels, desk, ReviewBook(desk, root), limiter)
    routes = site.routes()
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Guard, settings=settings, limiter=limiter),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts), www_redirect=False),
        ],
        exception_handlers={HTTPException: _refusal, Exception: _failure},
        lifespan=lambda _app: panels.watched(),
    )
    # Outside of all else: also what fails is counted, and answered with the headers.
    return WithSafeHeaders(Measured(app, metrics, [route.path for route in routes]))


async def _refusal(_: Request, error: Exception) -> Response:
    """Every refusal is JSON with a reason."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)


async def _failure(_: Request, _error: Exception) -> Response:
    """The log says what it was, and nobody else."""
    return JSONResponse({"error": "the server failed: its log says why"}, status_code=500)


class _Site:
    """What is at each path."""

    def __init__(self, panels: Panels, desk: Desk, book: ReviewBook, limiter: RateLimiter) -> None:
        self._panels, self._desk, self._book, self._limiter = panels, desk, book, limiter
        self._document = json.dumps(document(desk.settings)).encode()

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/", self.page),
            Route("/predict", self.predict_for_the_first_page, methods=["POST"]),
            Route("/api/v1/predict", self.predict, methods=["POST"]),
            Route("/api/v1/models", self.models),
            Route("/api/v1/reviews", self.review, methods=["POST"]),
            Route("/health", self.health),
            Route("/ready", self.ready),
            Route("/metrics", self.metrics),
            Route("/openapi.json", self.openapi),
            Route("/docs", self.docs),
        ]

    async def page(self, request: Request) -> Response:
        panel = await self._desk.panel()
        token = self._desk.settings.token
        response = _page(
            "page.html",
            cards=[item.card for item in panel.predictors],
            drawn=panel.drawn,
            labels=panel.labels,
            with_maps=any(one.has_activation_map for one in panel.predictors),
            with_reviews=self._book.is_open,
        )
        if token and request.query_params.get("token"):
            secure = request.url.scheme == "https"
            response.set_cookie(COOKIE, cookie_of(token), httponly=True, samesite="strict", secure=secure)
        return response

    async def predict_for_the_first_page(self, request: Request) -> Response:
        """One picture, as the page asked before there was an API; programs may still."""
        if HEADER not in request.headers:
            raise HTTPException(403, f"the header {HEADER} is missing: it keeps other sites' pages out")
        answer, *_ = await self._desk.answer(await self._desk.panel(), request)
        row = {"predictions": [item.row() for item in answer.predictions], "seen": answer.seen_url()}
        return JSONResponse({**row, "error": answer.error}, status_code=_status([answer]))

    async def predict(self, request: Request) -> Response:
        with_seen, with_maps = (request.query_params.get(name) == "true" for name in ("seen", "maps"))
        address = address_of(request)
        panel = await self._desk.panel()
        answers = await self._desk.answer(
            panel,
            request,
            with_maps=with_maps,
            # The first is paid for by the request itself.
            charge=lambda count: self._limiter.charge(address, count - 1),
        )
        rows = [answer.row(with_seen=with_seen) | {"receipt": self._book.receipt(panel, answer)} for answer in answers]
        return JSONResponse({"answers": rows}, status_code=_status(answers))

    async def models(self, _: Request) -> Response:
        panel = await self._desk.panel()
        rows = [
            {
                "name": card.name,
                "sha256": card.sha256,
                "labels": card.labels,
                "validation_accuracy": card.scores["validation"].accuracy,
                "data_version": card.data_version,
                "random_weights": card.random_weights,
                "takedowns": card.takedowns.words if card.takedowns else None,
                "has_activation_map": one.has_activation_map,
            }
            for one, card in ((one, one.card) for one in panel.predictors)
        ]
        return JSONResponse({"models": rows, "drawn": panel.drawn})

    async def review(self, request: Request) -> Response:
        review = await self._book.take(request)
        self._desk.metrics.reviews.inc()
        return JSONResponse({"sha256": review.sha256, "kept": bool(review.format)}, status_code=201)

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "up"})

    async def ready(self, _: Request) -> Response:
        if self._panels.current is None:
            return JSONResponse({"error": "the models are being loaded"}, status_code=503, headers=AGAIN)
        return JSONResponse({"status": "ready"})

    async def metrics(self, _: Request) -> Response:
        metrics = self._desk.metrics
        metrics.ready.set(self._panels.current is not None)
        metrics.reloads.set(self._panels.reloads)
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def openapi(self, _: Request) -> Response:
        return Response(self._document, media_type="application/json")

    async def docs(self, request: Request) -> Response:
        settings = self._desk.settings
        base = str(request.base_url).rstrip("/")
        return _page("docs.html", api=document(settings), base=base, with_token=bool(settings.token))


def _status(answers: Sequence[Answer]) -> int:
    return 422 if all(answer.error for answer in answers) else 200


def _template(name: str) -> Template:
    return Environment(loader=PackageLoader("cic_assets.web.predict"), autoescape=select_autoescape()).get_template(
        name
    )


def _page(name: str, **values: Any) -> Response:
    """A page that brings all it needs, and to which nothing is added."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"{HEADERS['Content-Security-Policy']}; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        "img-src data: blob:; connect-src 'self'"
    )
    html = _template(name).render(nonce=nonce, **values)
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})
