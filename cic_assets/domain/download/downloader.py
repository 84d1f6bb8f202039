"""The run: from requests to one `Download` each, whatever the hosts do.

A job holds a turn at one host only while a request of its is under way. While its answer is looked into, another asks;
redirects, retries and the fallback queue again. What the answers mean is decided in `jobs.py`, whose turn it is in
`schedule.py`.
"""

import asyncio
import contextlib
import math
import random
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from cic_assets.domain.download.budget import large_blocks_returned
from cic_assets.domain.download.hosts import MOST_REFUSALS, HostHealth
from cic_assets.domain.download.jobs import Attempts, Job
from cic_assets.domain.download.network import Network
from cic_assets.domain.download.results import Download, FetchError, FetchRequest, Progress
from cic_assets.domain.download.schedule import Schedule
from cic_assets.domain.download.settings import DownloadSettings
from cic_assets.domain.media import Outcome
from cic_assets.domain.retrying import backoff
from cic_assets.storage import ContentStore

if TYPE_CHECKING:
    import aiohttp

OnResult = Callable[[Download, Progress], None]
"""Called in the event loop for each URL that has its outcome: to be quick, and to raise only to end the run."""

FALLBACK_OUTCOMES = frozenset(
    {
        Outcome.HTTP_ERROR,
        Outcome.TIMEOUT,
        Outcome.ERROR,
        Outcome.TRUNCATED,
        Outcome.EMPTY,
        Outcome.NOT_AN_IMAGE,
        Outcome.TOO_LARGE,
    }
)
"""What a preview makes up for: a host that fails. Not one that says no, or that shows that the picture was removed."""


def download(
    requests: Iterable[FetchRequest],
    *,
    store: ContentStore,
    settings: DownloadSettings | None = None,
    network: Network | None = None,
    known: Mapping[str, Download] | None = None,
    on_result: OnResult | None = None,
) -> dict[str, Download]:
    """Fetch URLs, each once, and keep the pictures among what they give.

    Memory is bounded by `settings.max_bytes_in_flight` for bodies, besides a few kilobytes a URL.

    Args:
        requests: in any order; of several with one URL the first counts, with the first fallback that any of them has.
        store: where the bytes go, each file whole or not at all.
        settings: the defaults where omitted.
        network: the public internet where omitted.
        known: downloads of an earlier run by URL, which are given back as they are and not asked for.
        on_result: called for each URL that was not known, with how far the run is.

    Returns:
        Downloads by URL, in the order of the requests.

    Raises:
        OSError: the store cannot be written to. Nothing that a host does is raised.
    """
    settings, network, known = settings or DownloadSettings(), network or Network.public(), known or {}
    unique = _unique(requests)
    wanted = [request for url, request in unique.items() if url not in known]

    async def fetch() -> dict[str, Download]:
        async with (
            network.connector() as connector,
            network.tunnels() as tunnels,
            _session(settings, connector) as session,
        ):
            attempts = Attempts(session, pool, store=store, settings=settings, network=network, tunnels=tunnels)
            return await _Run(attempts, settings, network, on_result).fetch(wanted)

    with large_blocks_returned(), ThreadPoolExecutor(settings.workers, thread_name_prefix="download") as pool:
        fetched = asyncio.run(fetch())
    return {url: known[url] if url in known else fetched[url] for url in unique}


def _unique(requests: Iterable[FetchRequest]) -> dict[str, FetchRequest]:
    unique: dict[str, FetchRequest] = {}
    for request in requests:
        first = unique.setdefault(request.url, request)
        if first.fallback_url is None and request.fallback_url is not None:
            unique[request.url] = replace(first, fallback_url=request.fallback_url)
    return unique


def _session(settings: DownloadSettings, connector: "aiohttp.TCPConnector") -> "aiohttp.ClientSession":
    import aiohttp

    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        # A packed body is unpacked by us, no further than the limit.
        auto_decompress=False,
        # `Timeouts` times what we send and read.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        # Reddit's hosts answer a browser's Accept with a page around the picture.
        headers={"User-Agent": settings.user_agent, "Accept": "image/*", "Accept-Encoding": "identity"},
    )


class _Run:
    """Jobs from their first request to their last, and what became of them."""

    def __init__(
        self, attempts: Attempts, settings: DownloadSettings, network: Network, on_result: OnResult | None
    ) -> None:
        self._attempts = attempts
        self._settings = settings
        self._network = network
        self._on_result = on_result
        self._schedule: Schedule[Job] = Schedule(
            concurrency=settings.concurrency,
            per_host=settings.per_host,
            per_second=settings.per_host_per_second or math.inf,
            manners=network.manners_of,
        )
        self._health = HostHealth(settings.host_failures)
        self._now = asyncio.get_running_loop().time
        self._started = self._now()
        self._changed = asyncio.Event()
        self._progress = Progress(0)
        self._results: dict[str, Download] = {}

    async def fetch(self, requests: list[FetchRequest]) -> dict[str, Download]:
        """Downloads by URL, in the order in which they ended."""
        self._progress.total = len(requests)
        for request in requests:
            self._admit(request)
        try:
            async with asyncio.TaskGroup() as tasks:
                while self._progress.done < self._progress.total:
                    self._changed.clear()
                    while (job := self._schedule.start(self._now())) is not None:
                        tasks.create_task(self._take_turn(job))
                    await self._next_change()
        except ExceptionGroup as group:
            # The others were cancelled for it; a full disk is one error, not a group of them.
            raise group.exceptions[0] from None
        return self._results

    async def _next_change(self) -> None:
        """Until a turn ends, or a delayed job or a paused host is due."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._schedule.next_due()):
                await self._changed.wait()

    def _admit(self, request: FetchRequest) -> None:
        try:
            url = self._network.parse(request.asked_url or request.url, ports=self._settings.ports)
        except FetchError as failure:
            self._finish(Download(url=request.url, outcome=failure.outcome, reason=failure.reason))
            return
        job = Job(request, url, self._settings.deadline_seconds)
        self._schedule.add(job.host, job)

    async def _take_turn(self, job: Job) -> None:
        try:
            with contextlib.ExitStack() as turn:
                turn.callback(self._end_turn, job.host)
                await self._step(job, on_answer=turn.close)
        finally:
            self._changed.set()

    def _end_turn(self, host: str) -> None:
        self._schedule.finish(host)
        self._changed.set()

    async def _step(self, job: Job, on_answer: Callable[[], None]) -> None:
        """One request, and where it leads: to the end, or back into the queue."""
        host, sent = job.host, self._now()
        job.started = sent if job.started is None else job.started
        try:
            self._health.check(host)
            success = await self._attempts.attempt(job, on_answer)
        except FetchError as failure:
            self._note_failure(job, host, failure, sent)
            self._after(failure, job, host)
            return
        self._note_success(host)
        if success is None:
            self._schedule.add(job.host, job)
        else:
            self._finish(job.success(*success, self._now() - job.started))

    def _note_success(self, host: str) -> None:
        self._health.succeeded(host)
        self._schedule.answered(host, self._now())

    def _note_failure(self, job: Job, host: str, failure: FetchError, sent: float) -> None:
        if failure.too_fast:
            # Of the many that were under way at once the first counts.
            if self._schedule.slow_down(host, sent, self._now()):
                job.refusals += 1
                self._pause(host, failure)
        elif failure.host_fault:
            self._health.failed(host, failure)
        else:
            self._note_success(host)

    def _pause(self, host: str, failure: FetchError) -> None:
        """Let a host alone for a while that was asked too fast; for good where that would be too long."""
        times = self._health.refused(host, failure)
        pause = backoff(times, self._settings.backoff_seconds, longest=math.inf)
        pause = pause if failure.wait is None else failure.wait
        if pause > self._settings.max_wait_seconds:
            self._health.leave_alone(host, failure, f"would have to be left alone for {pause:.0f} s")
        if self._health.is_left_alone(host):
            self._schedule.release(host)
        else:
            self._schedule.pause(host, self._now() + pause)

    def _after(self, failure: FetchError, job: Job, host: str) -> None:
        """Ask again, turn to the fallback, or end."""
        if failure.too_fast and not self._health.is_left_alone(host) and job.refusals < MOST_REFUSALS:
            # Behind the others: after the host's pause somebody else is to ask first.
            self._schedule.add(host, job)
        elif self._may_retry(failure, job):
            self._retry(failure, job, host)
        elif self._turn_to_fallback(failure, job):
            self._schedule.add(job.host, job)
        else:
            self._finish(job.failure(failure, self._now() - (job.started or self._now())))

    def _may_retry(self, failure: FetchError, job: Job) -> bool:
        patient = failure.wait is None or failure.wait <= self._settings.max_wait_seconds
        passes = failure.transient and not failure.too_fast
        return passes and patient and job.failures < self._settings.retries

    def _retry(self, failure: FetchError, job: Job, host: str) -> None:
        job.failures += 1
        now = self._now()
        pause = backoff(job.failures, self._settings.backoff_seconds, longest=math.inf)
        if failure.wait is not None:
            # What it asked for is meant for all of our requests, not for this one alone.
            self._schedule.pause(host, now + failure.wait)
            pause = failure.wait + pause * random.random()  # noqa: S311, no secret
        self._schedule.add(host, job, at=now + pause)

    def _turn_to_fallback(self, failure: FetchError, job: Job) -> bool:
        fallback = job.request.fallback_url
        fails = failure.outcome in FALLBACK_OUTCOMES and not failure.final
        if fallback is None or job.source_failure is not None or not fails:
            return False
        try:
            url = self._network.parse(fallback, ports=self._settings.ports)
        except FetchError:
            return False
        job.turn_to_fallback(url, self._settings.deadline_seconds, failure)
        return True

    def _finish(self, download: Download) -> None:
        self._results[download.url] = download
        self._progress.count(download, self._now() - self._started)
        if self._on_result is not None:
            self._on_result(download, self._progress)
