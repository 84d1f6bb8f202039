"""One request and its answer: caps, timeouts, and what a status or a broken connection means.

Whatever a host does ends in an `Answer` or in a `FetchError`. What a body's bytes are is none of this file's business.
"""

import io
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from cic_assets.domain.download.budget import ByteBudget, Claim
from cic_assets.domain.download.manners import WIKIMEDIA, site_of
from cic_assets.domain.download.proxies import Tunnels
from cic_assets.domain.download.results import FetchError, nothing_unforeseen
from cic_assets.domain.download.robots import refusal
from cic_assets.domain.download.settings import DownloadSettings
from cic_assets.domain.download.timeouts import Timeouts
from cic_assets.domain.media import Outcome
from cic_assets.domain.retrying import TRANSIENT_STATUSES, retry_after

ROBOT = "cic_assets"
"""Our name where an X-Robots-Tag is meant for one robot."""

FINAL_STATUSES = frozenset({404, 410, 451})
"""By which a host says no. A preview that it forgot to take away is none of its pictures any more."""

_OF_WIDTHS = frozenset({400, 429})
_FIRST_WORDS = 4096
_WIDTH_WORDS = (b"humbnail steps", b"w.wiki/GHai")

REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host said.

    Attributes:
        status: 200 or a redirect's; all others are failures.
        headers: as they came.
        body: of a 200, else empty.
    """

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes = b""

    @property
    def location(self) -> str | None:
        """Where a redirect leads; None if this is none."""
        return self.headers.get("Location") if self.status in REDIRECTS else None


class Exchange:
    """Requests within the settings' limits, over one session and one budget of memory."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: DownloadSettings, tunnels: Tunnels | None = None
    ) -> None:
        self._session = session
        self._settings = settings
        self._tunnels = tunnels
        self._budget = ByteBudget(settings.max_bytes_in_flight, settings.max_bytes)

    @asynccontextmanager
    async def ask(self, url: URL, timeouts: Timeouts) -> AsyncIterator[Answer]:
        """Send a GET; the body of its answer counts against the budget as long as the block lasts.

        Args:
            url: a checked one.
            timeouts: a fresh one.

        Raises:
            FetchError: no answer that could be used.
        """
        async with AsyncExitStack() as held:
            with nothing_unforeseen(), _explained(timeouts):
                async with timeouts.alarm:
                    asked, how = await self._tunnels.through(url) if self._tunnels else (url, {})
                    async with self._session.get(asked, allow_redirects=False, **how) as response:
                        await _refuse_width(url, response)
                        answer = await self._answer(response, timeouts, held)
            yield answer

    async def _answer(self, response: aiohttp.ClientResponse, timeouts: Timeouts, held: AsyncExitStack) -> Answer:
        _check_status(response)
        if response.status != HTTPStatus.OK:
            return Answer(response.status, response.headers)
        self._check_robots(response)
        claim = held.enter_context(self._budget.claim(self._most_bytes(response)))
        timeouts.begin_body()
        return Answer(response.status, response.headers, await self._body(response, timeouts, claim))

    def _check_robots(self, response: aiohttp.ClientResponse) -> None:
        directive = refusal(response.headers.getall("X-Robots-Tag", []), self._settings.robots_directives, ROBOT)
        if directive is not None:
            raise FetchError(Outcome.SKIPPED, f"X-Robots-Tag: {directive}")

    def _most_bytes(self, response: aiohttp.ClientResponse) -> int:
        """Bytes of memory that a body may take: as many as its host says, if that is what it says."""
        size, most = response.content_length, self._settings.max_bytes
        if size is not None and size > most:
            raise FetchError(Outcome.TOO_LARGE, f"{size} bytes announced, more than {most}")
        # What is packed has to be unpacked, and chunks may be more than was said.
        differs = "Content-Encoding" in response.headers or "Transfer-Encoding" in response.headers
        return most if size is None or differs else size

    async def _body(self, response: aiohttp.ClientResponse, timeouts: Timeouts, claim: Claim) -> bytes:
        # Grows in place and gives its bytes away uncopied: joined pieces would take a body's memory twice.
        body = io.BytesIO()
        async for piece in response.content.iter_any():
            if body.tell() + len(piece) > self._settings.max_bytes:
                raise FetchError(Outcome.TOO_LARGE, f"more than {self._settings.max_bytes} bytes")
            await self._hold(claim, body.tell() + len(piece), timeouts)
            body.write(piece)
            timeouts.received(len(piece))
        if "Content-Encoding" in response.headers:
            await self._hold(claim, claim.most, timeouts)
        self._budget.end(claim)
        return body.getvalue()

    async def _hold(self, claim: Claim, size: int, timeouts: Timeouts) -> None:
        """Have room for a body of so many bytes; as long as there is none, the host's clock stands still."""
        more = size - claim.size
        if more <= 0 or self._budget.try_grow(claim, more):
            return
        since = timeouts.hold()
        await self._budget.grow(claim, more)
        timeouts.go_on(since)


async def _refuse_width(url: URL, response: aiohttp.ClientResponse) -> None:
    """Tell Wikimedia's refusal of a thumbnail's width, which is 429 or 400, from that of somebody who asks too fast."""
    if response.status not in _OF_WIDTHS or site_of(url.raw_host or "") != WIKIMEDIA:
        return
    words = await response.content.read(_FIRST_WORDS)
    if any(mark in words for mark in _WIDTH_WORDS):
        raise FetchError(Outcome.HTTP_ERROR, f"HTTP {response.status}: no thumbnail of this width")


def _check_status(response: aiohttp.ClientResponse) -> None:
    status = response.status
    if status == HTTPStatus.OK or (status in REDIRECTS and "Location" in response.headers):
        return
    wait = retry_after(response.headers.get("Retry-After")) if status in TRANSIENT_STATUSES else None
    raise FetchError(
        Outcome.HTTP_ERROR,
        f"HTTP {status}",
        transient=status in TRANSIENT_STATUSES,
        wait=wait,
        host_fault=wait is not None or status == HTTPStatus.TOO_MANY_REQUESTS,
        too_fast=status == HTTPStatus.TOO_MANY_REQUESTS,
        final=status in FINAL_STATUSES,
    )


@contextmanager
def _explained(timeouts: Timeouts) -> Iterator[None]:
    """Say what an error of the client means for the picture."""
    try:
        yield
    except FetchError:
        raise
    except TimeoutError as error:
        raise FetchError(Outcome.TIMEOUT, timeouts.why(), host_fault=not timeouts.answered) from error
    except aiohttp.ClientHttpProxyError as error:
        raise FetchError(Outcome.ERROR, f"the proxy refuses: HTTP {error.status}", transient=True) from error
    except aiohttp.ClientConnectorDNSError as error:
        raise _no_address(error) from error
    except aiohttp.ClientConnectorError as error:
        reason = f"no connection to {error.host}: {_words(error)}"
        may_pass = not isinstance(error, aiohttp.ClientSSLError)
        raise FetchError(Outcome.ERROR, reason, transient=may_pass, host_fault=True) from error
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError) as error:
        raise _broken(error, timeouts) from error
    except (aiohttp.ClientError, ValueError) as error:
        raise FetchError(Outcome.ERROR, f"not an answer of HTTP: {_words(error)}") from error


def _no_address(error: aiohttp.ClientConnectorDNSError) -> FetchError:
    may_pass = error.os_error.errno == socket.EAI_AGAIN
    return FetchError(Outcome.ERROR, f"no address for {error.host}", transient=may_pass, host_fault=True)


def _broken(error: aiohttp.ClientError, timeouts: Timeouts) -> FetchError:
    if timeouts.answered:
        reason = f"connection ended after {timeouts.bytes_received} bytes of the body"
        return FetchError(Outcome.TRUNCATED, reason, transient=True)
    return FetchError(Outcome.ERROR, f"connection ended: {_words(error)}", transient=True, host_fault=True)


def _words(error: Exception) -> str:
    """An error in a few words; what hosts send is quoted in some of them."""
    return str(error) or type(error).__name__
