"""Reading posts: several listings of a subreddit in union, and a second look at posts that are kept.

What the posts hold is read elsewhere: `posts.media_of`.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from cic_assets.domain.reddit.errors import UnknownSubredditError
from cic_assets.domain.reddit.settings import RedditSettings
from cic_assets.domain.reddit.status import PostStatus, status_of
from cic_assets.domain.reddit.words import SUBREDDIT_NAME, Post, Sort, TimeFilter

if TYPE_CHECKING:
    import praw

_PAGE = 100
_NOBODY = "[deleted]"
"""What Reddit calls an author who closed the account."""

Progress = Callable[[str, int], None]
"""Told after each page: the listing's name, and how many different posts there are so far."""


def fetch_posts(
    reddit: "praw.Reddit", subreddit: str, settings: RedditSettings | None = None, progress: Progress | None = None
) -> list[Post]:
    """All the posts that a subreddit's listings show, each once, newest first, as the API sends them.

    A listing ends near 1,000 posts, less those of them that were removed, so several are united and the length of one
    says nothing. Each that is of all times shows some of all that there is: when one of those ends by itself and has
    nothing but what the listings before it have, there is nothing else, and the rest is not asked for.

    Args:
        reddit: from `connect`.
        subreddit: its name without `r/`, in any case.
        settings: which listings, and how many posts of each.
        progress: told after each page.

    Raises:
        RedditError: the subreddit cannot be read; the message says what to do.
    """
    from cic_assets.domain.reddit.refusals import refusals_explained

    settings = settings or RedditSettings()
    if not SUBREDDIT_NAME.fullmatch(subreddit):
        raise UnknownSubredditError(f"r/{subreddit}: expected a subreddit's name: letters, digits and _, found others")
    posts: dict[str, Post] = {}
    with refusals_explained(f"r/{subreddit}"):
        for sort, within in _listings(settings):
            before = len(posts)
            shown = _read(reddit, subreddit, sort, within, settings.limit, posts, progress)
            if within == "all" and len(posts) == before and min(1, before) <= shown < settings.limit:
                break
    return sorted(posts.values(), key=lambda post: (-float(post.get("created_utc") or 0), str(post["id"])))


class CheckedPost(NamedTuple):
    """How a post stands now: whether it is still up, and whether its author still has an account."""

    status: PostStatus
    author_gone: bool = False


def recheck(reddit: "praw.Reddit", ids: Iterable[str]) -> dict[str, CheckedPost]:
    """Ask again about posts that are kept, 100 a request: which were deleted or removed since.

    Args:
        reddit: from `connect`.
        ids: of posts, without `t3_`; each is in the answer.

    Raises:
        RedditError: Reddit cannot be asked.
    """
    from cic_assets.domain.reddit.refusals import refusals_explained

    statuses = dict.fromkeys(ids, CheckedPost(PostStatus.MISSING))
    with refusals_explained("the posts that are kept"):
        for submission in reddit.info(fullnames=[f"t3_{post_id}" for post_id in statuses]):
            post = _plain(submission)
            if post["id"] in statuses:
                statuses[post["id"]] = CheckedPost(status_of(post), author_gone=post["author"] == _NOBODY)
    return statuses


def _listings(settings: RedditSettings) -> list[tuple[Sort, TimeFilter | None]]:
    """`new` first, and then what is of all times, because these tell whether the others are needed."""
    listings: list[tuple[Sort, TimeFilter | None]] = []
    for sort in dict.fromkeys(settings.listings):
        of_times = sort in ("top", "controversial")
        listings += [(sort, within) for within in (dict.fromkeys(settings.time_filters) if of_times else [None])]
    return sorted(listings, key=lambda one: (one[0] != "new", one[1] != "all"))


def _read(
    reddit: "praw.Reddit",
    subreddit: str,
    sort: Sort,
    within: TimeFilter | None,
    limit: int,
    posts: dict[str, Post],
    progress: Progress | None,
) -> int:
    """Add what one listing shows to `posts`; returns how many it showed."""
    options = {} if within is None else {"time_filter": within}
    listing = getattr(reddit.subreddit(subreddit), sort)(limit=limit, **options)
    name = sort if within is None else f"{sort}/{within}"
    shown = 0
    for shown, submission in enumerate(listing, start=1):
        post = _plain(submission)
        posts.setdefault(post["id"], post)
        if progress and shown % _PAGE == 0:
            progress(name, len(posts))
    if progress and (shown == 0 or shown % _PAGE):
        progress(name, len(posts))
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
