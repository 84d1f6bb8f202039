"""How fast a host is asked, found out as TCP finds out how fast a line is: additive increase, multiplicative decrease.

Nothing is assumed of a host until it says that it is asked too fast. Then it gets half of what it got, and slowly more
again until it says so again (D.-M. Chiu and R. Jain, "Analysis of the Increase and Decrease Algorithms", 1989).
"""

import math
from dataclasses import dataclass, field

LEAST = 0.5
"""Requests a second that a host gets at least."""

_SHORTEST = 0.01
"""Seconds over which a rate is measured at least: better too high at first, and halved again, than too low for long."""

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
    _first: float = field(default=math.inf, init=False)
    _answers: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.per_second = self.most

    def started(self, now: float) -> None:
        """A request starts; the next is due after its share of a second."""
        self._first = min(self._first, now)
        self.due = max(self.due, now) + 1 / self.per_second

    def answered(self, now: float) -> None:
        """The host takes what it gets: a little more from now on."""
        self._answers += 1
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
        got = min(self.per_second, max(self._answers, 1) / max(now - self._first, _SHORTEST))
        self.per_second = max(LEAST, got / 2)
        self._step = self.per_second / _RECOVERY_SECONDS
        return True
