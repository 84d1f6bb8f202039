"""The filters of the settings and of a source: which posts and pictures are left out before anything is downloaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cic_assets.domain.reddit.fields import number, text
from cic_assets.domain.reddit.links import host_of, is_host
from cic_assets.domain.reddit.pictures import Picture
from cic_assets.domain.reddit.settings import RedditSettings

Post = Mapping[str, Any]

NOT_OF_SOURCE = "not of this source: "
"""How the reason begins for which a source leaves out a post that another one may take."""

_LONGEST_FLAIR = 80
"""Of a flair in a reason; what a dump holds may be as long as it likes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which posts one source takes of all that it lists.

    Attributes:
        flair: that they have, in any case; empty: any or none.
        since: seconds since 1970 at which they begin.
        until: and before which they end.
        stills: whether of a video, or of an album elsewhere, Reddit's preview is taken.
    """

    flair: str = ""
    since: float | None = None
    until: float | None = None
    stills: bool = False

    @property
    def takes_all(self) -> bool:
        """Whether no post is left out."""
        return not self.flair and self.since is None and self.until is None

    def why_not(self, flair: str, created_utc: float) -> str:
        """Why a post is not taken, in a few words; empty if it is."""
        if self.flair and not _is_in(flair, (self.flair,)):
            return f"{NOT_OF_SOURCE}flair {flair[:_LONGEST_FLAIR]!r}" if flair else f"{NOT_OF_SOURCE}no flair"
        if not self._is_within(created_utc):
            return f"{NOT_OF_SOURCE}posted at another time"
        return ""

    def takes(self, post: Post) -> bool:
        """The same of a post as it was sent."""
        return not self.why_not(text(post, "link_flair_text"), number(post, "created_utc"))

    def is_in_time(self, post: Post) -> bool:
        """Whether it is of the time that is asked for."""
        return self._is_within(number(post, "created_utc"))

    def _is_within(self, created_utc: float) -> bool:
        is_early = self.since is not None and created_utc < self.since
        return not (is_early or (self.until is not None and created_utc >= self.until))


def why_post_left_out(post: Post, original: Post, settings: RedditSettings) -> str:
    """Why a whole post is left out, in a few words; empty if it is not.

    Args:
        post: the post itself, whose flair and score count.
        original: the post that it repeats, or itself; adult if either is.
        settings: the filters.
    """
    if not settings.over_18 and (post.get("over_18") or original.get("over_18")):
        return "over 18"
    flair = text(post, "link_flair_text")
    if settings.flair_include and not _is_in(flair, settings.flair_include):
        return f"flair {flair!r} is not in flair_include" if flair else "no flair"
    if _is_in(flair, settings.flair_exclude):
        return f"flair {flair!r} is in flair_exclude"
    if settings.min_score is not None and number(post, "score") < settings.min_score:
        return f"score under {settings.min_score}"
    return ""


def why_picture_left_out(picture: Picture, settings: RedditSettings) -> str:
    """Why one picture is left out, in a few words; empty if it is not."""
    host = host_of(picture.url)
    if settings.hosts_allow and not _is_of(host, settings.hosts_allow):
        return f"host {host} is not in hosts_allow"
    if _is_of(host, settings.hosts_deny):
        return f"host {host} is in hosts_deny"
    if 0 < picture.width < settings.min_width:
        return f"width under {settings.min_width}"
    if 0 < picture.height < settings.min_height:
        return f"height under {settings.min_height}"
    return ""


def _is_in(flair: str, flairs: tuple[str, ...]) -> bool:
    return flair.strip().casefold() in {other.strip().casefold() for other in flairs}


def _is_of(host: str, domains: tuple[str, ...]) -> bool:
    return any(is_host(host, domain.lower()) for domain in domains)
