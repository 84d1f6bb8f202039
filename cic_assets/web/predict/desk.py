"""Where requests wait their turn: pictures are decoded and looked at by a few threads, fetched by others."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request

from cic_assets.domain.download import Network
from cic_assets.domain.prediction import Input, read_inputs
from cic_assets.web.bodies import Budget
from cic_assets.web.predict.bodies import Given, given_pictures
from cic_assets.web.predict.metrics import Metrics
from cic_assets.web.predict.panel import Answer, Panel
from cic_assets.web.predict.panels import Panels
from cic_assets.web.predict.settings import ServeSettings

T = TypeVar("T")

FETCHES = 4
"""Pictures that are fetched at once."""

AGAIN = {"Retry-After": "2"}
"""Seconds after which one who was sent away may try again."""


class Desk:
    """Takes requests in, as many as there is room for, and has them answered."""

    def __init__(self, panels: Panels, settings: ServeSettings, metrics: Metrics, network: Network) -> None:
        self.settings, self.metrics, self.budget = settings, metrics, Budget(settings.max_held)
        self._panels, self._network = panels, network
        self._models = ThreadPoolExecutor(settings.workers, thread_name_prefix="models")
        self._fetches = ThreadPoolExecutor(FETCHES, thread_name_prefix="fetches")
        self._under_way = 0

    async def panel(self) -> Panel:
        """The models that answer now.

        Raises:
            HTTPException: 503, they are still being loaded.
        """
        panel = await self._panels.ready(self.settings.answer_seconds)
        if panel is None:
            raise HTTPException(503, "the models are being loaded: try again in a moment", AGAIN)
        return panel

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the places for requests under way, for as long as the block lasts.

        Raises:
            HTTPException: 503, all of them are taken.
        """
        if self._under_way >= self.settings.most_at_once:
            raise HTTPException(503, "too many pictures at once: try again in a moment", AGAIN)
        self._under_way += 1
        self.metrics.under_way.set(self._under_way)
        try:
            yield
        finally:
            self._under_way -= 1
            self.metrics.under_way.set(self._under_way)

    async def answer(
        self,
        panel: Panel,
        request: Request,
        *,
        with_maps: bool = False,
        with_thumbnails: bool = False,
        charge: Callable[[int], None] = lambda _: None,
    ) -> list[Answer]:
        """Read the pictures that a request brings or names, and ask the models; in the order of the pictures.

        Args:
            panel: the models.
            request: whose body was not read.
            with_maps: whether to say what in the pictures speaks for which class.
            with_thumbnails: whether to show what the models know that is like them.
            charge: called with how many pictures there are.
        """
        with self.place():
            async with given_pictures(request, self.settings, self.budget) as pictures:
                charge(len(pictures))
                return await self._answers(panel, pictures, with_maps, with_thumbnails)

    async def _answers(
        self, panel: Panel, pictures: Sequence[Given], with_maps: bool, with_thumbnails: bool
    ) -> list[Answer]:
        """Not more at once than there are threads: what lies on the disk is read when its turn comes."""
        turns = asyncio.Semaphore(self.settings.workers)

        async def one(given: Given) -> Answer:
            async with turns:
                item = await self.read(given)
                answer = await self.run_in(self._models, lambda: self._ask(panel, item, with_maps, with_thumbnails))
                return replace(answer, url=given.url)

        return await asyncio.gather(*map(one, pictures))

    async def read(self, given: Given) -> Input:
        """The bytes of a picture."""
        if given.url is not None:
            url = given.url
            return await self.run_in(self._fetches, lambda: next(iter(read_inputs([url], self._network))))
        data = await given.file.read() if given.file else given.data
        return Input(given.name, data) if data else Input(given.name, error="the request holds no picture")

    def _ask(self, panel: Panel, item: Input, with_maps: bool, with_thumbnails: bool) -> Answer:
        began = time.perf_counter()
        answer = panel.ask(item, with_maps=with_maps, with_thumbnails=with_thumbnails)
        self.metrics.model_seconds.observe(time.perf_counter() - began)
        self.metrics.pictures.labels("unreadable" if answer.error else "answered").inc()
        return answer

    async def run_in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        """Have a thread do something; what was not begun in time is not begun at all."""
        future = asyncio.wrap_future(pool.submit(work))
        try:
            return await asyncio.wait_for(future, self.settings.answer_seconds)
        except TimeoutError:
            raise HTTPException(503, "no answer in time: try again in a moment", AGAIN) from None
