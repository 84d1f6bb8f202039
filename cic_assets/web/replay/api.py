"""The part of Reddit's API that a replayed archive answers: token, listings, `/api/info`, `/r/NAME/about`.

Answers and errors are Reddit's own: a private subreddit is 403 with its reason, a banned one 404, an unknown one a
redirect to the search. What was removed is in no listing, which so gets shorter, and who asks too often is told so.
Tokens are given to whoever asks, and not asked for: what is replayed is no secret.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from cic_assets.domain.reddit import SORTS, TIME_FILTERS, Post, PostStatus, status_of
from cic_assets.web.replay.archive import Archive, RecordedSubreddit
from cic_assets.web.replay.hosts import retry_after_headers
from cic_assets.web.replay.quota import Quota

_PAGE = 100
"""Reddit gives at most so many things an answer."""
_DEFAULT_PAGE = 25
_LISTING_END = 1000
"""Reddit's listings end there, however many posts a subreddit has."""
_TOKEN_SECONDS = 86400

_REFUSALS = {
    "private": HTTPStatus.FORBIDDEN,
    "quarantined": HTTPStatus.FORBIDDEN,
    "banned": HTTPStatus.NOT_FOUND,
    "rate_limited": HTTPStatus.TOO_MANY_REQUESTS,
}

Word = TypeVar("Word", bound=str)


class _Json(JSONResponse):
    """JSON in ASCII, as Reddit sends it: every string that a recording holds can be written so."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


class RedditApi:
    """Reddit, as far as a scraper sees it; an ASGI application.

    Args:
        archive: gives the archive as it is now; asked at each request.
    """

    def __init__(self, archive: Callable[[], Archive]) -> None:
        self._archive = archive
        self._rate_limited: Counter[str] = Counter()
        self._quota = Quota()
        self._app = Starlette(
            routes=[
                Route("/", self._welcome),
                Route("/api/v1/access_token", self._token, methods=["POST"]),
                Route("/api/info", self._info),
                Route("/r/{name}/about", self._about),
                Route("/r/{name}", self._listing),
                Route("/r/{name}/{sort}", self._listing),
            ],
            exception_handlers={HTTPException: _as_reddit_says_it},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        within = self._quota.take()

        async def send_with_quota(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._quota.headers]
            await send(message)

        answer = self._app if within else _refusal(HTTPStatus.TOO_MANY_REQUESTS, {}, {})
        await answer(scope, receive, send_with_quota)

    async def _welcome(self, _: Request) -> Response:
        names = "".join(f"  /r/{subreddit.name}/new\n" for subreddit in self._archive().subreddits.values())
        return PlainTextResponse(
            f"A recorded archive, replayed as Reddit and as the hosts its posts link to.\n\n{names}"
        )

    async def _token(self, request: Request) -> Response:
        if not request.headers.get("authorization", "").startswith("Basic "):
            raise HTTPException(HTTPStatus.UNAUTHORIZED)
        token = {"access_token": "replayed", "token_type": "bearer", "expires_in": _TOKEN_SECONDS, "scope": "*"}
        return _Json(token)

    async def _listing(self, request: Request) -> Response:
        subreddit = self._open(request.path_params["name"])
        if isinstance(subreddit, Response):
            return subreddit
        sort = _one_of(SORTS, request.path_params.get("sort", "hot"))
        if sort is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        within = _one_of(TIME_FILTERS, request.query_params.get("t", "day")) or "day"
        ranked = subreddit.listing(sort, within, self._archive().now)[:_LISTING_END]
        # What was removed has its place in the ranking, and is not shown.
        posts = [post for post in ranked if status_of(post) is PostStatus.KEPT]
        return _Json(_page(posts, request.query_params))

    async def _info(self, request: Request) -> Response:
        posts = self._archive().shown_posts
        names = request.query_params.get("id", "").split(",")[:_PAGE]
        return _Json(_things([posts[name] for name in names if name in posts], None))

    async def _about(self, request: Request) -> Response:
        subreddit = self._open(request.path_params["name"])
        if isinstance(subreddit, Response):
            return subreddit
        data = {
            "display_name": subreddit.name,
            "display_name_prefixed": f"r/{subreddit.name}",
            "url": f"/r/{subreddit.name}/",
            "subreddit_type": "public",
            "over18": False,
            **subreddit.state.about,
        }
        return _Json({"kind": "t5", "data": data})

    def _open(self, name: str) -> RecordedSubreddit | Response:
        """A subreddit that may be read, or what Reddit answers instead."""
        subreddit = self._archive().subreddits.get(name.lower())
        if subreddit is None:
            return RedirectResponse(f"/subreddits/search?{urlencode({'q': name})}", HTTPStatus.FOUND)
        status = subreddit.state.status
        if status == "open" or (status == "rate_limited" and self._has_waited(subreddit)):
            return subreddit
        headers = {key.decode(): value.decode() for key, value in retry_after_headers(subreddit.state.retry_after)}
        reason = {} if status == "rate_limited" else {"reason": status}
        return _refusal(_REFUSALS[status], headers, reason)

    def _has_waited(self, subreddit: RecordedSubreddit) -> bool:
        self._rate_limited[subreddit.name] += 1
        times = subreddit.state.times
        return times is not None and self._rate_limited[subreddit.name] > times


def _page(posts: Sequence[Post], query: Mapping[str, str]) -> dict[str, Any]:
    """The part of a listing that `limit` and `after` ask for."""
    limit = _limit(query.get("limit", ""))
    start = 0
    if after := query.get("after"):
        # A name that is not in the listing (any more) ends it, as at Reddit.
        start = next((index + 1 for index, post in enumerate(posts) if post["name"] == after), len(posts))
    page = posts[start : start + limit]
    return _things(page, page[-1]["name"] if start + limit < len(posts) else None)


def _limit(text: str) -> int:
    return min(max(int(text), 1), _PAGE) if text.isascii() and text.isdigit() else _DEFAULT_PAGE


def _things(posts: Sequence[Post], after: str | None) -> dict[str, Any]:
    children = [{"kind": "t3", "data": post} for post in posts]
    data = {"after": after, "before": None, "dist": len(children), "modhash": None, "children": children}
    return {"kind": "Listing", "data": data}


def _one_of(words: Sequence[Word], text: str) -> Word | None:
    return next((word for word in words if word == text), None)


def _refusal(status: HTTPStatus, headers: Mapping[str, str], more: Mapping[str, str]) -> Response:
    content = {**more, "message": status.phrase, "error": int(status)}
    return _Json(content, status, headers=dict(headers))


async def _as_reddit_says_it(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    return _refusal(HTTPStatus(status), {}, {})
