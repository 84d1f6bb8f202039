"""`posts`: what Reddit sent of each post that is kept, as JSON; it goes when its post is taken down.

Whoever is named in it can close the account: of the posts that a crosspost repeats, about which nobody asks, only what
shows their media is kept, and nothing that names an author.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from cic_assets.domain.reddit import Post, PostStatus, status_of
from cic_assets.domain.schema import Column, types_of
from cic_assets.domain.sources.tombstones import is_blank
from cic_assets.storage import DataRoot

POSTS = "posts"
POST_COLUMNS: Mapping[str, Column] = {
    "post_id": Column("str", "Reddit's id without `t3_`"),
    "subreddit": Column("str", "the partition"),
    "json": Column("str", "the post as Reddit sent it last, as JSON; without its author once the account is closed"),
}
_TYPES = types_of(POST_COLUMNS)
_OF_ORIGINALS = frozenset(
    {
        "id", "name", "title", "url", "url_overridden_by_dest", "domain", "post_hint", "is_self", "is_video",
        "is_gallery", "gallery_data", "media_metadata", "media", "secure_media", "preview", "thumbnail", "over_18",
    }
)  # fmt: skip
"""Fields of a post that a crosspost repeats: what tells of its media, so that they can be found again."""


def keep_posts(
    root: DataRoot, key: str, posts: Iterable[Post] | None, raw: pd.DataFrame, anonymous: Collection[str]
) -> None:
    """Keep what was sent of posts, beside what was kept of others, as far as they may be kept.

    Args:
        root: the data root, whose lock is held.
        key: of the source's partition.
        posts: that it lists now; None: nothing is to be kept, nor what was kept before.
        raw: its table `raw_images`, of which nothing is missing.
        anonymous: posts whose author's name is not kept.
    """
    if posts is None:
        root.remove_table(POSTS, key)
        return
    kept = set(raw["post_id"]).difference(raw.loc[is_blank(raw), "post_id"])
    sent = {str(post["id"]): post for post in posts}
    is_up = {name for name, post in sent.items() if status_of(post) is PostStatus.KEPT}
    texts = {name: _as_json(sent[name], is_anonymous=name in anonymous) for name in is_up & kept}
    new = _table_of(key, texts)
    before = root.read_table_if_whole(POSTS, key)
    if before is None:
        after = new
    else:
        stays = before["post_id"].isin(kept) & ~before["post_id"].isin(sent)
        both = pd.concat([before, new], ignore_index=True)
        names = both["post_id"][[*stays, *[True] * len(new)]].sort_values()
        after = both.take(names.index.to_numpy()).reset_index(drop=True)  # one copy of what may be gigabytes
    if len(after) if before is None else not after.equals(before):
        root.write_table(POSTS, after, key, compression="zstd")


def forget_posts(root: DataRoot, key: str, gone: Collection[str], anonymous: Collection[str]) -> None:
    """Remove what was sent of posts that are gone, and the names of authors whose accounts are closed.

    Args:
        root: the data root, whose lock is held.
        key: of the source's partition.
        gone: posts.
        anonymous: posts whose author's name is not kept.
    """
    about = root.read_table_if_whole(POSTS, key, columns=["post_id"])
    if about is None or not about["post_id"].isin({*gone, *anonymous}).any():
        return
    if not root.is_whole(POSTS, key):
        root.remove_table(POSTS, key)
        return
    goes = about["post_id"].isin(gone)
    sent = root.read_rows(POSTS, key, ["json"], {"post_id": anonymous})["json"]
    unnamed = pd.Series([_as_json(json.loads(text), is_anonymous=True) for text in sent], sent.index, dtype="str")
    changed = unnamed[unnamed != sent]
    if goes.any() or len(changed):
        root.edit_table(POSTS, key, ~goes.to_numpy(bool), {"json": changed} if len(changed) else {})


def _table_of(key: str, texts: Mapping[str, str]) -> pd.DataFrame:
    rows = [(name, key, text) for name, text in sorted(texts.items())]
    return pd.DataFrame(rows, columns=list(POST_COLUMNS)).astype(_TYPES)


def _as_json(post: Mapping[str, Any], *, is_anonymous: bool) -> str:
    """In ASCII: every string that the API sends can be written so."""
    kept = _without_author(post) if is_anonymous else dict(post)
    originals = kept.pop("crosspost_parent_list", None)
    if isinstance(originals, list):
        sent = [one for one in originals if isinstance(one, dict)]
        # The crosspost links to what it repeats, on whoever's profile that is.
        kept = _unnamed(kept, {name for one in sent for name in _names_of(one)})
        kept["crosspost_parent_list"] = [
            {name: value for name, value in _without_author(one).items() if name in _OF_ORIGINALS} for one in sent
        ]
    return json.dumps(kept, separators=(",", ":"), default=str)


def _without_author(post: Mapping[str, Any]) -> dict[str, Any]:
    left = {field: value for field, value in post.items() if not field.startswith("author")}
    return _unnamed(left, _names_of(post))


def _names_of(post: Mapping[str, Any]) -> set[str]:
    """Whose it is, which a post on a profile also tells once its author is not named."""
    subreddit = str(post.get("subreddit") or "")
    names = {str(post.get("author") or ""), subreddit[2:] if subreddit.lower().startswith("u_") else ""}
    return names - {"", "[deleted]", "[removed]"}


def _unnamed(post: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """A post without all that names a profile of these, wherever it stands."""
    if not names:
        return dict(post)
    # In Markdown an underscore is escaped.
    either = "|".join(re.escape(name).replace("_", r"\\?_") for name in names)
    kept: dict[str, Any] = _without(re.compile(rf"(u_|(u|user)(/|%2F))({either})(?![\w-])", re.IGNORECASE), post)
    return kept


def _without(profile: re.Pattern[str], value: Any) -> Any:
    """A value without the texts inside it that name a profile."""
    if isinstance(value, Mapping):
        return {name: _without(profile, one) for name, one in value.items() if not _is_named(profile, one)}
    if isinstance(value, list):
        return [_without(profile, one) for one in value if not _is_named(profile, one)]
    return value


def _is_named(profile: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and profile.search(value) is not None
