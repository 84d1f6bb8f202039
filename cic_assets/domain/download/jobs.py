"""One URL on its way to an outcome, and the single request that takes it one step further."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

from cic_assets.domain.download.examine import ImageValidator, ValidatedImage
from cic_assets.domain.download.manners import site_of
from cic_assets.domain.download.network import Network
from cic_assets.domain.download.placeholders import is_removed_page
from cic_assets.domain.download.results import Download, FetchError, FetchRequest
from cic_assets.domain.download.settings import DownloadSettings
from cic_assets.domain.download.timeouts import Timeouts
from cic_assets.domain.media import Outcome
from cic_assets.storage import ContentStore

if TYPE_CHECKING:
    import aiohttp

    from cic_assets.domain.download.exchange import Answer
    from cic_assets.domain.download.proxies import Tunnels

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
        refusals: how often the host said that it is asked too fast.
        attempts: requests sent.
        seen: URLs asked since the start, or since the fallback's.
        source_failure: why the source failed, once the fallback is tried.
        started: when the first request was sent, on the event loop's clock.
    """

    request: FetchRequest
    url: URL
    seconds_left: float
    failures: int = 0
    refusals: int = 0
    attempts: int = 0
    seen: set[str] = field(default_factory=set)
    source_failure: FetchError | None = None
    started: float | None = None

    @property
    def host(self) -> str:
        """Whose turn the next request needs."""
        return site_of(self.url.raw_host or "")

    def turn_to_fallback(self, url: URL, seconds: float, failure: FetchError) -> None:
        """Start over with the fallback's URL, remembering why the source failed."""
        self.url, self.seconds_left, self.source_failure = url, seconds, failure
        self.failures = self.refusals = 0
        self.seen.clear()

    def success(self, kept: ValidatedImage, answer: "Answer", seconds: float) -> Download:
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
            etag=_validator_header(answer, "ETag"),
            last_modified=_validator_header(answer, "Last-Modified"),
            used_fallback=self.source_failure is not None,
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
        tunnels: "Tunnels | None" = None,
    ) -> None:
        # With aiohttp, which costs what only declares downloads a tenth of a second.
        from cic_assets.domain.download.exchange import Exchange

        self._exchange = Exchange(session, settings, tunnels)
        self._pool = pool
        self._validator = ImageValidator(store, settings)
        self._settings = settings
        self._network = network

    async def attempt(self, job: Job, on_answer: Callable[[], None]) -> "tuple[ValidatedImage, Answer] | None":
        """One request. The picture, in the store, and the answer that it came with; None after a redirect.

        Args:
            job: whose next request is sent.
            on_answer: called when the answer is here whole, before it is looked into: the host is free.

        Raises:
            FetchError: neither.
        """
        timeouts = Timeouts(self._settings, job.seconds_left)
        job.attempts += 1
        job.seen.add(str(job.url))
        url = self._network.as_spoken(job.url)
        try:
            async with self._exchange.ask(url, timeouts) as answer:
                on_answer()
                if answer.location is not None:
                    self._follow(job, answer.location)
                    return None
                return await self._keep(answer), answer
        finally:
            job.seconds_left = timeouts.seconds_left

    def _follow(self, job: Job, location: str) -> None:
        url = self._network.parse(location, base=job.url, ports=self._settings.ports)
        if is_removed_page(url):
            raise FetchError(Outcome.PLACEHOLDER, f"redirects to {str(url)[:200]}")
        if str(url) in job.seen:
            raise FetchError(Outcome.ERROR, "redirect loop")
        if len(job.seen) > self._settings.max_redirects:
            raise FetchError(Outcome.ERROR, f"more than {self._settings.max_redirects} redirects")
        job.url = url

    async def _keep(self, answer: "Answer") -> ValidatedImage:
        encoding = answer.headers.get("Content-Encoding", "")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._validator.keep, answer.body, encoding)


def _validator_header(answer: "Answer", name: str) -> str | None:
    """A header that goes into a table: nothing but what such a header may be (RFC 9110, 8.8)."""
    value = answer.headers.get(name)
    return value if value and len(value) <= MAX_VALIDATOR_LENGTH and value.isascii() and value.isprintable() else None
