"""How one request to Reddit's API is made: in turn, with a deadline, again when Reddit asks to wait or fails.

All retrying and waiting happens here and ends in an error of ours, so that prawcore's own (which knows no 429, no
failing token request, no deadline and no longest wait) never starts. What prawcore would trip over in an answer is put
right here too.
"""

import io
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

import prawcore
import requests
from requests.structures import CaseInsensitiveDict

from cic_assets.domain.pacing import Pace
from cic_assets.domain.reddit.errors import RateLimitedError, RedditError, UnexpectedAnswerError, UnreachableError
from cic_assets.domain.reddit.settings import RedditSettings
from cic_assets.domain.retrying import backoff, retry_after

_MAX_BYTES = 64 * 2**20
"""A page of 100 posts has about 1 MB."""
_CHUNK = 64 * 1024
_TOO_MANY = requests.codes["too_many_requests"]
_SERVER_FAILS = 500
_LIMITS = ("x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset")

T = TypeVar("T")


@dataclass(frozen=True)
class _NotNow:
    """No answer yet: how long to wait before asking again, and what to say if we do not."""

    seconds: float
    fault: RedditError


class PatientRequestor(prawcore.Requestor):
    """prawcore's requestor that waits its turn, waits as long as it is told to, and gives up in the end.

    Args:
        pace: when a request may go out; None: at once.
        settings: deadline, attempts and longest wait.
    """

    def __init__(self, *, pace: Pace | None, settings: RedditSettings, **requestor: Any) -> None:
        super().__init__(**requestor)
        self._pace = pace
        self._settings = settings
        self._free_from = 0.0
        """When Reddit takes requests again, on the monotonic clock."""

    def request(self, *args: Any, timeout: float | None = None, **request: Any) -> requests.Response:  # noqa: ARG002
        """Ask until there is an answer that is not "later".

        `timeout` is prawcore's: 16 seconds from one byte to the next, always. Ours is for the whole answer.

        Raises:
            RateLimitedError, UnreachableError: no such answer came.
        """
        for attempt in count():
            self._wait_until_free()
            if self._pace:
                self._pace.wait()
            answer = self._ask_once(attempt, *args, **request)
            if isinstance(answer, requests.Response):
                return answer
            if attempt + 1 >= self._settings.attempts:
                raise answer.fault
            time.sleep(answer.seconds)
        raise AssertionError  # count() does not end

    def _wait_until_free(self) -> None:
        seconds, longest = self._free_from - time.monotonic(), self._settings.longest_wait
        if seconds > longest:
            raise RateLimitedError(
                f"{self._server} takes no more requests for {seconds:.0f} s, more than longest_wait ({longest:.0f} s): "
                "scrape again later"
            )
        time.sleep(max(0.0, seconds))

    def _ask_once(self, attempt: int, *args: Any, **request: Any) -> requests.Response | _NotNow:
        try:
            response = _within(self._settings.timeout, lambda: self._ask(*args, **request))
        except requests.RequestException as error:
            fault = f"{self._server} gives no answer: {self._why(error)}"
            return _NotNow(backoff(attempt + 1), UnreachableError(fault))
        if response.status_code == _TOO_MANY:
            return self._too_many(response, attempt)
        if response.status_code >= _SERVER_FAILS:
            fault = f"{self._server} fails (HTTP {response.status_code}), {self._tried}; redditstatus.com tells more"
            return _NotNow(backoff(attempt + 1), UnreachableError(fault))
        self._free_from = time.monotonic() + _seconds_until_free(response)
        for name in _LIMITS:  # prawcore would sleep by them, however long
            response.headers.pop(name, None)
        return response

    def _ask(self, *args: Any, **request: Any) -> requests.Response:
        body = bytearray()
        request |= {"timeout": self._settings.timeout, "stream": True}
        with self._http.request(*args, **request) as response:
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise UnexpectedAnswerError(f"{self._server} sent more than {_MAX_BYTES >> 20} MiB in one answer")
        return _whole(response, bytes(body))

    def _too_many(self, response: requests.Response, attempt: int) -> _NotNow:
        told = retry_after(response.headers.get("retry-after") or response.headers.get("x-ratelimit-reset"))
        longest = self._settings.longest_wait
        if told is not None and told > longest:
            raise RateLimitedError(
                f"{self._server} asks to wait {told:.0f} s (HTTP 429), more than longest_wait ({longest:.0f} s): "
                "scrape again later"
            )
        fault = f"{self._server} says too many requests (HTTP 429), {self._tried}: scrape again later"
        return _NotNow(backoff(attempt + 1) if told is None else told, RateLimitedError(fault))

    @property
    def _server(self) -> str:
        return f"Reddit ({self.oauth_url})"

    @property
    def _tried(self) -> str:
        attempts = self._settings.attempts
        return "asked once" if attempts == 1 else f"asked {attempts} times"

    def _why(self, error: requests.RequestException) -> str:
        if isinstance(error, requests.Timeout):
            return f"not within {self._settings.timeout:g} s, {self._tried}"
        if isinstance(error, requests.exceptions.SSLError):
            return "its certificate is not accepted"
        if isinstance(error, requests.ConnectionError):
            return f"no connection, {self._tried}; check the network"
        return f"{type(error).__name__}, {self._tried}"


def _whole(streamed: requests.Response, body: bytes) -> requests.Response:
    """The same response with its body read, and without what prawcore cannot read in it."""
    response = requests.Response()
    response.status_code = streamed.status_code
    response.reason = streamed.reason
    response.url = streamed.url
    response.request = streamed.request
    response.encoding = streamed.encoding
    response.headers = _readable(streamed)
    # PRAW takes nothing, and null, for an empty listing. Without a length, prawcore sees that it is no JSON.
    is_nothing = body.strip() in (b"", b"null")
    if is_nothing:
        response.headers.pop("content-length", None)
    response.raw = io.BytesIO(b"" if is_nothing else body)
    return response


def _readable(response: requests.Response) -> CaseInsensitiveDict[str]:
    """Headers without those that prawcore fails on with a bare KeyError, IndexError or ValueError."""
    headers = CaseInsensitiveDict(response.headers)
    headers.setdefault("location", "")
    if not headers.get("www-authenticate", "").replace('"', "").endswith(("=invalid_token", "=insufficient_scope")):
        headers.pop("www-authenticate", None)
        if response.status_code == requests.codes["unauthorized"]:
            headers["www-authenticate"] = 'Bearer error="invalid_token"'
    return headers


def _seconds_until_free(response: requests.Response) -> float:
    """How long Reddit takes no more requests, by the headers of an answer."""
    used_up = re.fullmatch(r"0(\.\d+)?", response.headers.get(_LIMITS[0], ""))
    return (retry_after(response.headers.get(_LIMITS[2])) or 0.0) if used_up else 0.0


def _within(seconds: float, ask: Callable[[], T]) -> T:
    """What a call returns or raises, if it ends in time; if not it is left to itself. A socket times silence alone.

    Raises:
        requests.ReadTimeout: it does not.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True, name="reddit").start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        raise requests.ReadTimeout from None
