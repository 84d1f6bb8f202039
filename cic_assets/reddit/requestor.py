"""How one request to Reddit's API is made: in turn, with a deadline, again when Reddit asks to wait or fails.

All retrying happens here and ends in an error of ours, so that prawcore's own (which knows no 429, no failing token
request and no deadline) never starts. What prawcore would trip over in an answer is put right here too.
"""

import io
import time
from typing import Any

import prawcore
import requests

from cic_assets.reddit.errors import RateLimitedError, RedditError, UnexpectedAnswerError, UnreachableError
from cic_assets.reddit.pacing import Pace, backoff, retry_after
from cic_assets.reddit.settings import RedditSettings

_MAX_BYTES = 64 * 2**20
"""A page of 100 posts has about 1 MB."""
_CHUNK = 64 * 1024
_TOO_MANY = requests.codes["too_many_requests"]
_SERVER_FAILS = 500


class PatientRequestor(prawcore.Requestor):
    """prawcore's requestor that waits its turn, waits as long as it is told to, and gives up in the end.

    Args:
        pace: when a request may go out.
        settings: deadline, attempts and longest wait.
    """

    def __init__(self, *, pace: Pace, settings: RedditSettings, **requestor: Any) -> None:
        super().__init__(**requestor)
        self._pace = pace
        self._settings = settings

    def request(self, *args: Any, timeout: float | None = None, **request: Any) -> requests.Response:  # noqa: ARG002
        """Ask until there is an answer that is not "later".

        `timeout` is what prawcore says always, 16 seconds from one byte to the next; ours is for the whole answer.

        Raises:
            RateLimitedError, UnreachableError: no such answer came.
        """
        for attempt in range(self._settings.attempts):
            self._pace.wait()
            try:
                response = self._ask(*args, **request)
            except requests.RequestException as error:
                fault: RedditError = UnreachableError(f"{self._server} gives no answer: {self._why(error)}")
                wait = backoff(attempt)
            else:
                if response.status_code != _TOO_MANY and response.status_code < _SERVER_FAILS:
                    return response
                fault, wait = self._later(response, attempt)
            if attempt + 1 < self._settings.attempts:
                time.sleep(wait)
        raise fault

    def _ask(self, *args: Any, **request: Any) -> requests.Response:
        deadline = time.monotonic() + self._settings.timeout
        body = bytearray()
        request |= {"timeout": self._settings.timeout, "stream": True}
        with self._http.request(*args, **request) as response:
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise UnexpectedAnswerError(f"{self._server} sent more than {_MAX_BYTES >> 20} MiB in one answer")
                if time.monotonic() > deadline:
                    raise requests.ReadTimeout
        return _whole(response, bytes(body))

    def _later(self, response: requests.Response, attempt: int) -> tuple[RedditError, float]:
        """What to say, and how long to wait, after a 429 or a failure of the server."""
        told = retry_after(response.headers.get("retry-after") or response.headers.get("x-ratelimit-reset"))
        if response.status_code != _TOO_MANY:
            failing = UnreachableError(
                f"{self._server} fails (HTTP {response.status_code}), {self._tried}; redditstatus.com tells more"
            )
            return failing, min(told or backoff(attempt), self._settings.longest_wait)
        if told is not None and told > self._settings.longest_wait:
            raise RateLimitedError(
                f"{self._server} asks to wait {told:.0f} s (HTTP 429), longer than longest_wait "
                f"({self._settings.longest_wait:.0f} s): scrape again later"
            )
        fault = RateLimitedError(f"{self._server} says too many requests (HTTP 429), {self._tried}: scrape again later")
        return fault, backoff(attempt) if told is None else told

    @property
    def _server(self) -> str:
        return f"Reddit ({self.oauth_url})"

    @property
    def _tried(self) -> str:
        return f"asked {self._settings.attempts} times"

    def _why(self, error: requests.RequestException) -> str:
        if isinstance(error, requests.Timeout):
            return f"not within {self._settings.timeout:g} s, {self._tried}"
        if isinstance(error, requests.exceptions.SSLError):
            return "its certificate is not accepted"
        if isinstance(error, requests.ConnectionError):
            return f"no connection, {self._tried}; check the network"
        return f"{type(error).__name__}, {self._tried}"


def _whole(streamed: requests.Response, body: bytes) -> requests.Response:
    """The same response with its body read, and without what prawcore cannot read in its headers."""
    response = requests.Response()
    response.status_code = streamed.status_code
    response.reason = streamed.reason
    response.url = streamed.url
    response.request = streamed.request
    response.encoding = streamed.encoding
    response.headers.update(streamed.headers)
    response.raw = io.BytesIO(body)
    _make_readable(response)
    return response


def _make_readable(response: requests.Response) -> None:
    headers = response.headers
    headers.setdefault("location", "")
    if not headers.get("www-authenticate", "").replace('"', "").endswith(("=invalid_token", "=insufficient_scope")):
        headers.pop("www-authenticate", None)
        if response.status_code == requests.codes["unauthorized"]:
            headers["www-authenticate"] = 'Bearer error="invalid_token"'
    limits = ("x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset")
    if not all(_is_number(headers.get(name, "")) for name in limits):
        for name in limits:
            headers.pop(name, None)


def _is_number(text: str) -> bool:
    whole, _, part = text.partition(".")
    return whole.isascii() and whole.isdigit() and (not part or part.isdigit())
