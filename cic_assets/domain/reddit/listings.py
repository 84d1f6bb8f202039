"""Reading posts: several listings of one place in union, and a second look at posts that are kept.

What the posts hold is read elsewhere: `posts.media_of`.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from cic_assets.domain.pacing import Allowance
from cic_assets.domain.reddit.errors import RedditError
from cic_assets.domain.reddit.feeds import Feed, Order
from cic_assets.domain.reddit.settings import RedditSettings
from cic_assets.domain.reddit.status import PostStatus, status_of
from cic_assets.domain.reddit.words import Post

if TYPE_CHECKING:
    import praw

LOG = logging.getLogger(__name__)

_PAGE = 100
IN_A_ROW = _PAGE
"""Of the newest posts so many that are known tell that older ones are known too."""
_NOBODY = "[deleted]"
"""What Reddit calls an author who closed the account."""


class Known(NamedTuple):
    """What is here of a place.

    Attributes:
        posts: ids of those that were read; none where all listings are to be read.
        again: ids of those that are wanted whether they are among the newest or not.
    """

    posts: Collection[str] = frozenset()
    again: Collection[str] = frozenset()


class Posts(NamedTuple):
    """What listings show.

    Attributes:
        posts: each once, newest first.
        is_whole: all listings were read; otherwise those posts are left out that were known.
    """

    posts: list[Post]
    is_whole: bool = True


Progress = Callable[[str, int], None]
"""Told after each page: the listing's name, and how many different posts there are so far."""


def read_listings(
    reddit: "praw.Reddit",
    feed: Feed | str,
    settings: RedditSettings | None = None,
    progress: Progress | None = None,
    *,
    takes: Callable[[Post], bool] = lambda _post: True,
    most: int | None = None,
    known: Known = Known(),  # noqa: B008 - nothing changes it
) -> Posts:
    """All the posts that the listings of a place show, each once, newest first, as the API sends them.

    A listing ends near 1,000 posts, less those of them that were removed, so several are united and the length of one
    says nothing. Each that is of all times shows some of all that there is: when one of those ends by itself and has
    nothing but what the listings before it have, there is nothing else, and the rest is not asked for.

    Args:
        reddit: from `connect`.
        feed: the place; or a subreddit's name without `r/`, in any case.
        settings: which listings, and how many posts of each.
        progress: told after each page.
        takes: whether a post counts for `most`.
        most: posts after which no more are read; None: all that there are.
        known: what an earlier reading of all listings has shown: where the newest posts are known, older ones are too.

    Raises:
        RedditError: the place cannot be read; the message says what to do.
    """
    from cic_assets.domain.reddit.refusals import refusals_explained

    settings = settings or RedditSettings()
    feed = Feed("r", feed) if isinstance(feed, str) else feed
    feed.check()
    found = _Found(takes, most, known.posts)
    with refusals_explained(str(feed)):
        for order in feed.orders(settings):
            before = len(found.posts)
            shown = _read(reddit, feed, order, settings.limit, found, progress)
            if found.is_caught_up:
                _add_by_name(reddit, sorted(set(known.again).difference(found.posts)), found)
                break
            is_all = order[1] == "all" and len(found.posts) == before and min(1, before) <= shown < settings.limit
            if is_all or found.is_enough:
                break
    posts = sorted(found.posts.values(), key=lambda post: (-float(post.get("created_utc") or 0), str(post["id"])))
    return Posts(posts, is_whole=not found.is_caught_up)


def fetch_posts(
    reddit: "praw.Reddit",
    feed: Feed | str,
    settings: RedditSettings | None = None,
    progress: Progress | None = None,
    *,
    takes: Callable[[Post], bool] = lambda _post: True,
    most: int | None = None,
) -> list[Post]:
    """The posts that `read_listings` reads where nothing is known of a place."""
    return read_listings(reddit, feed, settings, progress, takes=takes, most=most).posts


def _add_by_name(reddit: "praw.Reddit", ids: list[str], found: "_Found") -> None:
    for submission in reddit.info(fullnames=[f"t3_{post_id}" for post_id in ids]) if ids else ():
        found.add(_plain(submission))


@dataclass
class _Found:
    """Posts so far, by their ids."""

    takes: Callable[[Post], bool]
    most: int | None
    known: Collection[str]
    posts: dict[str, Post] = field(default_factory=dict)
    taken: int = 0
    in_a_row: int = 0
    """Known posts that the newest end with, as far as they are read."""

    @property
    def is_caught_up(self) -> bool:
        return self.in_a_row >= IN_A_ROW

    @property
    def is_enough(self) -> bool:
        return self.most is not None and self.taken >= self.most

    def add(self, post: Post) -> None:
        if post["id"] not in self.posts:
            self.posts[post["id"]] = post
            self.taken += self.takes(post)


class CheckedPost(NamedTuple):
    """How a post stands now: whether it is still up, and whether its author still has an account."""

    status: PostStatus
    author_gone: bool = False


def recheck(reddit: "praw.Reddit", ids: Iterable[str], *, allowance: Allowance | None = None) -> dict[str, CheckedPost]:
    """Ask again about posts that are kept, 100 a request: which were deleted or removed since.

    Args:
        reddit: from `connect`.
        ids: of posts, without `t3_`; each is in the answer, but for the last where the allowance does not reach, or
            where Reddit cannot be asked any more after it has answered of others.
        allowance: requests that checks may still take today; None: as many as it takes.

    Raises:
        RedditError: Reddit cannot be asked.
    """
    from cic_assets.domain.reddit.refusals import refusals_explained

    asked, statuses = list(dict.fromkeys(ids)), dict[str, CheckedPost]()
    for start in range(0, len(asked), _PAGE):
        if allowance is not None and not allowance.take():
            break
        some = dict.fromkeys(asked[start : start + _PAGE], CheckedPost(PostStatus.MISSING))
        try:
            with refusals_explained("the posts that are kept"):
                for submission in reddit.info(fullnames=[f"t3_{post_id}" for post_id in some]):
                    post = _plain(submission)
                    if post["id"] in some:
                        some[post["id"]] = CheckedPost(status_of(post), author_gone=post["author"] == _NOBODY)
        except RedditError as error:
            if not statuses:
                raise
            # What was answered counts; the rest is asked first the next time.
            LOG.warning("Reddit answered about %d of %d posts: %s", len(statuses), len(asked), error)
            break
        statuses |= some
    return statuses


def _read(reddit: "praw.Reddit", feed: Feed, order: Order, limit: int, found: _Found, progress: Progress | None) -> int:
    """Add what one listing shows, until it is enough; returns how many it showed."""
    name = "/".join(filter(None, order))
    shown = 0
    for shown, submission in enumerate(feed.posts(reddit, order, limit), start=1):
        post = _plain(submission)
        found.add(post)
        if order[0] == "new":
            found.in_a_row = found.in_a_row + 1 if post["id"] in found.known else 0
        if progress and shown % _PAGE == 0:
            progress(name, len(found.posts))
        if found.is_enough or found.is_caught_up:
            break
    if progress and (shown == 0 or shown % _PAGE):
        progress(name, len(found.posts))
    return shown


def _plain(submission: object) -> Post:
    """What Reddit sent, from PRAW's object. Read from its `vars`: touching an attribute it lacks costs a request."""
    post = {name: value for name, value in vars(submission).items() if not name.startswith("_")}
    # Added by PRAW.
    post.pop("comment_limit", None)
    post.pop("comment_sort", None)
    # Turned into objects by PRAW; an author who deleted the account is None.
    post["author"] = str(post["author"]) if post.get("author") else _NOBODY
    post["subreddit"] = str(post.get("subreddit") or "")
    post.pop("poll_data", None)
    return post
