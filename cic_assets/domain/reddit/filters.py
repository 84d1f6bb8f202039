"""The filters of the settings: which posts and pictures are left out before anything is downloaded."""

from collections.abc import Mapping
from typing import Any

from cic_assets.domain.reddit.fields import number, text
from cic_assets.domain.reddit.links import host_of, is_host
from cic_assets.domain.reddit.pictures import Picture
from cic_assets.domain.reddit.settings import RedditSettings

Post = Mapping[str, Any]


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
