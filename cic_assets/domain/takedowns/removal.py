"""Removing what tombstones stand for, from everywhere under a data root: the one list of the places that hold some.

In this order: what people see, tables that can be made again, the bytes, and last the name by which the tombstones know
them. Every step may be done twice.
"""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.dataset import by_heirs, forget_authors, forget_pictures, of_posts
from cic_assets.domain.duplicates import without_pictures
from cic_assets.domain.evaluation import take_off_report
from cic_assets.domain.media import Outcome, is_item
from cic_assets.domain.models import (
    CardMismatchError,
    deciding,
    has_seen,
    mark_taken_down,
    seen_pictures,
    settle,
    version_folders,
)
from cic_assets.domain.sheets import remove_sheets_with
from cic_assets.domain.sources import (
    GONE,
    JOURNALS,
    KEPT_OF_BLANKS,
    POSTS,
    TOMBSTONES,
    TakedownReason,
    Tombstones,
    blank_row,
    complete_row,
    forget_fetched,
    forget_posts,
    is_blank,
    load_tombstones,
    make_tombstones,
    remove_refused,
    url_sha256,
)
from cic_assets.domain.takedowns.rows import ABOUT, rows_of, tombstone_of, was_never_kept
from cic_assets.domain.takedowns.unfinished import remove_unfinished
from cic_assets.engine import Threads
from cic_assets.storage import DataRoot, is_local, locked

RAW = "raw_images"
_PLACE = ["post_id", "position", "url_sha256"]
_NAMING_OTHERS = frozenset({"group_id", "unit_id", "verified_against"})
"""Columns that hold the SHA-256 of another picture than the row's: whose name its group or unit has, as a rule."""
_PAIR = frozenset({"one", "other"})
"""Columns of tables of what was compared: short ids of two pictures."""
_TELLING = _NAMING_OTHERS | {"sha256", "subreddit", "post_id"}
"""Columns that tell whether a row is about a picture or a post that goes."""
_NOT_DERIVED = frozenset({RAW, TOMBSTONES, POSTS})
_BLANK_PLACE = ["post_id", "position"]
_AT_ONCE = 2
"""Partitions of a table that are written at once: Arrow leaves Python's lock, and there is a disk to wait for."""


def carry_out(
    root: DataRoot, key: str, when: str, on_progress: Callable[[str], None] = lambda _line: None
) -> frozenset[str]:
    """Remove whatever the tombstones of one source say is gone and is not yet.

    A picture stays as long as another post or another source that is still up has it. The same posts go from the tables
    of other sources too, also of those that the problem names no more and nobody asks about.

    Args:
        root: the data root, whose lock is held.
        key: of the source's partition.
        when: now, as ISO 8601.
        on_progress: called with a line where something is removed.

    Returns:
        SHA-256 of the pictures that are gone now.
    """
    return carry_out_all(root, [key], when, on_progress)


def carry_out_all(
    root: DataRoot, keys: Collection[str], when: str, on_progress: Callable[[str], None] = lambda _line: None
) -> frozenset[str]:
    """The same of several sources together: all tables and pictures are looked through once, not once a source."""
    remove_unfinished(root)
    own = {key: load_tombstones(root, key) for key in keys}
    pending = {key: rows for key in keys if len(rows := _pending(root, key, own[key]))}
    if not pending:
        return frozenset()
    for key in _mark_elsewhere(root, own, when):
        own[key] = load_tombstones(root, key)
        # Before those that led here: while these remember the pictures, who is interrupted comes here again.
        pending = {key: _pending(root, key, own[key])} | pending
    of_all = pd.concat(pending.values())
    named = frozenset(of_all["sha256"])
    gone = named - _still_up(root, named)
    forget_fetched(root, frozenset(of_all["url_sha256"]), named)
    for key, rows in pending.items():
        pictures = len(gone.intersection(rows["sha256"]))
        on_progress(f"{key}: removing {pictures} pictures of {rows['post_id'].nunique()} posts")
    posts = frozenset(zip(of_all["subreddit"], of_all["post_id"], strict=True))
    remove(root, named, gone, posts, when, on_progress)
    for key in pending:
        _forget_names(root, key, own[key].table)
    return gone


def _pending(root: DataRoot, key: str, own: Tombstones) -> pd.DataFrame:
    """Take a source's rows and names back, and say of which media the pictures are still to be removed."""
    _blank_rows(root, key, own.table)
    _forget_authors(root, key, own.anonymous)
    refused = own.table[own.table["reason"].isin(GONE)]
    if root.has_table(POSTS, key):
        forget_posts(root, key, frozenset(refused["post_id"]), own.anonymous)
    remove_refused(root, key, frozenset(refused["url_sha256"]))
    return refused[refused["sha256"] != ""]


def _mark_elsewhere(root: DataRoot, own: Mapping[str, Tombstones], when: str) -> list[str]:
    """Write tombstones of some sources beside the rows that others have of the same posts.

    Returns:
        The other sources that have something to remove, also of an earlier call that was interrupted.
    """
    known = Tombstones(pd.concat([one.table for one in own.values()]))
    posts = frozenset(known.table.loc[known.table["is_post"], "post_id"])
    marked = []
    for key in (key for key in root.table_partitions(RAW) if key not in own):
        table = load_tombstones(root, key).table
        raw = root.read_rows(RAW, key, ABOUT, {"post_id": posts, "crosspost_of": posts})
        new = [
            tombstone_of(row, reason, when)
            for row in rows_of(raw[~is_blank(raw) & ~was_never_kept(raw)])
            if is_item(row["permalink"]) and (reason := _reason_of(row, known))
        ]
        if new:
            table = make_tombstones([*rows_of(table), *new])
            root.write_table(TOMBSTONES, table, key)
        if (table["reason"].isin(GONE - {TakedownReason.PURGED_PICTURE}) & (table["sha256"] != "")).any():
            marked.append(key)
    return marked


def _reason_of(row: Mapping[str, Any], known: Tombstones) -> TakedownReason | None:
    return known.reason_of(
        post_id=row["post_id"], crosspost_of=row["crosspost_of"], media_url=row["media_url"], is_post=True
    )


def remove(
    root: DataRoot,
    named: frozenset[str],
    gone: frozenset[str],
    posts: frozenset[tuple[str, str]],
    when: str,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> None:
    """Remove pictures and posts from everything that was made of `raw_images`, and the bytes as they came.

    Args:
        root: the data root.
        named: SHA-256 of the pictures of these posts.
        gone: those of them that nothing else has.
        posts: subreddit and id.
        when: now, as ISO 8601.
        on_progress: called with a line where it waits for who decides about a model.
    """
    models = sorted(folder.name for folder in root.models.glob("*") if folder.is_dir())
    seen = any(_have_seen(root, model, gone, on_progress) for model in models)
    # Also those that another post still has: the page shows them under the title of this one.
    take_off_report(root, named, when, counted=seen)
    remove_sheets_with(root, gone)
    heirs = _heirs(root, gone)
    was_in_set = forget_pictures(root.dataset, gone, posts, heirs)
    if seen or was_in_set:
        _remove_scratch(root)
    for model in models:
        with _versions(root, model, on_progress) as folders:
            for folder in folders:
                mark_taken_down(folder, gone, when)
    # The groups come last: they tell, after a kill, who the heirs are.
    for name in sorted(set(root.table_names()) - _NOT_DERIVED, key=lambda name: name == "duplicates"):
        _remove_rows(root, name, gone, posts, heirs)
    # Copies after what they are made of: who makes one looks afterwards whether that is still there.
    for store in [root.images, *root.all_resized]:
        store.remove_all(gone)


def _remove_scratch(root: DataRoot) -> None:
    """Remove what trainings left, but for those at work, after which `forget_meanwhile` does it."""
    if not root.is_local:
        for place in root.scratch.glob("*"):  # checkpoints: one at work writes what it lacks again
            if place.is_dir():
                _remove_all(place)
        return
    scratch = Path(str(root.scratch))
    for folder in scratch.glob("[!.]*/"):
        if folder.name != JOURNALS:
            with suppress(OSError), locked(folder):
                shutil.rmtree(folder)
    for folder in (scratch / JOURNALS, scratch):
        with suppress(OSError):  # something is left in it
            folder.rmdir()


def _remove_all(folder: UPath) -> None:
    if is_local(folder):
        shutil.rmtree(str(folder), ignore_errors=True)
        return
    for file in folder.rglob("*"):
        if file.is_file():
            file.unlink(missing_ok=True)


@contextmanager
def _versions(root: DataRoot, model: str, on_wait: Callable[[str], None]) -> Iterator[list[UPath]]:
    """All folders of a model that may know pictures, and no half ones: no version moves while the block lasts."""
    with deciding(root, model, on_wait):
        with suppress(CardMismatchError):  # nobody can read which version answers: pictures go from all of them
            settle(root.model(model))
        yield version_folders(root.model(model))


def _have_seen(root: DataRoot, model: str, gone: frozenset[str], on_wait: Callable[[str], None]) -> bool:
    with _versions(root, model, on_wait) as folders:
        return any(has_seen(folder, gone) for folder in folders)


def forget_meanwhile(root: DataRoot, model: str, on_wait: Callable[[str], None] = lambda _line: None) -> None:
    """Mark a model that was trained while pictures of its data set were taken down, and remove what that left."""
    with root.lock.held(on_wait), _versions(root, model, on_wait) as folders:
        named = [root.read_table(RAW, key, ["sha256"])["sha256"] for key in root.table_partitions(RAW)]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for folder in folders:
            gone = seen_pictures(folder).difference(*named) if named else frozenset()
            if gone:
                _remove_all(root.scratch / model)
            mark_taken_down(folder, gone, now)


def _still_up(root: DataRoot, named: Collection[str]) -> frozenset[str]:
    """Those of some pictures that some post or source has that is not gone."""
    keys = root.table_partitions(RAW)
    tables = [root.read_rows(RAW, key, ["outcome", "sha256"], {"sha256": named}) for key in keys]
    return frozenset().union(*(table.loc[table["outcome"] == Outcome.OK, "sha256"] for table in tables))


def _blank_rows(root: DataRoot, key: str, tombstones: pd.DataFrame) -> None:
    """Leave of each row of `raw_images` that has a tombstone its place, and why it is empty."""
    if not root.has_table(RAW, key):
        return
    gone = tombstones[tombstones["reason"].isin(GONE)].drop_duplicates(_PLACE).set_index(_PLACE)
    columns = sorted(root.columns_of(RAW, key) & KEPT_OF_BLANKS | {"media_url"})
    named = root.read_rows(RAW, key, columns, {"post_id": gone.index.unique("post_id")})
    places = pd.MultiIndex.from_frame(named.assign(url_sha256=named["media_url"].map(url_sha256).astype("str"))[_PLACE])
    is_gone = places.isin(gone.index)
    rows = named[is_gone]
    if rows.empty:
        return
    blanks = pd.DataFrame(
        complete_row(blank_row(row, TakedownReason(reason), noticed))
        for row, (reason, noticed) in zip(
            rows_of(rows),
            gone.loc[places[is_gone], ["reason", "noticed_at"]].itertuples(index=False, name=None),
            strict=True,
        )
    )
    # Of those places that have none yet.
    blank = named.loc[~is_gone & (named["media_url"] == ""), _BLANK_PLACE]
    new = blanks.drop_duplicates(_BLANK_PLACE)
    new = new[~pd.MultiIndex.from_frame(new[_BLANK_PLACE]).isin(pd.MultiIndex.from_frame(blank))]
    root.edit_table(RAW, key, _all_but(rows.index, root.count_rows(RAW, key)), more=new)


def _all_but(rows: "pd.Index[int]", count: int) -> NDArray[np.bool_]:
    keep = np.ones(count, bool)
    keep[rows] = False
    return keep


def _forget_authors(root: DataRoot, key: str, posts: frozenset[str]) -> None:
    """Empty the author of posts whose author closed the account, in every table of the source and in the manifest."""
    if not posts:
        return
    for name in set(root.table_names()) - {TOMBSTONES, POSTS}:
        if {"post_id", "author"} <= root.columns_of(name, key):
            about = root.read_table(name, key, ["post_id", "author"])
            named = about["post_id"].isin(posts) & (about["author"] != "")
            if named.any():
                root.edit_table(name, key, np.ones(len(about), bool), {"author": about.loc[named, "author"].str[:0]})
    forget_authors(root.dataset, key, posts)


def _heirs(root: DataRoot, gone: frozenset[str]) -> dict[str, str]:
    """Of each picture that goes, one of its group that stays: it takes its place, and its side of the split."""
    if not root.has_table("duplicates"):
        return {}
    names = root.read_rows("duplicates", None, ["group_id"], {"sha256": gone})["group_id"]
    touched = root.read_rows("duplicates", None, ["sha256", "group_id"], {"group_id": names.unique()})
    members = touched.groupby("group_id")["sha256"].agg(list)
    return {
        lost: heir
        for names in members
        for lost in gone & set(names)
        if (heir := next((name for name in names if name not in gone), None))
    }


def _remove_rows(
    root: DataRoot, name: str, gone: frozenset[str], posts: frozenset[tuple[str, str]], heirs: Mapping[str, str]
) -> None:
    """Take rows about pictures that go, or about posts that are gone, out of a table that can be made again."""
    partitions: list[str | None] = [*root.table_partitions(name)] or [None]
    for _ in Threads(_AT_ONCE).map(lambda one: _remove_rows_of(root, name, one, gone, posts, heirs), partitions):
        pass


def _remove_rows_of(
    root: DataRoot,
    name: str,
    partition: str | None,
    gone: frozenset[str],
    posts: frozenset[tuple[str, str]],
    heirs: Mapping[str, str],
) -> None:
    columns = root.columns_of(name, partition)
    if columns >= _PAIR:
        _remove_pairs(root, name, root.read_table(name, partition), gone)
    if "sha256" not in columns:
        return
    others, tells_posts = sorted(_NAMING_OTHERS & columns), {"subreddit", "post_id"} <= columns
    sought: dict[str, Collection[str]] = dict.fromkeys(["sha256", *others], gone)
    if tells_posts:
        sought["post_id"] = {post_id for _, post_id in posts}
    telling = root.read_rows(name, partition, sorted(columns & _TELLING), sought)
    goes = telling["sha256"].isin(gone)
    if tells_posts:
        goes |= of_posts(telling, posts)
    named = {column: by_heirs(telling[column], heirs) for column in others}
    for names in named.values():
        goes |= names.isin(gone)
    changed = {column: names[names != telling[column]] for column, names in named.items()}
    if goes.any() or any(map(len, changed.values())):
        root.edit_table(name, partition, _all_but(telling.index[goes], root.count_rows(name, partition)), changed)


def _remove_pairs(root: DataRoot, name: str, table: pd.DataFrame, gone: frozenset[str]) -> None:
    left = without_pictures(table, gone)
    if len(left) < len(table):
        root.write_table(name, left)


def _forget_names(root: DataRoot, key: str, tombstones: pd.DataFrame) -> None:
    """All is removed: only a picture that is refused wherever it comes from has to be known by its SHA-256."""
    refused = tombstones["reason"] == TakedownReason.PURGED_PICTURE
    root.write_table(TOMBSTONES, tombstones.assign(sha256=tombstones["sha256"].where(refused, "")), key)
