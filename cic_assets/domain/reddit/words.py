"""The words of Reddit's API: what a post is, how listings are called."""

import re
from typing import Any, Literal

Post = dict[str, Any]
"""One submission, the `data` object of a `t3`, as the API sends it."""

Sort = Literal["new", "hot", "rising", "top", "controversial"]
TimeFilter = Literal["hour", "day", "week", "month", "year", "all"]

SORTS: tuple[Sort, ...] = ("new", "hot", "rising", "top", "controversial")
TIME_FILTERS: tuple[TimeFilter, ...] = ("hour", "day", "week", "month", "year", "all")

SUBREDDIT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{1,20}|u_[A-Za-z0-9_-]{3,20}")
"""Reddit's own rule: 3 to 21 letters, digits and underscores (two in the oldest), no underscore first; a profile is
`u_` before a name of up to 20."""

USER_NAME = re.compile(r"[A-Za-z0-9_-]{3,20}")
MULTIREDDIT_NAME = re.compile(rf"{USER_NAME.pattern}/m/[A-Za-z0-9][A-Za-z0-9_]{{0,49}}")
"""As in the address of its page, after `user/`."""
