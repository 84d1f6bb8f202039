"""The media of a post, in order, each as one `Medium`; of a post that has none, one that says why.

Pure: from what the API sends to what is to be fetched. A post may come from the API, from a recording or from a dump,
and whatever type a field has, it does not stop the others.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.reddit.fields import mappings, number, text
from cic_assets.domain.reddit.filters import Selection, why_picture_left_out, why_post_left_out
from cic_assets.domain.reddit.pictures import Picture, page_of, pictures_of, url_of
from cic_assets.domain.reddit.settings import RedditSettings
from cic_assets.domain.reddit.status import PostStatus, status_of

Post = Mapping[str, Any]


def media_of(
    submission: Post,
    settings: RedditSettings | None = None,
    *,
    subreddit: str | None = None,
    selection: Selection = Selection(),  # noqa: B008 - nothing changes it
) -> list[Medium]:
    """The media of one post, in order; at least one.

    Pictures of a gallery come one each, in full size; a crosspost has those of the post that it repeats, by
    reference. What the post tells not to be a still picture, or a setting leaves out, has its outcome already.

    Args:
        submission: the `data` object of a `t3`.
        settings: what to leave out.
        subreddit: the name to file them under; the one in the post if none is given.
        selection: which posts are taken; the others have that for their outcome.

    Raises:
        ValueError: the post has no id, so no row could be about it.
    """
    settings = settings or RedditSettings()
    about = _about(submission, subreddit)
    original = _original(submission)
    why_post = selection.why_not(about.flair, about.created_utc)
    why_post = why_post or why_post_left_out(submission, original or submission, settings)
    return [
        _medium(
            replace(about, position=position),
            picture,
            picture.why_not or why_post or why_picture_left_out(picture, settings),
        )
        for position, picture in enumerate(_pictures(submission, original, stills=selection.stills))
    ]


def _about(post: Post, subreddit: str | None) -> Medium:
    """What all media of a post have in common. Of one that is gone nothing is taken that a person wrote."""
    post_id = text(post, "id")
    if not post_id:
        raise ValueError(f"a post without an id: {str(dict(post))[:100]}")
    written = post if status_of(post) is PostStatus.KEPT else {}
    return Medium(
        post_id=post_id,
        subreddit=subreddit or text(post, "subreddit"),
        media_url="",
        permalink=page_of(post),
        title=text(written, "title"),
        author=text(written, "author"),
        created_utc=number(post, "created_utc"),
        score=int(number(post, "score")),
        over_18=bool(post.get("over_18")),
        flair=text(post, "link_flair_text"),
        crosspost_of=text(post, "crosspost_parent").removeprefix("t3_") or None,
    )


def _original(post: Post) -> Post | None:
    """The post that a crosspost repeats, if Reddit sent it."""
    original = next(iter(mappings(post, "crosspost_parent_list")), None)
    return original if original and text(original, "id") else None


def _pictures(post: Post, original: Post | None, *, stills: bool) -> list[Picture]:
    if not text(post, "crosspost_parent") and original is None:
        return pictures_of(post, stills=stills)
    if status_of(post) != PostStatus.KEPT:
        return pictures_of(post)
    if original is None:
        return [Picture(url=url_of(post), why_not="crosspost of a post that is gone")]
    return pictures_of(original, stills=stills)


def _medium(about: Medium, picture: Picture, why_not: str) -> Medium:
    return replace(
        about,
        media_url=picture.url,
        asked_url=None if why_not else picture.asked,
        fallback_url=None if why_not else picture.fallback,
        known_outcome=Outcome.SKIPPED if why_not else None,
        reason=why_not,
    )
