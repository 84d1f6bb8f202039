"""An answer that takes a while to make, made once for all who ask within some seconds."""

import logging
import threading
import time
from collections.abc import Callable

LOG = logging.getLogger(__name__)

KEPT_SECONDS = 5.0
"""For which an answer counts: several who scrape the same cost no more than one."""

WAIT_SECONDS = 20.0
"""For which somebody waits while the answer is made; Prometheus gives up after ten unless told otherwise."""


class UnreadableError(Exception):
    """There is no answer now; the message is for whoever asks, and holds nothing that is not theirs to know."""


class Kept:
    """Makes an answer, one thread at a time, and keeps it. So is a failure: who asks then hears of it at once."""

    def __init__(
        self,
        make: Callable[[], bytes],
        *,
        seconds: float = KEPT_SECONDS,
        patience: float = WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._seconds, self._patience, self._clock = make, seconds, patience, clock
        self._turn = threading.Lock()
        self._until = float("-inf")
        self._answer: bytes | None = None
        self._failure = ""

    def get(self) -> bytes:
        """The answer, at most `seconds` old.

        Raises:
            UnreadableError: it could not be made, or is still being made.
        """
        if not self._turn.acquire(timeout=self._patience):
            raise UnreadableError("the instance is still being read: ask less often")
        try:
            if self._clock() >= self._until:
                self._renew()
        finally:
            self._turn.release()
        if self._answer is None:
            raise UnreadableError("the instance cannot be read: the log of this server says why")
        return self._answer

    def _renew(self) -> None:
        try:
            self._answer, failure = self._make(), ""
        except Exception as error:  # noqa: BLE001 - whatever it is, the server goes on and tries again
            first, *_ = str(error).splitlines() or [""]  # databases add their questions
            self._answer, failure = None, f"{type(error).__name__}: {first}"
            if failure != self._failure:  # once, and not every few seconds while it lasts
                LOG.error("metrics cannot be read: %s", failure)  # noqa: TRY400 - a line is what helps
        if self._failure and not failure:
            LOG.warning("metrics can be read again")
        self._failure = failure
        self._until = self._clock() + self._seconds
