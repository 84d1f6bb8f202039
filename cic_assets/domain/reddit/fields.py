"""Reading the fields of a post whatever their type: dumps of fifteen years hold every variant."""

from collections.abc import Mapping, Sequence
from typing import Any

_LARGEST = 2.0**53
"""Whole numbers beyond are not exact, and far beyond no column holds them; of a post nothing is so large."""


def text(post: Mapping[str, Any], key: str) -> str:
    """A string field; empty if it is missing or something else.

    Half a surrogate pair, which JSON can hold and no file can, is replaced by a question mark.
    """
    value = post.get(key)
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def number(post: Mapping[str, Any], key: str) -> float:
    """A numeric field, also one written as a string; 0 if it is missing, larger than any can be, or something else."""
    try:
        value = float(post.get(key) or 0)
    except (OverflowError, TypeError, ValueError):
        return 0.0
    return value if abs(value) <= _LARGEST else 0.0


def mapping(post: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A field that holds fields; empty if it is missing, null or something else."""
    value = post.get(key)
    return value if isinstance(value, Mapping) else {}


def mappings(post: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    """A list of such fields, without those in it that are something else."""
    value = post.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, Sequence) else []


def link(post: Mapping[str, Any], key: str) -> str:
    """A URL as it was given, without the escapes that Reddit adds to what it sends.

    Reddit escapes exactly these three characters. All of HTML's names would be too many: `&copy=1` is a query.
    """
    escaped = text(post, key).strip()
    return escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
