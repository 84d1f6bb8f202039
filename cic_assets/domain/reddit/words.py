"""The words of Reddit's API: what a post is, how listings are called."""

import re
from typing import Any, Literal

Post = dict[str, Any]
"""One submission, the `data` object of a `t3`, as the API sends it."""

Sort = Literal["new", "hot", "rising", "top", "controversial"]
TimeFilter = Literal["hour", "day", "week", "month", "year", "all"]

SORTS: tuple[Sort, ...] = ("new", "hot", "rising", "top", "controversial")
TIME_FILTERS: tuple[TimeFilter, ...] = ("hour", "day", "week", "month", "year", "all")

SUBREDDIT_NAME = re.compile(r"[A-Za-z0-9_]{2,24}")
"""Subreddits have 3 to 21 characters (two in the oldest), profiles `u_` before a name of up to 20."""
