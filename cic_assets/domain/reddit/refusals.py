"""Reddit's ways to refuse, each turned into a `RedditError` whose one line says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import prawcore.exceptions as api
import requests
from praw.exceptions import PRAWException

from cic_assets.domain.reddit.errors import (
    BadCredentialsError,
    BannedSubredditError,
    PrivateSubredditError,
    QuarantinedSubredditError,
    RedditError,
    SubredditError,
    UnexpectedAnswerError,
    UnknownSubredditError,
)

_CHECK_CREDENTIALS = "check REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET (reddit.com/prefs/apps)"

_BY_REASON: dict[str, tuple[type[RedditError], str]] = {
    "private": (PrivateSubredditError, "is private: only its members see it; leave it out"),
    "quarantined": (QuarantinedSubredditError, "is quarantined: only accounts that opted in see it; leave it out"),
    "banned": (BannedSubredditError, "was banned by Reddit: leave it out"),
}
_BY_STATUS: dict[int, tuple[type[RedditError], str]] = {
    401: (BadCredentialsError, f"cannot be read, Reddit does not accept the credentials: {_CHECK_CREDENTIALS}"),
    403: (
        BadCredentialsError,
        f"cannot be read, Reddit refuses (HTTP 403): is the app approved for the API? If so, {_CHECK_CREDENTIALS}",
    ),
    404: (BannedSubredditError, "is not there (HTTP 404): it was banned, or its name is wrong; leave it out"),
    451: (SubredditError, "is not available here for legal reasons (HTTP 451): leave it out"),
}


@contextmanager
def refusals_explained(what: str) -> Iterator[None]:
    """Within the block, whatever PRAW raises because of what Reddit answered becomes a `RedditError`.

    Args:
        what: what is asked for, such as `r/cars`, for the message.
    """
    try:
        yield
    except (api.PrawcoreException, PRAWException) as error:
        raise _explained(error, what) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # PRAW reads an answer without looking whether it is one.
        raise UnexpectedAnswerError(f"{what}: Reddit's answer is not what its API sends ({error!r})") from error


def _explained(error: Exception, what: str) -> RedditError:
    if isinstance(error, api.OAuthException):
        return BadCredentialsError(f"{what}: Reddit gives no token ({error.error}): {_CHECK_CREDENTIALS}")
    if isinstance(error, api.Redirect):
        return _redirected(error, what)
    if isinstance(error, api.BadJSON):
        return UnexpectedAnswerError(
            f"{what}: expected JSON, Reddit sent {_kind(error.response)}: check the endpoint, or a proxy in between"
        )
    if isinstance(error, api.ResponseException):
        return _refused(error.response, what)
    return UnexpectedAnswerError(f"{what}: {error}")


def _redirected(error: api.Redirect, what: str) -> RedditError:
    if error.path.startswith("/subreddits/search"):
        return UnknownSubredditError(f"{what}: there is no such subreddit: check how its name is written")
    return UnexpectedAnswerError(f"{what}: Reddit sends us elsewhere ({error.path or 'nowhere'}): check the endpoint")


def _refused(response: requests.Response, what: str) -> RedditError:
    """An answer with a status that is no success, by the reason that Reddit gives, or by its status."""
    known = _BY_REASON.get(_reason(response)) or _BY_STATUS.get(response.status_code)
    if known is None:
        return UnexpectedAnswerError(f"{what}: Reddit answers HTTP {response.status_code} with {_kind(response)}")
    kind, says = known
    return kind(f"{what} {says}")


def _reason(response: requests.Response) -> str:
    try:
        return str(response.json().get("reason") or "")
    except (AttributeError, ValueError):
        return ""


def _kind(response: requests.Response) -> str:
    kind = response.headers.get("content-type", "").partition(";")[0]
    return kind if kind and len(response.content) else "nothing"
