"""What Reddit lists posts of: a subreddit or several in one, an account, a multireddit, or what a search finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cic_assets.domain.reddit.errors import UnknownSubredditError
from cic_assets.domain.reddit.settings import RedditSettings
from cic_assets.domain.reddit.words import MULTIREDDIT_NAME, SUBREDDIT_NAME, USER_NAME, TimeFilter

if TYPE_CHECKING:
    import praw

Order = tuple[str, TimeFilter | None]
"""How a listing is sorted, and of which time it is."""

_FOUND: tuple[Order, ...] = (("new", "all"), ("relevance", "all"), ("top", "all"), ("comments", "all"))
"""A search ends after some 250 posts: several orders find more."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One place that lists posts.

    Attributes:
        kind: `r`, `u` or `user`, as its address begins.
        name: what follows.
        search: what is asked for there; empty: whatever is listed.
    """

    kind: str
    name: str
    search: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" + (f", searched for {self.search!r}" if self.search else "")

    def check(self) -> None:
        """Whether there can be such a place.

        Raises:
            UnknownSubredditError: there cannot.
        """
        names = self.name.split("+") if self.kind == "r" else [self.name]
        form = {"r": SUBREDDIT_NAME, "u": USER_NAME, "user": MULTIREDDIT_NAME}[self.kind]
        if not all(form.fullmatch(name) for name in names):
            raise UnknownSubredditError(
                f"{self.kind}/{self.name}: is no name that Reddit gives: check how it is written"
            )

    def orders(self, settings: RedditSettings) -> list[Order]:
        """`new` first, and then what is of all times, because these tell whether the others are needed."""
        if self.search:
            return list(_FOUND)
        orders: list[Order] = []
        for sort in dict.fromkeys(settings.listings):
            if self.kind == "u" and sort == "rising":  # accounts have none
                continue
            of_times = sort in ("top", "controversial")
            orders += [(sort, within) for within in (dict.fromkeys(settings.time_filters) if of_times else [None])]
        return sorted(orders, key=lambda one: (one[0] != "new", one[1] != "all"))

    def posts(self, reddit: "praw.Reddit", order: Order, limit: int) -> Iterator[Any]:
        """The submissions of one listing, asked for as they are taken."""
        sort, within = order
        options: dict[str, Any] = {"limit": limit} | ({} if within is None else {"time_filter": within})
        if self.search:
            found: Iterator[Any] = reddit.subreddit(self.name).search(self.search, sort=sort, **options)
            return found
        place: Any
        if self.kind == "u":
            place = reddit.redditor(self.name).submissions
        elif self.kind == "user":
            account, _, name = self.name.partition("/m/")
            place = reddit.multireddit(redditor=account, name=name)
        else:
            place = reddit.subreddit(self.name)
        listing: Iterator[Any] = getattr(place, sort)(**options)
        return listing
