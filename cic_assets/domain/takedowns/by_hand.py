"""Taking posts or pictures out by hand, whatever kind of source they are from. They stay out for good."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from cic_assets.domain.media import is_item
from cic_assets.domain.prediction import INBOX, REVIEWS
from cic_assets.domain.sources import TOMBSTONES, WHOLE_POST, TakedownReason, is_blank, load_tombstones, make_tombstones
from cic_assets.domain.takedowns.removal import RAW, carry_out, carry_out_all, remove
from cic_assets.domain.takedowns.rows import ABOUT, rows_of, tombstone_of
from cic_assets.storage import DataRoot


class PurgeError(ValueError):
    """Something to purge is not there, or its name is not clear; nothing was changed."""


@dataclass(frozen=True)
class Purge:
    """What a purge did.

    Attributes:
        posts: posts and items taken out, those of an earlier purge too.
        pictures: pictures whose bytes are gone now.
        kept: pictures that stay because another post or source has them too.
    """

    posts: int
    pictures: int
    kept: int


def purge(
    root: DataRoot,
    posts: Collection[str] = (),
    sha256s: Collection[str] = (),
    *,
    source: str | None = None,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> Purge:
    """Remove posts, or pictures wherever they are from, and see that they do not come back.

    What was purged before is no error: a purge that was interrupted is ended by giving the same names again.

    Args:
        root: the data root.
        posts: ids as `raw_images` has them: Reddit's, a row of a list, a path in a folder.
        sha256s: of pictures, 64 hexadecimal digits.
        source: partition to look in; needed where lists or folders have several items of one name.
        on_progress: called with a line where something is removed.

    Raises:
        PurgeError: one of them is in no table, or is in several sources and means different things.
    """
    with root.lock.held(on_progress):
        return _purge(root, posts, sha256s, source, on_progress)


def _purge(
    root: DataRoot,
    posts: Collection[str],
    sha256s: Collection[str],
    source: str | None,
    on_progress: Callable[[str], None],
) -> Purge:
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    sources = [_Source(root, key, posts, sha256s) for key in keys_of(root, source)]
    reviewed, stray = _unnamed(root, sources, sha256s) if source is None else (frozenset(), frozenset())
    _check(sources, posts, [one for one in sha256s if one not in reviewed | stray])
    for one in sources:
        one.add_tombstones(posts, sha256s, moment)
    # Any source will do: a picture that was purged is refused wherever it is from.
    sources[0].add_strays(stray, moment)
    meant = pd.concat([one.meant(posts, sha256s) for one in sources])
    gone = carry_out_all(root, [one.key for one in sources], moment, on_progress)
    pictures, of_posts = set(meant["sha256"]) - {""}, meant[meant["post_id"] != meant["sha256"]]
    if reviewed:
        remove(root, reviewed, reviewed, frozenset(), moment, on_progress)
    return Purge(
        posts=len(of_posts[["subreddit", "post_id"]].drop_duplicates()),
        pictures=len(pictures & gone) + len(reviewed),
        kept=len(pictures - gone),
    )


def _unnamed(
    root: DataRoot, sources: Sequence["_Source"], sha256s: Collection[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Pictures that no source names: an answer about them was written down, or a killed scrape left their bytes.

    The first are somebody's own, and not even their names are kept; the others would be fetched again.
    """
    tables = [root.read_table_or_none(name) for name in (REVIEWS, INBOX)]
    answered = {sha256 for table in tables if table is not None for sha256 in table["sha256"]}
    unnamed = frozenset(one for one in sha256s if not any(one in each.pictures for each in sources))
    return unnamed & answered, frozenset(one for one in unnamed - answered if root.images.holds(one))


def purge_missing(root: DataRoot, key: str, on_progress: Callable[[str], None] = lambda _line: None) -> Purge:
    """Remove the posts of one source that Reddit left out when it was last asked: a person says that they are gone.

    They may return, as whatever is missing may.

    Raises:
        PurgeError: there is no such source, or no such post.
    """
    with root.lock.held(on_progress):
        (key,) = keys_of(root, key)
        before = load_tombstones(root, key).table
        waiting = before["reason"] == TakedownReason.UNCONFIRMED
        raw = root.read_rows(RAW, key, ABOUT, {"post_id": before.loc[waiting, "post_id"]})
        rows = raw[~is_blank(raw)]
        # Of an earlier call that was interrupted.
        left = before[(before["reason"] == TakedownReason.MISSING) & (before["sha256"] != "")]
        if rows.empty and left.empty:
            raise PurgeError(f"{key}: Reddit left out none of its posts when it was last asked: nothing was changed")
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        new = [tombstone_of(row, TakedownReason.MISSING, moment) for row in rows_of(rows)]
        root.write_table(TOMBSTONES, make_tombstones([*rows_of(before[~waiting]), *new]), key)
        both = pd.concat([rows, left])
        gone, pictures = carry_out(root, key, moment, on_progress), set(both["sha256"]) - {""}
        return Purge(posts=both["post_id"].nunique(), pictures=len(pictures & gone), kept=len(pictures - gone))


class _Source:
    """The tables of one source, as a purge of some posts and pictures sees them."""

    def __init__(self, root: DataRoot, key: str, posts: Collection[str], sha256s: Collection[str]) -> None:
        self._root = root
        self.key = key
        raw = root.read_rows(RAW, key, ABOUT, {"post_id": posts, "crosspost_of": posts, "sha256": sha256s})
        self._raw = raw[~is_blank(raw)]
        self._tombstones = load_tombstones(root, key).table
        self.posts = frozenset(self._raw["post_id"]).union(self._tombstones["post_id"])
        """Names of what is here, or was until it was taken down."""
        self.pictures = frozenset(self._raw["sha256"]).union(self._tombstones["sha256"])
        """Those that are here, or are refused here."""

    def is_post(self, post_id: str) -> bool:
        """Whether a name is that of a post of Reddit, which is the same one in every source."""
        rows = self._raw[self._raw["post_id"] == post_id]
        if len(rows):
            return any(map(is_item, rows["permalink"]))
        return bool(self._tombstones.loc[self._tombstones["post_id"] == post_id, "is_post"].any())

    def add_tombstones(self, posts: Collection[str], sha256s: Collection[str], moment: str) -> None:
        """Write down what is to go, before anything does."""
        # Also what is kept and not used, such as one that is too small: other limits would show it again.
        shown = self._raw[self._raw["sha256"].isin(sha256s)]
        named = self._raw[self._raw["post_id"].isin(posts) | self._raw["crosspost_of"].isin(posts)]
        new = [tombstone_of(row, TakedownReason.PURGED_PICTURE, moment) for row in rows_of(shown)]
        new += [tombstone_of(row, TakedownReason.PURGED, moment) for row in rows_of(named)]
        if new:
            self._tombstones = make_tombstones([*rows_of(self._tombstones), *new])
            self._root.write_table(TOMBSTONES, self._tombstones, self.key)

    def add_strays(self, sha256s: Collection[str], moment: str) -> None:
        """Write down pictures that are to go and have no row: their own names stand for those of posts."""
        if sha256s:
            about = {"subreddit": self.key, "position": WHOLE_POST, "is_post": False, "crosspost_of": ""}
            about |= {"url_sha256": "", "reason": TakedownReason.PURGED_PICTURE, "noticed_at": moment}
            new = [{**about, "post_id": sha256, "sha256": sha256} for sha256 in sorted(sha256s)]
            self._tombstones = make_tombstones([*rows_of(self._tombstones), *new])
            self._root.write_table(TOMBSTONES, self._tombstones, self.key)

    def meant(self, posts: Collection[str], sha256s: Collection[str]) -> pd.DataFrame:
        """The tombstones of what is purged."""
        table = self._tombstones
        of_posts = table["post_id"].isin(posts) | table["crosspost_of"].isin(posts)
        of_pictures = table["sha256"].isin(sha256s) & (table["reason"] == TakedownReason.PURGED_PICTURE)
        return table[(of_posts & (table["reason"] == TakedownReason.PURGED)) | of_pictures]


def keys_of(root: DataRoot, source: str | None) -> list[str]:
    """The sources that were scraped, or the one that is asked for.

    Raises:
        PurgeError: there are none, or there is no such one.
    """
    keys = root.table_partitions(RAW)
    if not keys:
        raise PurgeError(f"{root.url}: nothing was scraped here: expected tables/{RAW}")
    if source is None:
        return keys
    if source not in keys:
        raise PurgeError(f"source {source!r} is not there: expected one of {', '.join(keys)}")
    return [source]


def _check(sources: Sequence[_Source], posts: Collection[str], sha256s: Collection[str]) -> None:
    for post_id in posts:
        places = [one for one in sources if post_id in one.posts]
        if not places:
            raise PurgeError(f"post {post_id!r} is in no table of {_names(sources)}: nothing was changed")
        if len(places) > 1 and not all(one.is_post(post_id) for one in places):
            raise PurgeError(
                f"{post_id!r} is the name of different things in {_names(places)}: say by --source which is meant; "
                "nothing was changed"
            )
    for sha256 in sha256s:
        if not any(sha256 in one.pictures for one in sources):
            raise PurgeError(f"picture {sha256!r} is in no table of {_names(sources)}: nothing was changed")


def _names(sources: Sequence[_Source]) -> str:
    return ", ".join(one.key for one in sources)
