"""What a source offers: one `Medium` a picture, video or link, and the words for what became of it.

Sources (Reddit, folders, lists of URLs) produce media, the downloader gives each an outcome, tables keep them.
No fetching and no parsing here.
"""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a medium. Every medium of every post ends in exactly one of these."""

    OK = "ok"
    SKIPPED = "skipped"
    """Known from the post or the link not to be a still picture, left out by a setting or its host, or taken down."""
    HTTP_ERROR = "http_error"
    NOT_AN_IMAGE = "not_an_image"
    PLACEHOLDER = "placeholder"
    """The host's own "this picture was removed" picture."""
    BLOCKED = "blocked"
    """What is not asked: a private address, another port, a scheme other than http and https."""
    EMPTY = "empty"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    """More bytes or more pixels than the settings allow."""
    TOO_SMALL = "too_small"
    TIMEOUT = "timeout"
    ERROR = "error"
    """The rest, such as a redirect loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """One medium of one post: what becomes one row of `raw_images`.

    Attributes:
        post_id: Reddit's id without the `t3_`; for other sources what names the item there.
        subreddit: the partition key: the subreddit, or the name of another source.
        media_url: where the bytes are, exactly as given: case and query count.
        position: index among the media of the post, from 0.
        created_utc: seconds since 1970; 0 where the source does not say.
        known_outcome: set where the post itself tells the outcome, so that nothing is asked (a video, over_18).
        reason: why, in a few words, where `known_outcome` is set.
        fallback_url: a signed preview to try when `media_url` fails.
        crosspost_of: the id of the post that this one repeats.
    """

    post_id: str
    subreddit: str
    media_url: str
    position: int = 0
    permalink: str = ""
    title: str = ""
    author: str = ""
    created_utc: float = 0.0
    score: int = 0
    over_18: bool = False
    flair: str = ""
    known_outcome: Outcome | None = None
    reason: str = ""
    fallback_url: str | None = None
    crosspost_of: str | None = None
