"""The page: drop pictures in or name a URL, and see what each model says. And the API for programs beside it."""

import json
from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cic_assets.domain.download import Network
from cic_assets.storage import DataRoot
from cic_assets.web.guard import EXCEPTION_HANDLERS, RateLimiter, WithSafeHeaders, address_of, guarded, remember_token
from cic_assets.web.late_review import LateReview
from cic_assets.web.pages import page
from cic_assets.web.predict.desk import AGAIN, Desk
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
    review: LateReview | None = None,
) -> ASGIApp:
    """The page and the API as an ASGI app.

    Args:
        panels: the models that answer.
        settings: limits, and who may ask.
        network: which hosts may be reached; the public internet unless given.
        root: where reviews go; without one none are taken.
        review: the page on which somebody decides about pictures; none unless given.
    """
    settings, metrics = settings or ServeSettings(), Metrics()
    desk = Desk(panels, settings, metrics, network or Network.public())
    limiter = RateLimiter(settings.rate)
    site = _Site(panels, desk, ReviewBook(desk, root), limiter, with_review=review is not None)
    routes = [*site.routes(), *(review.routes() if review else ())]
    app = Starlette(
        routes=routes,
        middleware=guarded(settings, limiter),
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lambda _app: panels.watched(),
    )
    # Outside of all else: also what fails is counted, and answered with the headers.
    return WithSafeHeaders(Measured(app, metrics, [route.path for route in routes]))


class _Site:
    """What is at each path."""

    def __init__(
        self, panels: Panels, desk: Desk, book: ReviewBook, limiter: RateLimiter, *, with_review: bool
    ) -> None:
        self._panels, self._desk, self._book, self._limiter = panels, desk, book, limiter
        self._with_review = with_review
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
        response = _page(
            "page.html",
            cards=[item.card for item in panel.predictors],
            drawn=panel.drawn,
            labels=panel.labels,
            with_maps=any(one.has_activation_map for one in panel.predictors),
            with_reviews=self._book.is_open,
            with_review=self._with_review,
        )
        remember_token(request, response, self._desk.settings)
        return response

    async def predict_for_the_first_page(self, request: Request) -> Response:
        """One picture, as the page asked before there was an API; programs may still."""
        if HEADER not in request.headers:
            raise HTTPException(403, f"the header {HEADER} is missing: it keeps other sites' pages out")
        answer, *_ = await self._desk.answer(await self._desk.panel(), request)
        row = {"predictions": [item.row() for item in answer.predictions], "seen": answer.seen_url()}
        return JSONResponse({**row, "error": answer.error}, status_code=_status([answer]))

    async def predict(self, request: Request) -> Response:
        with_seen, with_maps, with_thumbnails = (
            request.query_params.get(name) == "true" for name in ("seen", "maps", "thumbnails")
        )
        address = address_of(request)
        panel = await self._desk.panel()
        answers = await self._desk.answer(
            panel,
            request,
            with_maps=with_maps,
            with_thumbnails=with_thumbnails,
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
                "version": card.version,
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


def _page(name: str, **values: Any) -> Response:
    return page("cic_assets.web.predict", name, **values)
