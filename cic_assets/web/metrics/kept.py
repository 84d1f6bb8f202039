"""An answer that takes a while to make, made once for all who ask within some seconds."""

import logging
import threading
import time
from collections.abc import Callable

LOG = logging.getLogger(__name__)

KEPT_SECONDS = 5.0
"""For which an answer counts: several who scrape the same cost no more than one."""

WAIT_SECONDS = 8.0
"""For which somebody waits while the answer is made: Prometheus gives up after ten unless told otherwise, and would not
be told why. What takes longer is there when it asks again, however late."""


class UnreadableError(Exception):
    """There is no answer now; the message is for whoever asks, and holds nothing that is not theirs to know."""


class Kept:
    """Makes an answer, one at a time, and keeps it. So is a failure: who asks then hears of it at once.

    It is made in a thread of its own: a disk or a database may never answer, and nobody waits for that, nor does the
    end of the server.
    """

    def __init__(
        self,
        make: Callable[[], bytes],
        *,
        seconds: float = KEPT_SECONDS,
        patience: float = WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._seconds, self._patience, self._clock = make, seconds, patience, clock
        self._turn = threading.Condition()
        self._is_making = False
        self._until = float("-inf")
        self._answer: bytes | None = None
        self._is_asked_for = False  # by who could not wait for it, and was not there when it came
        self._failure = ""

    def get(self) -> bytes:
        """The answer, at most `seconds` old; or older, where it came too late for who asked before.

        Raises:
            UnreadableError: it could not be made, or is still being made.
        """
        with self._turn:
            if self._clock() >= self._until and not self._is_making and not self._is_asked_for:
                threading.Thread(target=self._renew, name="metrics", daemon=True).start()
                self._is_making = True
            if not self._turn.wait_for(lambda: not self._is_making, self._patience):
                self._is_asked_for = True
                raise UnreadableError("the instance is still being read: ask again")
            self._is_asked_for = False
            if self._answer is None:
                raise UnreadableError("the instance cannot be read: the log of this server says why")
            return self._answer

    def _renew(self) -> None:
        answer, failure = None, ""
        try:
            answer = self._make()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the server goes on and tries again
            first, *_ = str(error).splitlines() or [""]  # databases add their questions
            failure = f"{type(error).__name__}: {first}"
        if failure and failure != self._failure:  # once, and not every few seconds while it lasts
            LOG.error("metrics cannot be read: %s", failure)
        if self._failure and not failure:
            LOG.warning("metrics can be read again")
        with self._turn:
            self._answer, self._failure = answer, failure
            self._until = self._clock() + self._seconds
            self._is_making = False
            self._turn.notify_all()
