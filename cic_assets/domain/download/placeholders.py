"""Pictures that say that a picture was removed: known by a redirect, their bytes, or their number."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from yarl import URL

REMOVED_PAGES = tuple(
    (re.compile(host), re.compile(path))
    for host, path in (
        # imgur, for everything that is gone; the same name elsewhere means the same
        (r".*", r"(.*/)?(removed|deleted|image[_-]not[_-]found|no[_-]?image|photo_unavailable)\.(png|gif|jpe?g|webp)"),
        (r"(.*\.)?photobucket\.com", r"(.*/)?bwe\.png"),  # photobucket, over its bandwidth
        (r"(.*\.)?tinypic\.com", r"(.*/)?404\.gif"),  # tinypic, closed in 2019
    )
)
"""Host and path of pictures that a redirect to means "removed"."""

REMOVED_MD5 = {"d835884373f4d6c8f24742ceabe74946": "imgur"}
"""MD5 of such pictures, whose hosts also send it as their ETag; well known among scrapers."""

MAX_KNOWN_BYTES = 16_384
"""Longer bodies are not compared with `REMOVED_MD5`: such pictures are small (imgur's has 503 bytes)."""

DEFAULT_MIN_POSTS = 5
"""Posts of different authors that share one picture before we take it for a placeholder: reposts come in twos and
threads of the same event in threes."""


def is_removed_page(url: URL) -> bool:
    """Whether a redirect to this URL means that the picture was removed."""
    host, path = url.raw_host or "", url.path.lower()
    return any(hosts.fullmatch(host) and paths.fullmatch(path) for hosts, paths in REMOVED_PAGES)


def known_placeholder(data: bytes) -> str | None:
    """The host whose "removed" picture these bytes are; None if they are none that we know."""
    if len(data) > MAX_KNOWN_BYTES:
        return None
    return REMOVED_MD5.get(hashlib.md5(data, usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Use:
    """One post that shows one picture.

    Attributes:
        sha256: of the picture's bytes.
        url: where the post has it from.
        author: who posted it; "" if unknown.
    """

    sha256: str
    url: str
    author: str = ""


def shared_pictures(uses: Iterable[Use], min_posts: int = DEFAULT_MIN_POSTS) -> frozenset[str]:
    """SHA-256 of pictures that stand behind so many unrelated posts that they cannot be what the posts are about.

    Unrelated means another URL and another author: a crosspost shares the URL, a spammer the author. What comes back is
    meant for `DownloadSettings.placeholders`, or to correct a table by.

    Args:
        uses: a picture and a post each, in any order.
        min_posts: from how many on, at least 2.
    """
    if min_posts < 2:  # noqa: PLR2004, one post is what every picture has
        raise ValueError(f"min_posts is {min_posts}, it must be at least 2")
    urls: defaultdict[str, set[str]] = defaultdict(set)
    authors: defaultdict[str, set[str]] = defaultdict(set)
    for use in uses:
        urls[use.sha256].add(use.url)
        authors[use.sha256].add(use.author or use.url)
    return frozenset(sha for sha in urls if min(len(urls[sha]), len(authors[sha])) >= min_posts)
