"""How fast a host is asked, found out as TCP finds out how fast a line is: additive increase, multiplicative decrease.

Nothing is assumed of a host until it says that it is asked too fast. Then it gets half of what it got, and slowly more
again until it says so again (D.-M. Chiu and R. Jain, "Analysis of the Increase and Decrease Algorithms", 1989).
"""

import math
from collections import deque
from dataclasses import dataclass, field

LEAST = 0.5
"""Requests a second that a host gets at least, unless the setting allows less."""

_SHORTEST, _LONGEST = 0.01, 1.0
"""Seconds over which a rate is measured at least, better too high at first, and halved again, than too low for long;
and at most, for what a host took long ago says nothing of what it takes. A pause as long is no part of it."""

_RECOVERY_SECONDS = 10.0
"""How long it takes, after a decrease, until a host is asked as fast again as before it."""


@dataclass(slots=True)
class HostRate:
    """Requests a second at one host.

    Attributes:
        most: that a setting allows; infinite where none does.
        per_second: that it gets now; infinite as long as nothing limits it.
        due: when the next may start.
    """

    most: float = math.inf
    per_second: float = field(default=math.inf, init=False)
    due: float = field(default=0.0, init=False)
    _step: float = field(default=0.0, init=False)
    _slowed_at: float = field(default=-math.inf, init=False)
    _sped_at: float = field(default=0.0, init=False)
    _busy_since: float = field(default=0.0, init=False)
    _last_start: float = field(default=-math.inf, init=False)
    _answers: deque[float] = field(default_factory=deque, init=False)

    def __post_init__(self) -> None:
        self.per_second = self.most

    def started(self, now: float) -> None:
        """A request starts; the next is due after its share of a second."""
        if now - self._last_start > _LONGEST:
            self._busy_since = now
        self._last_start = now
        self.due = max(self.due, now) + 1 / self.per_second

    def answered(self, now: float) -> None:
        """The host takes what it gets: a little more from now on."""
        self._answers.append(now)
        self._forget_answers(now)
        if self._step:
            self.per_second = min(self.most, self.per_second + self._step * (now - self._sped_at))
            self._sped_at = now

    def slow_down(self, sent: float, now: float) -> bool:
        """The host says that it is asked too fast, to a request of the time `sent`.

        Whether that is news: what was under way when it was last slowed down tells nothing about the new rate.
        """
        if sent < self._slowed_at:
            return False
        self._slowed_at = self._sped_at = now
        self.per_second = min(self.most, max(LEAST, self._got(now) / 2))
        self._step = self.per_second / _RECOVERY_SECONDS
        return True

    def _got(self, now: float) -> float:
        """Answers a second of late."""
        self._forget_answers(now)
        seconds = now - max(self._busy_since, now - _LONGEST)
        return min(self.per_second, max(len(self._answers), 1) / max(seconds, _SHORTEST))

    def _forget_answers(self, now: float) -> None:
        while self._answers and self._answers[0] < max(self._busy_since, now - _LONGEST):
            self._answers.popleft()
