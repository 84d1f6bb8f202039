"""What one post shows by itself: the pictures of a gallery, those within a text, or what it links to.

Crossposts and filters are the business of `posts`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cic_assets.domain.reddit.fields import link, mapping, mappings, number, text
from cic_assets.domain.reddit.links import IMGUR_ALBUM, VIDEO, names_picture, why_no_picture
from cic_assets.domain.reddit.status import PostStatus, status_of

Post = Mapping[str, Any]

SITE = "https://www.reddit.com"
_GONE = {PostStatus.DELETED: "deleted by its author", PostStatus.REMOVED: "removed"}
GONE_REASONS = frozenset(_GONE.values())
"""Why there is no picture of a post that was gone when it was first seen."""
_VIDEO_HINTS = ("hosted:video", "rich:video")
_EXTENSIONS = {"image/jpeg": "jpg", "image/jpg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}
_MEDIA_ID = re.compile("[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture of a post, or what stands in its place.

    Attributes:
        url: where it is, as Reddit says it.
        why_not: why it is known not to be a still picture; empty if it may be one.
        asked: where a picture that stands for `url` is.
        fallback: where the picture may be had if `url` fails.
        width, height: in pixels, if Reddit says; else 0.
    """

    url: str
    why_not: str = ""
    asked: str | None = None
    fallback: str | None = None
    width: int = 0
    height: int = 0


def pictures_of(post: Post, *, stills: bool = False) -> list[Picture]:
    """The pictures of a post in its order; at least one, which says why there is none.

    With `stills`, of a video, or of an album elsewhere, the preview that Reddit made of it.
    """
    gone = _GONE.get(status_of(post))
    if gone:
        return [Picture(url=url_of(post), why_not=gone)]
    if post.get("is_gallery") or post.get("gallery_data"):
        return _gallery(post) or [Picture(url=url_of(post), why_not="gallery without pictures")]
    if post.get("is_self"):
        return _within_text(post) or [Picture(url=url_of(post), why_not="text post")]
    linked = _linked(post)
    return [(_still(post, linked) if stills else None) or linked]


def url_of(post: Post) -> str:
    """What a post links to; its own page if it links to nothing."""
    return link(post, "url_overridden_by_dest") or link(post, "url") or page_of(post)


def page_of(post: Post) -> str:
    """The address of a post's page."""
    path = text(post, "permalink")
    return SITE + (path if path.startswith("/") else f"/comments/{post['id']}")


def _linked(post: Post) -> Picture:
    url = url_of(post)
    if post.get("is_video") or text(post, "post_hint") in _VIDEO_HINTS:
        return Picture(url=url, why_not=VIDEO)
    source = _preview(post)
    return Picture(
        url=url,
        why_not=why_no_picture(url),
        # Of any other page the preview is what the page chose to show of itself.
        fallback=(link(source, "url") or None) if names_picture(url) or text(post, "post_hint") == "image" else None,
        width=int(number(source, "width")),
        height=int(number(source, "height")),
    )


def _still(post: Post, linked: Picture) -> Picture | None:
    """Reddit's preview of what moves, or of an album; None where there is none, or the link may be a picture."""
    source = _preview(post)
    if linked.why_not not in (VIDEO, IMGUR_ALBUM) or not link(source, "url"):
        return None
    return Picture(
        url=linked.url,
        asked=link(source, "url"),
        width=int(number(source, "width")),
        height=int(number(source, "height")),
    )


def _preview(post: Post) -> Mapping[str, Any]:
    return mapping(next(iter(mappings(mapping(post, "preview"), "images")), {}), "source")


def _gallery(post: Post) -> list[Picture]:
    metadata = mapping(post, "media_metadata")
    order = [text(item, "media_id") for item in mappings(mapping(post, "gallery_data"), "items")]
    return [_hosted(post, media_id, mapping(metadata, media_id)) for media_id in order or metadata]


def _within_text(post: Post) -> list[Picture]:
    # Emotes and giphys are there too, with a bar in their names.
    metadata = mapping(post, "media_metadata")
    return [_hosted(post, media_id, mapping(metadata, media_id)) for media_id in metadata if "|" not in media_id]


def _hosted(post: Post, media_id: str, about: Mapping[str, Any]) -> Picture:
    """A picture that Reddit keeps: in full size at i.redd.it, and as a signed preview."""
    source = mapping(about, "s")
    preview = link(source, "u") or link(source, "gif")
    extension = _EXTENSIONS.get(text(about, "m").lower(), "")
    # A recording has links with http; the picture is where its preview is.
    scheme = urlsplit(preview or url_of(post)).scheme
    scheme = scheme if scheme in ("http", "https") else "https"
    return Picture(
        url=f"{scheme}://i.redd.it/{media_id}" + (f".{extension}" if extension else ""),
        why_not=_why_not_hosted(media_id, about, extension),
        fallback=preview or None,
        width=int(number(source, "x")),
        height=int(number(source, "y")),
    )


def _why_not_hosted(media_id: str, about: Mapping[str, Any], extension: str) -> str:
    # Of an animated picture the first frame counts, as of one that is linked.
    if text(about, "e") == "RedditVideo":
        return VIDEO
    if text(about, "status") != "valid" or not extension or not _MEDIA_ID.fullmatch(media_id):
        return "Reddit could not process this picture"
    return ""
