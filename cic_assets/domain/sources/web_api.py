"""An open API, asked one question after another: politely, again when it asks to wait, and never for ever.

Whatever it answers ends in a JSON object or in an error with a line that says what to do.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any

from cic_assets.domain.download import Network
from cic_assets.domain.hostile import plain_text
from cic_assets.domain.pacing import Pace
from cic_assets.domain.retrying import TRANSIENT_STATUSES, backoff, retry_after
from cic_assets.domain.sources.errors import SourceError

if TYPE_CHECKING:
    import requests

Json = dict[str, Any]

MOST_TRIES = 10
_TRIES_TO_CONNECT = 4
"""Who has no network is told so in some seconds."""
MOST_WAITING = 300.0
"""Seconds in all for one answer; whoever is told to wait longer comes back another time."""

_TOLD_NOTHING = 60.0
"""How long to wait after 429 where nobody says: limits are counted by the minute."""
_MOST_BYTES = 16 * 2**20
"""MediaWiki ends its answers at 12 MiB."""
_CHUNK = 2**16
_TIMEOUTS = (10, 60)
"""Seconds to connect, and of silence."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API said.

    Attributes:
        status: of HTTP.
        headers: in whatever case.
        content: a JSON object; empty where it was none.
        text: the first of it, in one line, for messages.
    """

    status: int
    headers: Mapping[str, str]
    content: Json
    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """No answer yet.

    Attributes:
        why: in a few words.
        seconds: to wait; None where the API does not say.
        tries: after which nobody asks any more.
    """

    why: str
    seconds: float | None
    tries: int = MOST_TRIES


def by_status(answer: Answer) -> Wait | None:
    """Whether an answer says to come back, by its status alone."""
    told = retry_after(answer.headers.get("retry-after"))
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Wait("too many requests (HTTP 429)", _TOLD_NOTHING if told is None else told)
    if answer.status in TRANSIENT_STATUSES:
        return Wait(f"it fails (HTTP {answer.status})", told)
    if answer.status == HTTPStatus.OK and not answer.content:
        return Wait("its answer is no JSON object", told)
    return None


@dataclass(frozen=True)
class WebApi:
    """One API.

    Attributes:
        site: what people call it.
        host: its name; https is spoken.
        user_agent: who asks.
        network: the public internet, or the server that stands for all of it.
        pace: when a request may go out; None: at once.
        judge: whether an answer says to come back.
        sleep: waits for some seconds.
    """

    site: str
    host: str
    user_agent: str
    network: Network
    pace: Pace | None = None
    judge: Callable[[Answer], Wait | None] = by_status
    sleep: Callable[[float], None] = time.sleep

    def get(self, path: str, params: Mapping[str, str | int]) -> Answer:
        """Ask until there is an answer that is not "later".

        Raises:
            SourceError: no such answer came.
        """
        waited = 0.0
        for attempt in count(1):
            if self.pace:
                self.pace.wait()
            answer = self._asked(path, params)
            wait = answer if isinstance(answer, Wait) else self.judge(answer)
            if isinstance(answer, Answer) and wait is None:
                return answer
            assert wait is not None
            told = "" if wait.seconds is None else f", and wants {wait.seconds:.0f} s"
            seconds = backoff(attempt, longest=60) if wait.seconds is None else wait.seconds
            waited += seconds
            if attempt >= wait.tries or waited > MOST_WAITING:
                raise SourceError(
                    f"{self.site} gives no answer, asked {attempt} times: {wait.why}{told}: run it again later",
                    passing=True,
                )
            self.sleep(seconds)
        raise AssertionError  # count() does not end

    def _asked(self, path: str, params: Mapping[str, str | int]) -> Answer | Wait:
        import requests

        stand_in = self.network.stand_in
        base = f"https://{self.host}" if stand_in is None else f"http://{stand_in[0]}:{stand_in[1]}"
        headers = {"User-Agent": self.user_agent, "Accept": "application/json", "Host": self.host}
        with requests.Session() as session:
            _prepare(session, self.network)
            try:
                with session.get(
                    f"{base}{path}",
                    params=dict(params),
                    headers=headers,
                    timeout=_TIMEOUTS,
                    stream=True,
                    allow_redirects=False,
                ) as response:
                    return _read(response)
            except requests.RequestException as error:
                return Wait(f"no connection ({type(error).__name__}): check the network", None, _TRIES_TO_CONNECT)


def _prepare(session: "requests.Session", network: Network) -> None:
    """No .netrc; and no proxy before a server of our own, while the API itself may need one."""
    from urllib.request import getproxies

    session.trust_env = False
    if network.stand_in is None:
        session.proxies = {"https": network.proxy} if network.proxy else dict(getproxies())


def _read(response: "requests.Response") -> Answer | Wait:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > _MOST_BYTES:
            return Wait(f"more than {_MOST_BYTES >> 20} MiB in one answer", None)
    content: Any = None
    with suppress(ValueError, RecursionError):
        content = json.loads(bytes(body))
    text = plain_text(body[:800].decode("utf-8", "replace"), 200)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, content if isinstance(content, dict) else {}, text)
