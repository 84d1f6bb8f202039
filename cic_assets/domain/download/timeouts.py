"""How long a transfer may take: until its deadline, and fast enough on the way there."""

import asyncio

from cic_assets.domain.download.settings import DownloadSettings

SETTING_SECONDS = 0.2
"""The alarm is not set anew more often than this: most bodies are whole before it would have to be."""


class Timeouts:
    """One alarm that is set anew as a transfer goes on: for the headers, then for each further piece of the body.

    A body may lag `grace_seconds` behind `min_bytes_per_second`: so a transfer that stands still and one that drips
    end by the same rule, and no piece of it is timed by itself.

    Attributes:
        alarm: to be entered around the transfer.
        bytes_received: of the body, so far.
    """

    def __init__(self, settings: DownloadSettings, seconds: float) -> None:
        self._settings = settings
        self._now = asyncio.get_running_loop().time
        self._deadline = self._now() + seconds
        self._body_since: float | None = None
        self._set_at = self._now()
        self.bytes_received = 0
        self.alarm = asyncio.timeout_at(min(self._deadline, self._now() + settings.answer_seconds))

    @property
    def seconds_left(self) -> float:
        """Until the deadline, at least 0."""
        return max(0.0, self._deadline - self._now())

    @property
    def answered(self) -> bool:
        """Whether the headers came."""
        return self._body_since is not None

    def begin_body(self) -> None:
        """The headers are here and the body comes next."""
        self._body_since = self._now()
        self._set_alarm()

    def hold(self) -> float:
        """Stop the clock while we, not the host, are busy; returns what `go_on` wants."""
        self.alarm.reschedule(None)
        return self._now()

    def go_on(self, held_since: float) -> None:
        """The time since `hold` does not count."""
        held = self._now() - held_since
        self._deadline += held
        if self._body_since is not None:
            self._body_since += held
            self._set_alarm()

    def received(self, size: int) -> None:
        """So many more bytes of the body are here."""
        self.bytes_received += size
        if self._now() >= self._set_at + SETTING_SECONDS:
            self._set_alarm()

    def _set_alarm(self) -> None:
        self._set_at = self._now()
        since = self._set_at if self._body_since is None else self._body_since
        rate = self._settings.min_bytes_per_second
        allowed = since + self._settings.grace_seconds + self.bytes_received / rate if rate else self._deadline
        self.alarm.reschedule(min(self._deadline, allowed))

    def why(self) -> str:
        """What the alarm went off for, for a person."""
        if self.seconds_left == 0:
            return f"not whole within {self._settings.deadline_seconds:g} s"
        if self._body_since is None:
            return f"no answer within {self._settings.answer_seconds:g} s"
        return f"too slow: {self.bytes_received} bytes in {self._now() - self._body_since:.1f} s"
