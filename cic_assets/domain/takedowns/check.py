"""A second look at the posts that are kept: what Reddit says is gone is taken down, in order that a kill can cut.

First the tombstones say what is to go and under which name its bytes lie, then everything goes, and last the
tombstones forget that name. Whatever moment it is interrupted at, the next check goes on from the tombstones.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from cic_assets.domain.media import ITEM_PAGES, is_item
from cic_assets.domain.reddit import CheckedPost, PostStatus, RedditError
from cic_assets.domain.sources import (
    GONE,
    TOMBSTONES,
    TakedownReason,
    Tombstones,
    is_blank,
    load_tombstones,
    make_tombstones,
    url_sha256,
)
from cic_assets.domain.takedowns.removal import RAW, carry_out
from cic_assets.domain.takedowns.rows import ABOUT, rows_of, tombstone_of, was_never_kept
from cic_assets.domain.takedowns.turns import in_turn, remember_asked
from cic_assets.storage import DataRoot

Ask = Callable[[Collection[str]], Mapping[str, CheckedPost]]
"""Tells which posts, by their ids, are still there for everybody. A site that answers only so many questions is asked
about the first of them, and the others are not in the answer."""

CONFIRM_AFTER = timedelta(hours=1)
"""A post that Reddit leaves out of its answer is asked for again at least this much later before it counts as gone: an
answer with holes is over by then, and two checks of a day leave time within the 48 hours that Reddit's terms give."""

MANY_POSTS, LARGE_SHARE = 10, 0.2
"""So many posts, and such a share of a source's, are not taken down at once because Reddit leaves them out: a subreddit
that closes for a day looks the same, and so does an API that fails. A person has to say so."""

_BY_STATUS = {
    PostStatus.DELETED: TakedownReason.DELETED,
    PostStatus.REMOVED: TakedownReason.REMOVED,
    PostStatus.MISSING: TakedownReason.MISSING,
}
_MAY_RETURN = frozenset({TakedownReason.REMOVED, TakedownReason.MISSING, TakedownReason.UNCONFIRMED})
"""Moderators approve again what they removed. What its author deleted, or a person here purged, stays away."""


class ManyMissingError(RedditError):
    """A site leaves out so many posts that a person has to say whether they are gone."""


@dataclass(frozen=True)
class TakedownCheck:
    """What a check found.

    Attributes:
        asked: posts that the source's site was asked about.
        found: posts taken down now, by reason.
        unconfirmed: posts that wait for a second look.
        returned: posts that are up again; the next scrape may bring them back.
        tombstones: all of the source.
    """

    asked: int
    found: Mapping[str, int]
    unconfirmed: int
    returned: int
    tombstones: Tombstones


def check_takedowns(
    root: DataRoot,
    key: str,
    ask: Ask | None,
    *,
    now: datetime | None = None,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> TakedownCheck:
    """Ask a source's site about what is kept of it, and take down what is gone.

    Also goes on with what an interrupted check or purge left, and takes down here what is gone by another source.

    Args:
        root: the data root.
        key: of the source's partition.
        ask: what tells of posts; None where nobody can, or there are none: then only known tombstones count.
        now: the moment of the check.
        on_progress: called with a line now and then.

    Raises:
        ManyMissingError: a large share of the posts is missing at once; these are kept, and what Reddit says to be
            gone was taken down.
        RedditError, SourceError: the site cannot be asked; nothing was changed.
    """
    moment = now or datetime.now(UTC)
    before = load_tombstones(root, key).table
    posts, gone = _askable(root, key)
    asked = in_turn(root, key, posts, gone, moment)
    statuses = ask(asked) if ask and asked else {}
    if statuses:
        on_progress(f"{key}: asked about {len(statuses):,} posts of {len(gone.union(posts.index)):,}")
    if ask and len(statuses) < len(asked):
        on_progress(f"{key}: {len(asked) - len(statuses):,} posts wait for the next check: its site takes no more now")
    with root.lock.held(on_progress):
        return _take_down(
            root, key, statuses, before, moment, on_progress,
            lambda: remember_asked(root, key, gone.union(posts.index), statuses, moment),
        )  # fmt: skip


def _take_down(
    root: DataRoot,
    key: str,
    statuses: Mapping[str, CheckedPost],
    when_asked: pd.DataFrame,
    moment: datetime,
    on_progress: Callable[[str], None],
    remember: Callable[[], None],
) -> TakedownCheck:
    raw, before = _about(root, key), load_tombstones(root, key).table
    judge = _Judge(statuses, load_tombstones(root), before, moment)
    judge.hold_many(_kept_posts(raw))
    # An answer says nothing of what somebody else found out after it.
    returned = _returned(before.merge(when_asked), statuses)
    rows = [*judge.kept_tombstones(returned), *(judge.new_tombstones(raw) if raw is not None else [])]
    after = make_tombstones(rows)
    if raw is not None or len(after):
        root.write_table(TOMBSTONES, after, key)
    remember()  # not before: killed between, what was answered would be forgotten, and not asked for again for a day
    carry_out(root, key, moment.isoformat(timespec="seconds"), on_progress)
    if judge.held:
        raise ManyMissingError(
            f"{key}: twice now its site left out {judge.held} posts that are kept, too many to remove without asking. "
            f"If they are gone: cic purge --missing {key} --data-root {root.url}. If {key} only closed, or its site "
            "fails, wait"
        )
    return TakedownCheck(
        asked=len(statuses),
        found=_counts(after, before),
        unconfirmed=int((after["reason"] == TakedownReason.UNCONFIRMED).sum()),
        returned=len(returned - set(before.loc[before["reason"] == TakedownReason.UNCONFIRMED, "post_id"])),
        tombstones=load_tombstones(root, key),
    )


def posts_to_ask(root: DataRoot, key: str, now: datetime | None = None) -> list[str]:
    """Ids of the kept posts of one source, what those repeat, and what is gone and may be up again.

    Of Reddit and of open sources alone: those whose turn it is, in that order.
    """
    posts, gone = _askable(root, key)
    return in_turn(root, key, posts, gone, now or datetime.now(UTC))


def _askable(root: DataRoot, key: str) -> tuple["pd.Series[float]", frozenset[str]]:
    """When what is kept, and what it repeats, was posted, by its id; and what is gone and may be up again."""
    before = load_tombstones(root, key).table
    away = before[before["is_post"] & before["reason"].isin(_MAY_RETURN)]
    gone = frozenset({*away["post_id"], *away["crosspost_of"]} - {""})
    if not root.has_table(RAW, key):
        return pd.Series(dtype="float64", index=pd.Index([], dtype="str")), gone
    columns = ["post_id", "crosspost_of", "permalink", "reason", "sha256", "created_utc"]
    raw = root.read_table(RAW, key, columns)
    raw = raw[raw["permalink"].str.startswith(ITEM_PAGES) & ~was_never_kept(raw)]
    names = pd.concat([raw.set_index(name)["created_utc"] for name in ("post_id", "crosspost_of")])
    names = names[names.index != ""]
    return names[~names.index.duplicated()], gone


def _about(root: DataRoot, key: str) -> pd.DataFrame | None:
    """What tells of each medium whether it is to go; None where the source was not scraped yet."""
    return root.read_table(RAW, key, ABOUT) if root.has_table(RAW, key) else None


def _kept_posts(raw: pd.DataFrame | None) -> frozenset[str]:
    return frozenset() if raw is None else frozenset(raw.loc[~is_blank(raw) & ~was_never_kept(raw), "post_id"])


def knows_posts(root: DataRoot, key: str, origin: str) -> bool:
    """Whether what is reached under this origin can tell about the kept posts of a source.

    A recording knows nothing of Reddit's posts, nor of another's: all of them would seem to be gone. What dumps hold,
    which is fetched from the web, Reddit knows.
    """
    known = {origin, "web"} if origin == "reddit" else {origin}
    return not root.has_table(RAW, key) or set(root.read_table(RAW, key, ["origin"])["origin"]) <= known


def _returned(before: pd.DataFrame, statuses: Mapping[str, CheckedPost]) -> set[str]:
    """Posts with tombstones that Reddit shows again, and what they repeat with them."""
    away = before[before["is_post"] & before["reason"].isin(_MAY_RETURN)]
    return {
        post_id
        for post_id, original in zip(away["post_id"], away["crosspost_of"], strict=True)
        if _is_up(statuses, post_id) and (not original or not _is_gone(statuses, original))
    }


def _is_up(statuses: Mapping[str, CheckedPost], post_id: str) -> bool:
    return post_id in statuses and statuses[post_id].status is PostStatus.KEPT


def _is_gone(statuses: Mapping[str, CheckedPost], post_id: str) -> bool:
    return post_id in statuses and statuses[post_id].status in (PostStatus.DELETED, PostStatus.REMOVED)


def _counts(after: pd.DataFrame, before: pd.DataFrame) -> dict[str, int]:
    new = after[after["reason"].isin(GONE) & ~after["post_id"].isin(before.loc[before["reason"].isin(GONE), "post_id"])]
    return {str(reason): int(count) for reason, count in new.groupby("reason")["post_id"].nunique().items()}


class _Judge:
    """Decides about each row, from what Reddit says now and what tombstones said before."""

    def __init__(
        self, statuses: Mapping[str, CheckedPost], everywhere: Tombstones, before: pd.DataFrame, now: datetime
    ) -> None:
        self._statuses = statuses
        self._everywhere = everywhere
        self._before = before
        self._now = now
        waiting = before[before["reason"] == TakedownReason.UNCONFIRMED]
        self._waiting = dict(zip(waiting["post_id"], waiting["noticed_at"], strict=True))
        self.held = 0
        """Posts that would count as missing, but are too many at once."""

    def hold_many(self, kept: Collection[str]) -> None:
        """Leave what is missing unconfirmed if it is too much of what is kept.

        Where a part of it was asked about, all that is missing of that counts: what waits for a second look is asked
        about first, and is few of a subreddit that closed since.
        """
        asked = [post_id for post_id in kept if post_id in self._statuses]
        missing = [post_id for post_id in asked if self._is_missing(post_id)]
        confirmed = [post_id for post_id in missing if self._is_confirmed(post_id)]
        is_much_asked = len(asked) < len(kept) and len(missing) >= LARGE_SHARE * len(asked)
        if len(confirmed) >= MANY_POSTS and (len(confirmed) >= LARGE_SHARE * len(kept) or is_much_asked):
            self.held = len(confirmed)

    def kept_tombstones(self, returned: set[str]) -> Iterator[dict[str, Any]]:
        """Those of before that still hold."""
        for row in rows_of(self._before):
            reason = TakedownReason(row["reason"])
            if reason is TakedownReason.UNCONFIRMED or (reason in _MAY_RETURN and row["post_id"] in returned):
                continue
            yield row

    def new_tombstones(self, raw: pd.DataFrame) -> Iterator[dict[str, Any]]:
        """Those of what is in the table and must go, or has to be asked for again."""
        for row in rows_of(self._concerned(raw[~is_blank(raw) & ~was_never_kept(raw)])):
            reason = self._reason(row)
            if reason is TakedownReason.UNCONFIRMED:
                noticed = self._waiting.get(row["post_id"], self._now.isoformat(timespec="seconds"))
                yield tombstone_of(row, reason, noticed, whole=True)
            elif reason:
                yield tombstone_of(row, reason, self._now.isoformat(timespec="seconds"))
            elif row["author"] and self._author_gone(row):
                yield tombstone_of(row, TakedownReason.AUTHOR_GONE, self._now.isoformat(timespec="seconds"), whole=True)

    def _concerned(self, raw: pd.DataFrame) -> pd.DataFrame:
        """The rows of which anything is said, few of a million."""
        told = {
            post_id
            for post_id, checked in self._statuses.items()
            if checked.status is not PostStatus.KEPT or checked.author_gone
        }
        known = self._everywhere.table
        posts = list(told.union(self._waiting, known["post_id"]))
        named = raw["post_id"].isin(posts) | raw["crosspost_of"].isin(posts)
        urls = known.loc[known["reason"] == TakedownReason.PURGED_PICTURE, "url_sha256"]
        if len(urls):
            named |= raw["media_url"].map(url_sha256).isin(urls)
        return raw[named | ~raw["permalink"].str.startswith(ITEM_PAGES)]

    def _reason(self, row: Mapping[str, Any]) -> TakedownReason | None:
        of_reddit = is_item(row["permalink"])
        known = self._everywhere.reason_of(
            post_id=row["post_id"], crosspost_of=row["crosspost_of"], media_url=row["media_url"], is_post=of_reddit
        )
        if not of_reddit or (known and known not in _MAY_RETURN):
            return known
        if row["post_id"] not in self._statuses:
            # Without an answer of its site, what another source's check found counts, and a second look is to come.
            return known or (TakedownReason.UNCONFIRMED if row["post_id"] in self._waiting else None)
        reason = _BY_STATUS.get(self._statuses[row["post_id"]].status)
        if reason is TakedownReason.MISSING and (self.held or not self._is_confirmed(row["post_id"])):
            return TakedownReason.UNCONFIRMED
        return reason or self._of_original(row["crosspost_of"])

    def _of_original(self, post_id: str) -> TakedownReason | None:
        """What a crosspost goes with; of an original that Reddit does not show us, the crosspost itself tells."""
        checked = self._statuses.get(post_id)
        return None if checked is None or checked.status is PostStatus.MISSING else _BY_STATUS.get(checked.status)

    def _is_missing(self, post_id: str) -> bool:
        return post_id in self._statuses and self._statuses[post_id].status is PostStatus.MISSING

    def _is_confirmed(self, post_id: str) -> bool:
        noticed = self._waiting.get(post_id)
        return noticed is not None and self._now - datetime.fromisoformat(noticed) >= CONFIRM_AFTER

    def _author_gone(self, row: Mapping[str, Any]) -> bool:
        checked = self._statuses.get(row["post_id"])
        return (checked is not None and checked.author_gone) or row["post_id"] in self._everywhere.anonymous
