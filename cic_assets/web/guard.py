"""Who may ask, and how often: a token, a rate for each address, no pages of other sites; and every answer's headers."""

import hashlib
import hmac
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from cic_assets.web.listening import Listening

OPEN_PATHS = frozenset({"/health", "/ready"})
"""Asked by what watches over the server, which has no token; they tell nothing else."""

PAGES = frozenset({"/", "/review"})
"""What a person opens in a browser: there the token may stand in the address."""

MOST_ADDRESSES = 10_000
"""That are remembered; the one that was quiet for longest is forgotten first."""

BURST_SECONDS = 10.0
"""What an address may send at once, in seconds of its rate."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
"""Of every answer that does not say otherwise: nothing is loaded, framed, guessed at or kept."""


class WithSafeHeaders:
    """An app whose answers all have `HEADERS`, also those to what fails."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, adding if scope["type"] == "http" else send)


class Guard:
    """An app that only those reach who may: others get a refusal that says why."""

    def __init__(self, app: ASGIApp, settings: Listening, limiter: "RateLimiter") -> None:
        self._app, self._settings, self._limiter = app, settings, limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        refusal = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if request.url.path in OPEN_PATHS:
            return None
        # Before the token, so that nobody tries many.
        if wait := self._limiter.take(address_of(request)):
            return refused(429, "too many requests from this address", {"Retry-After": str(math.ceil(wait))})
        if not shows_token(request, self._settings):
            return refused(
                401, "a token is needed: Authorization: Bearer TOKEN, or /?token=TOKEN in a browser",
                {"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        if request.method == "POST" and _is_from_another_site(request):
            return refused(403, "pages of other sites may not ask")
        return None


def refused(status: int, why: str, headers: dict[str, str] | None = None) -> Response:
    """An answer that says why there is no other."""
    return JSONResponse({"error": why}, status_code=status, headers=headers)


def remember_token(request: Request, response: Response, settings: Listening) -> None:
    """Of a page whose address had the token: the browser shows a proof of it from now on."""
    if settings.token and request.query_params.get("token"):
        secure = request.url.scheme == "https"
        name, proof = _cookie_of(settings)
        response.set_cookie(name, proof, httponly=True, samesite="strict", secure=secure)


async def _refusal(_: Request, error: Exception) -> Response:
    """Every refusal is JSON with a reason."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)


async def _failure(_: Request, _error: Exception) -> Response:
    """The log says what it was, and nobody else."""
    return JSONResponse({"error": "the server failed: its log says why"}, status_code=500)


EXCEPTION_HANDLERS: Mapping[Any, ExceptionHandler] = {HTTPException: _refusal, Exception: _failure}


def guarded(settings: Listening, limiter: "RateLimiter") -> list[Middleware]:
    """What stands before an app: by whose name it is asked, then who asks."""
    return [
        Middleware(Guard, settings=settings, limiter=limiter),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts), www_redirect=False),
    ]


def address_of(request: HTTPConnection) -> str:
    """Whom a request is from: an IPv4 address or the first half of an IPv6 one, of which anybody has many."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and not address.is_loopback:
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return host


def _cookie_of(settings: Listening) -> tuple[str, str]:
    """Set by the page where the URL has the token: a name, and proof of the token, which is not the token.

    Browsers give a cookie to all ports of a host: by its name another server there does not take its place.
    """
    return f"cic-{settings.port}", hmac.digest(settings.token.encode(), b"cic serve", hashlib.sha256).hex()


def shows_token(request: HTTPConnection, settings: Listening) -> bool:
    """Whether a request has the token: in a header, in the page's URL, or its proof in the page's cookie."""
    token = settings.token
    if not token:
        return True
    cookie, proof = _cookie_of(settings)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    in_url = request.query_params.get("token", "") if request.url.path in PAGES else ""
    shown = [
        _equal(given.strip(), token) and scheme.lower() == "bearer",
        _equal(in_url, token),
        _equal(request.cookies.get(cookie, ""), proof),
    ]
    return any(shown)


def _equal(given: str, expected: str) -> bool:
    """In a time that says nothing of how much was right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _is_from_another_site(request: Request) -> bool:
    """What browsers say of themselves, older ones by the origin alone; other programs say nothing."""
    if site := request.headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host", "")


class RateLimiter:
    """A token bucket for each address, full at first; debts are made good by waiting."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """So many a second for each address; 0 for any number."""
        self._rate, self._clock = rate, clock
        self._burst = max(rate * BURST_SECONDS, 1)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> float:
        """Take one; the seconds to wait where there is none, 0 where there was."""
        left = self._left(address)
        if left >= 1:
            self._keep(address, left - 1)
            return 0
        return (1 - left) / self._rate

    def charge(self, address: str, count: int) -> None:
        """Take what is known only once a request was read; it may leave debts."""
        self._keep(address, self._left(address) - count)

    def _left(self, address: str) -> float:
        if not self._rate:
            return math.inf
        now = self._clock()
        left, when = self._buckets.get(address, (self._burst, now))
        return min(self._burst, left + (now - when) * self._rate)

    def _keep(self, address: str, left: float) -> None:
        if left == math.inf:
            return
        self._buckets[address] = left, self._clock()
        self._buckets.move_to_end(address)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
