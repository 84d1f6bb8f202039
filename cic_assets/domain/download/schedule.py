"""Whose turn it is: jobs by host, so many at once, fairly, with pauses that hosts ask for.

No network here and no clock of its own: the time comes with each call, in seconds of the event loop's clock.
"""

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cic_assets.domain.download.manners import Manners
from cic_assets.domain.download.rates import HostRate

JobT = TypeVar("JobT")


@dataclass(slots=True)
class _Host:
    """One host's line.

    Attributes:
        waiting: jobs whose time has come, in order.
        active: jobs under way.
        listed: whether the host stands among those that may start a job.
        paused_until: nothing starts before.
        rate: how fast it is asked.
        at_once: jobs that may be under way.
    """

    rate: HostRate
    at_once: float
    waiting: deque[object] = field(default_factory=deque)
    active: int = 0
    listed: bool = False
    paused_until: float = 0.0


class Schedule(Generic[JobT]):
    """A queue per host; each start takes the next host that has a job and is neither full nor paused."""

    def __init__(
        self,
        *,
        concurrency: int,
        per_host: int,
        per_second: float = math.inf,
        manners: Callable[[str], Manners] = lambda _host: Manners(),
    ) -> None:
        self._concurrency = concurrency
        self._per_host = per_host
        self._per_second = per_second
        self._manners = manners
        self._hosts: dict[str, _Host] = {}
        self._startable: deque[str] = deque()
        self._delayed: list[tuple[float, int, str, JobT | None]] = []
        self._serial = itertools.count()
        self._active = 0

    def add(self, host: str, job: JobT, *, at: float = 0.0) -> None:
        """Queue a job, for `at` at the earliest."""
        if at > 0.0:
            heapq.heappush(self._delayed, (at, next(self._serial), host, job))
            return
        self._host(host).waiting.append(job)
        self._list(host)

    def start(self, now: float) -> JobT | None:
        """The next job that may start now; `finish` its host when it ends. None if none may."""
        self._wake(now)
        while self._active < self._concurrency and self._startable:
            name = self._startable.popleft()
            host = self._hosts[name]
            host.listed = False
            if not self._may_start(name, now):
                continue
            job: JobT = host.waiting.popleft()  # type: ignore[assignment]  # a deque per host holds jobs alone
            host.active += 1
            self._active += 1
            host.rate.started(now)
            if host.rate.due > now:
                self.pause(name, host.rate.due)
            self._list(name)
            return job
        return None

    def finish(self, host: str) -> None:
        """A job of this host that was started has ended."""
        self._hosts[host].active -= 1
        self._active -= 1
        self._list(host)

    def pause(self, host: str, until: float) -> None:
        """Start nothing at this host before `until`."""
        entry = self._host(host)
        if until > entry.paused_until:
            entry.paused_until = until
            # An entry without a job: the host itself is to be woken.
            heapq.heappush(self._delayed, (until, next(self._serial), host, None))

    def answered(self, host: str, now: float) -> None:
        """This host takes what it gets: it is asked a little faster, if it was ever slowed down."""
        self._host(host).rate.answered(now)

    def slow_down(self, host: str, sent: float, now: float) -> bool:
        """Ask this host half as fast, and say whether that is news; see `HostRate`."""
        return self._host(host).rate.slow_down(sent, now)

    def release(self, host: str) -> None:
        """Let the jobs of this host start as fast as they can: it is left alone for good, so nothing is asked."""
        entry = self._host(host)
        entry.rate, entry.paused_until = HostRate(), 0.0
        self._list(host)

    def next_due(self) -> float | None:
        """When the next delayed job or paused host is due; None if there is none."""
        return self._delayed[0][0] if self._delayed else None

    @property
    def active(self) -> int:
        """Jobs under way."""
        return self._active

    def _host(self, name: str) -> _Host:
        if name not in self._hosts:
            manners = self._manners(name)
            rate = HostRate(min(self._per_second, manners.per_second))
            self._hosts[name] = _Host(rate, at_once=min(self._per_host, manners.at_once))
        return self._hosts[name]

    def _may_start(self, name: str, now: float) -> bool:
        host = self._hosts[name]
        return bool(host.waiting) and host.active < host.at_once and host.paused_until <= now

    def _list(self, name: str) -> None:
        host = self._hosts[name]
        if host.waiting and not host.listed and host.active < host.at_once:
            host.listed = True
            self._startable.append(name)

    def _wake(self, now: float) -> None:
        while self._delayed and self._delayed[0][0] <= now:
            _, _, name, job = heapq.heappop(self._delayed)
            if job is not None:
                # It was here before those that wait.
                self._host(name).waiting.appendleft(job)
            self._list(name)
