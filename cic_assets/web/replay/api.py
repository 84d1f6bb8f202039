"""The part of Reddit's API that a replayed archive answers: token, listings, search, `/api/info`, `/r/NAME/about`.

Answers and errors are Reddit's own: a private subreddit is 403 with its reason, a banned one 404, an unknown one a
redirect to the search. What was removed is in no listing, which so gets shorter, and who asks too often is told so.
Tokens are given to whoever asks, and not asked for: what is replayed is no secret.
"""

import json
import re
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

from cic_assets.domain.reddit import SORTS, TIME_FILTERS, Post, PostStatus, Sort, status_of
from cic_assets.web.replay.archive import Archive, RecordedSubreddit, SubredditState
from cic_assets.web.replay.hosts import retry_after_headers
from cic_assets.web.replay.quota import Quota

_PAGE = 100
"""Reddit gives at most so many things an answer."""
_DEFAULT_PAGE = 25
_LISTING_END = 1000
"""Reddit's listings end there, however many posts a subreddit has."""
_SEARCH_END = 250
_TOKEN_SECONDS = 86400
_FOUND_AS: Mapping[str, Sort] = {
    "relevance": "hot",
    "hot": "hot",
    "new": "new",
    "top": "top",
    "comments": "controversial",
}
"""Orders of a search, and listings that are sorted likewise."""
_FLAIR = re.compile(r'flair(?:_name)?:(?:"([^"]*)"|(\S+))', re.IGNORECASE)

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
                Route("/r/{name}/search", self._search),
                Route("/user/{name}/submitted", self._submitted),
                Route("/user/{name}/m/{multireddit}", self._multireddit),
                Route("/user/{name}/m/{multireddit}/{sort}", self._multireddit),
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
        return self._ranked(subreddit, request.path_params.get("sort", "hot"), request)

    async def _multireddit(self, request: Request) -> Response:
        names = self._archive().multireddits.get("{name}/m/{multireddit}".format(**request.path_params).lower())
        if names is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        place = self._open("+".join(names))
        if isinstance(place, Response):
            return place
        return self._ranked(place, request.path_params.get("sort", "hot"), request)

    async def _submitted(self, request: Request) -> Response:
        name = request.path_params["name"]
        posts = self._archive().shown_by_author.get(name.lower())
        if posts is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        place = RecordedSubreddit(name, posts, SubredditState())
        return self._ranked(place, request.query_params.get("sort", "new"), request)

    async def _search(self, request: Request) -> Response:
        """What has all the words in its title; and, with `flair:"A B"`, what has this flair."""
        subreddit = self._open(request.path_params["name"])
        if isinstance(subreddit, Response):
            return subreddit
        is_found = _asked_for(request.query_params.get("q", ""))
        posts = tuple(post for post in subreddit.posts if is_found(post))
        sort = _FOUND_AS.get(request.query_params.get("sort", "relevance"), "")
        return self._ranked(RecordedSubreddit(subreddit.name, posts, subreddit.state), sort, request, _SEARCH_END)

    def _ranked(self, place: RecordedSubreddit, word: str, request: Request, end: int = _LISTING_END) -> Response:
        sort = _one_of(SORTS, word)
        if sort is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        within = _one_of(TIME_FILTERS, request.query_params.get("t", "day")) or "day"
        ranked = place.listing(sort, within, self._archive().now)[:end]
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
        """A subreddit that may be read, or those of several (`a+b`) that may; or what Reddit answers instead."""
        names = name.split("+")
        if len(names) > 1:
            opened = [self._open(one) for one in names]
            places = [one for one in opened if isinstance(one, RecordedSubreddit)]
            posts = {post["name"]: post for place in places for post in place.posts}
            return RecordedSubreddit(name, tuple(posts.values()), SubredditState()) if places else opened[0]
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


def _asked_for(query: str) -> Callable[[Post], bool]:
    """Whether a post is found by a search."""
    flairs = {(quoted or plain).casefold() for quoted, plain in _FLAIR.findall(query)}
    words = _FLAIR.sub(" ", query).casefold().split()

    def is_found(post: Post) -> bool:
        title, flair = str(post.get("title")).casefold(), str(post.get("link_flair_text") or "").casefold()
        return all(word in title for word in words) and flairs <= {flair}

    return is_found


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
