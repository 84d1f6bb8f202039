"""Which models answer: those of the data root, loaded while the server is up, and again once there are newer ones."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from typing import Self

from cic_assets.domain.models import FULL
from cic_assets.domain.prediction import OnKeras
from cic_assets.storage import DataRoot
from cic_assets.web.predict.panel import Panel, models_state

Loading = Callable[[], AbstractContextManager[OnKeras]]
"""A context in which models are loaded, and what is told why Keras has to be."""

LOG = logging.getLogger("uvicorn.error")


def silently() -> AbstractContextManager[OnKeras]:
    """Nobody is told."""
    return nullcontext(lambda _why: None)


class Panels:
    """The panel that answers now. A request keeps the one that it began with, so that a change drops none.

    Attributes:
        current: None until the first is loaded.
        reloads: how often a newer one took its place.
        failure: why the first could not be loaded.
    """

    def __init__(
        self,
        load: Callable[[], Panel],
        state: Callable[[], str],
        *,
        seconds: float = 10,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        """Load nothing yet.

        Args:
            load: makes a panel; PredictionError where it cannot.
            state: something that is another when there is a newer one to load.
            seconds: between two looks at it.
            on_failure: called when the first cannot be loaded.
        """
        self._load, self._state, self._seconds, self._on_failure = load, state, seconds, on_failure
        self._settled = asyncio.Event()
        self._complaint = ""
        self.current: Panel | None = None
        self.reloads = 0
        self.failure: Exception | None = None

    @classmethod
    def of_root(
        cls,
        root: DataRoot,
        *,
        seconds: float,
        loading: Loading = silently,
        on_failure: Callable[[], None] = lambda: None,
        precision: str = FULL,
    ) -> Self:
        """The models of a data root, in a precision; those that come later are loaded without a word."""
        contexts = iter([loading])

        def load() -> Panel:
            with next(contexts, silently)() as on_keras:
                return Panel.load(root, on_keras, precision)

        return cls(load, lambda: models_state(root, precision), seconds=seconds, on_failure=on_failure)

    @classmethod
    def fixed(cls, panel: Panel) -> Self:
        """A panel that is loaded already, and stays."""
        panels = cls(lambda: panel, lambda: "")
        panels.current = panel
        panels._settled.set()
        return panels

    async def ready(self, seconds: float) -> Panel | None:
        """The panel that answers now; while the first is loaded, a request waits for it; None if in vain."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), seconds)
        return self.current

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Load the first, and look for newer ones, for as long as the block lasts."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        state = "" if self.current else await self._load_first()
        while self.failure is None:
            await asyncio.sleep(self._seconds)
            state = await self._look(state)

    async def _load_first(self) -> str:
        state = ""
        try:
            state = await asyncio.to_thread(self._state)
            self.current = await asyncio.to_thread(self._load)
        except Exception as error:  # noqa: BLE001 - whatever it is, the server ends with it
            self.failure = error
            self._on_failure()
        finally:
            self._settled.set()
        return state

    async def _look(self, before: str) -> str:
        """Load what is new; what cannot be loaded is tried again at the next look: it may be half written."""
        try:
            state = await asyncio.to_thread(self._state)
            if state == before:
                return before
            self.current = await asyncio.to_thread(self._load)
        except Exception as error:  # noqa: BLE001 - whatever it is: nobody would look any more, and say nothing
            if self._complaint != (complaint := str(error)):
                LOG.warning("New models cannot be loaded, the old ones answer: %s", complaint)
            self._complaint = complaint
            return before
        self.reloads += 1
        self._complaint = ""
        LOG.info("New models answer from now on")
        return state
