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


ITEM_PAGES = (
    "https://www.reddit.com/",
    "https://commons.wikimedia.org/w/index.php?curid=",
    "https://www.inaturalist.org/observations/",
    "https://openverse.org/image/",
)
"""How addresses of pages begin whose items have an id of their own."""


def is_item(permalink: str) -> bool:
    """Whether a row with this `permalink` is of an item whose id means the same in every source, and can be asked for.

    A post of Reddit is, and a file of Wikimedia Commons; not a file of a folder, nor one of a data set of Kaggle.
    """
    return permalink.startswith(ITEM_PAGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """On what terms a medium may be used, as its source says it; all empty where that says nothing.

    Attributes:
        license: its SPDX id, or `LicenseRef-` and a name.
        license_version: such as 4.0.
        license_url: of its text.
        author_url: the author's page.
        attribution: the words that the author or the source asks for.
        source_page: the page that a reader is led to.
    """

    license: str = ""
    license_version: str = ""
    license_url: str = ""
    author_url: str = ""
    attribution: str = ""
    source_page: str = ""


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
        asked_url: where a picture is that stands for `media_url`: Reddit's preview of a video.
        fallback_url: a signed preview to try when `media_url` fails.
        crosspost_of: the id of the post that this one repeats.
        rights: on what terms it may be used.
        carried: what else a list says of it, as JSON.
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
    asked_url: str | None = None
    fallback_url: str | None = None
    crosspost_of: str | None = None
    rights: Rights = Rights()
    carried: str = ""
