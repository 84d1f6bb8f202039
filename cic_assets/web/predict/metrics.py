"""What is counted while the server is up, as Prometheus reads it."""

import time
from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("cic_requests", "Requests, by their answer", ["route", "status"], registry=registry)
        self.request_seconds = Histogram(
            "cic_request_seconds",
            "From a request's first byte to its answer's last",
            ["route"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.pictures = Counter(
            "cic_pictures", "Pictures, by whether they could be read", ["outcome"], registry=registry
        )
        self.model_seconds = Histogram(
            "cic_model_seconds",
            "To decode a picture and ask all models, without waiting",
            registry=registry,
            buckets=_SECONDS,
        )
        self.under_way = Gauge("cic_under_way", "Requests with pictures under way", registry=registry)
        self.reviews = Counter("cic_reviews", "Answers that a person called wrong", registry=registry)
        self.reloads = Gauge("cic_model_reloads", "Times that newer models took others' place", registry=registry)
        self.ready = Gauge("cic_ready", "1 when the models are loaded", registry=registry)
        ProcessCollector(registry=registry)

    def text(self) -> bytes:
        """All of them."""
        return generate_latest(self._registry)


class Measured:
    """An app whose requests are counted; paths that it does not know count as one."""

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: Collection[str]) -> None:
        self._app, self._metrics, self._routes = app, metrics, frozenset(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        route = scope["path"] if scope["path"] in self._routes else "other"
        status, began = 500, time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._metrics.requests.labels(route, str(status)).inc()
            self._metrics.request_seconds.labels(route).observe(time.perf_counter() - began)
