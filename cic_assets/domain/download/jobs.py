"""One URL on its way to an outcome, and the single request that takes it one step further."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from yarl import URL

from cic_assets.domain.download.examine import Keeper, Kept
from cic_assets.domain.download.network import Network
from cic_assets.domain.download.patience import Patience
from cic_assets.domain.download.placeholders import is_removed_page
from cic_assets.domain.download.results import Download, FetchError, FetchRequest
from cic_assets.domain.download.settings import DownloadSettings
from cic_assets.domain.media import Outcome
from cic_assets.storage import ContentStore

if TYPE_CHECKING:
    import aiohttp

    from cic_assets.domain.download.exchange import Answer

MAX_VALIDATOR_LENGTH = 200
"""Of an ETag or a date. Real ones have up to some 70 characters."""


@dataclass(slots=True)
class Job:
    """One URL on its way.

    Attributes:
        request: what was asked for.
        url: what is asked next.
        seconds_left: of the deadline; only the hosts' time is taken from it.
        failures: transient ones so far.
        attempts: requests sent.
        seen: URLs asked since the start, or since the fallback's.
        source_failure: why the source failed, once the fallback is tried.
        conditional: whether the host may say "unchanged".
        started: when the first request was sent, on the event loop's clock.
    """

    request: FetchRequest
    url: URL
    seconds_left: float
    failures: int = 0
    attempts: int = 0
    seen: set[str] = field(default_factory=set)
    source_failure: FetchError | None = None
    conditional: bool = True
    started: float | None = None

    @property
    def host(self) -> str:
        """Whose turn the next request needs."""
        return self.url.raw_host or ""

    def turn_to_fallback(self, url: URL, seconds: float, failure: FetchError) -> None:
        """Start over with the fallback's URL, remembering why the source failed."""
        self.url, self.seconds_left, self.source_failure = url, seconds, failure
        self.failures, self.conditional = 0, False
        self.seen.clear()

    def success(self, kept: Kept, answer: "Answer", seconds: float) -> Download:
        """The end of a job whose picture is in the store."""
        return Download(
            url=self.request.url,
            outcome=Outcome.OK,
            reason=f"from the fallback; source: {self.source_failure.reason}" if self.source_failure else "",
            sha256=kept.sha256,
            format=kept.format,
            width=kept.width,
            height=kept.height,
            bytes=kept.bytes,
            final_url=str(self.url),
            etag=_to_ask_again_with(answer, "ETag"),
            last_modified=_to_ask_again_with(answer, "Last-Modified"),
            used_fallback=self.source_failure is not None,
            not_modified=answer.status == HTTPStatus.NOT_MODIFIED,
            attempts=self.attempts,
            seconds=seconds,
        )

    def failure(self, failure: FetchError, seconds: float) -> Download:
        """The end of a job that gave no picture: the source's failure counts, not the fallback's."""
        source = self.source_failure
        return Download(
            url=self.request.url,
            outcome=source.outcome if source else failure.outcome,
            reason=f"{source.reason}; fallback: {failure.reason}" if source else failure.reason,
            final_url=str(self.url),
            transient=failure.may_pass or (source is not None and source.may_pass),
            attempts=self.attempts,
            seconds=seconds,
        )


class Attempts:
    """Sends a job's next request and makes of the answer what can be made of it."""

    def __init__(
        self,
        session: "aiohttp.ClientSession",
        pool: ThreadPoolExecutor,
        *,
        store: ContentStore,
        settings: DownloadSettings,
        network: Network,
    ) -> None:
        # With aiohttp, which costs what only declares downloads half a second.
        from cic_assets.domain.download.exchange import Exchange

        self._exchange = Exchange(session, settings)
        self._pool = pool
        self._keeper = Keeper(store, settings)
        self._settings = settings
        self._network = network

    async def attempt(self, job: Job, on_answer: Callable[[], None]) -> "tuple[Kept, Answer] | None":
        """One request. The picture, in the store, and the answer that it came with; None after a redirect.

        Args:
            job: whose next request is sent.
            on_answer: called when the answer is here whole, before it is looked into: the host is free.

        Raises:
            FetchError: neither.
        """
        patience = Patience(self._settings, job.seconds_left)
        job.attempts += 1
        job.seen.add(str(job.url))
        url = self._network.as_spoken(job.url)
        try:
            async with self._exchange.ask(url, _conditions(job), patience) as answer:
                on_answer()
                if answer.location is not None:
                    self._follow(job, answer.location)
                    return None
                return await self._keep(job, answer), answer
        finally:
            job.seconds_left = patience.seconds_left

    def _follow(self, job: Job, location: str) -> None:
        url = self._network.parse(location, base=job.url, ports=self._settings.ports)
        if is_removed_page(url):
            raise FetchError(Outcome.PLACEHOLDER, f"redirects to {str(url)[:200]}")
        if str(url) in job.seen:
            raise FetchError(Outcome.ERROR, "redirect loop")
        if len(job.seen) > self._settings.max_redirects:
            raise FetchError(Outcome.ERROR, f"more than {self._settings.max_redirects} redirects")
        job.url = url

    async def _keep(self, job: Job, answer: "Answer") -> Kept:
        request = job.request
        if answer.status == HTTPStatus.NOT_MODIFIED:
            if request.sha256 is None or request.format is None:
                raise FetchError(Outcome.HTTP_ERROR, "HTTP 304 to a request without conditions")
            job.conditional = False
            return await self._in_thread(self._keeper.keep_again, request.sha256, request.format)
        encoding = answer.headers.get("Content-Encoding", "")
        return await self._in_thread(self._keeper.keep, answer.body, encoding)

    async def _in_thread(self, function: Callable[..., Kept], *arguments: object) -> Kept:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


def _conditions(job: Job) -> dict[str, str]:
    """Headers that let the host say "unchanged" instead of sending what we kept; none for the fallback."""
    request = job.request
    if not job.conditional or request.sha256 is None or request.format is None:
        return {}
    conditions = {"If-None-Match": request.etag, "If-Modified-Since": request.last_modified}
    return {name: value for name, value in conditions.items() if value}


def _to_ask_again_with(answer: "Answer", name: str) -> str | None:
    """A header that goes into a table and back to the host: nothing but what such a header may be (RFC 9110, 8.8)."""
    value = answer.headers.get(name)
    return value if value and len(value) <= MAX_VALIDATOR_LENGTH and value.isascii() and value.isprintable() else None
