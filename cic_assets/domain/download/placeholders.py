"""Pictures that say that a picture was removed: known by a redirect or by their bytes."""

import hashlib
import re

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


def is_removed_page(url: URL) -> bool:
    """Whether a redirect to this URL means that the picture was removed."""
    host, path = url.raw_host or "", url.path.lower()
    return any(hosts.fullmatch(host) and paths.fullmatch(path) for hosts, paths in REMOVED_PAGES)


def known_placeholder(data: bytes) -> str | None:
    """The host whose "removed" picture these bytes are; None if they are none that we know."""
    if len(data) > MAX_KNOWN_BYTES:
        return None
    return REMOVED_MD5.get(hashlib.md5(data, usedforsecurity=False).hexdigest())
