"""Whether a post is still there for everybody, by what Reddit says of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class PostStatus(StrEnum):
    """What became of a post."""

    KEPT = "kept"
    DELETED = "deleted"
    """By its author."""
    REMOVED = "removed"
    """By a moderator, by Reddit, or for a claim of copyright."""
    MISSING = "missing"
    """Reddit does not know it (any more)."""


def status_of(post: Mapping[str, Any]) -> PostStatus:
    """The status of a post that Reddit knows.

    `removed_by_category` says it in what the API sends today; dumps from before 2019 have the bracketed words only.
    An author called `[deleted]` closed the account, which leaves the post where it was.
    """
    category = post.get("removed_by_category")
    if category in ("deleted", "author") or post.get("selftext") == "[deleted]":
        return PostStatus.DELETED
    if category or post.get("removed_by") or post.get("selftext") == "[removed]":
        return PostStatus.REMOVED
    return PostStatus.KEPT
