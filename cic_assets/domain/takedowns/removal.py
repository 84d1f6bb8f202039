"""Removing what tombstones stand for, from everywhere under a data root: the one list of the places that hold some.

In this order: what people see, tables that can be made again, the bytes, and last the name by which the tombstones know
them. Every step may be done twice.
"""

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from cic_assets.domain.dataset import forget_authors, forget_pictures
from cic_assets.domain.evaluation import take_off_report
from cic_assets.domain.media import Outcome
from cic_assets.domain.models import has_seen, mark_taken_down, seen_pictures
from cic_assets.domain.sheets import remove_sheets_with
from cic_assets.domain.sources import (
    GONE,
    JOURNALS,
    TOMBSTONES,
    TakedownReason,
    blank_row,
    complete_row,
    forget_fetched,
    load_tombstones,
    remove_refused,
    url_sha256,
)
from cic_assets.domain.takedowns.rows import rows_of
from cic_assets.domain.takedowns.unfinished import remove_unfinished
from cic_assets.storage import DataRoot, locked

RAW = "raw_images"
_PLACE = ["post_id", "position", "url_sha256"]
_NAMING_OTHERS = frozenset({"group_id", "verified_against"})
"""Columns that hold the SHA-256 of another picture than the row's: of its group's representative, as a rule."""
_NOT_DERIVED = frozenset({RAW, TOMBSTONES})


def carry_out(
    root: DataRoot, key: str, when: str, on_progress: Callable[[str], None] = lambda _line: None
) -> frozenset[str]:
    """Remove whatever the tombstones of one source say is gone and is not yet.

    A picture stays as long as another post or another source that is still up has it.

    Args:
        root: the data root, whose lock is held.
        key: of the source's partition.
        when: now, as ISO 8601.
        on_progress: called with a line where something is removed.

    Returns:
        SHA-256 of the pictures that are gone now.
    """
    remove_unfinished(root)
    own = load_tombstones(root, key)
    _blank_rows(root, key, own.table)
    _forget_authors(root, key, own.anonymous)
    refused = own.table[own.table["reason"].isin(GONE)]
    remove_refused(root, key, frozenset(refused["url_sha256"]))
    pending = refused[refused["sha256"] != ""]
    if pending.empty:
        return frozenset()
    named = frozenset(pending["sha256"])
    gone = named - _still_up(root)
    forget_fetched(root, frozenset(pending["url_sha256"]), named)
    on_progress(f"{key}: removing {len(gone)} pictures of {pending['post_id'].nunique()} posts")
    remove(root, named, gone, frozenset(zip(pending["subreddit"], pending["post_id"], strict=True)), when)
    _forget_names(root, key, own.table)
    return gone


def remove(
    root: DataRoot, named: frozenset[str], gone: frozenset[str], posts: frozenset[tuple[str, str]], when: str
) -> None:
    """Remove pictures and posts from everything that was made of `raw_images`, and the bytes as they came.

    Args:
        root: the data root.
        named: SHA-256 of the pictures of these posts.
        gone: those of them that nothing else has.
        posts: subreddit and id.
        when: now, as ISO 8601.
    """
    models = [folder for folder in sorted(root.models.glob("*")) if folder.is_dir()]
    seen = any(has_seen(folder, gone) for folder in models)
    # Also those that another post still has: the page shows them under the title of this one.
    take_off_report(root, named, when, counted=seen)
    remove_sheets_with(root, gone)
    heirs = _heirs(root, gone)
    was_in_set = forget_pictures(root.dataset, gone, posts, heirs)
    if (seen or was_in_set) and root.is_local:
        _remove_scratch(Path(str(root.scratch)))
    for folder in models:
        mark_taken_down(folder, gone, when)
    # The groups come last: they tell, after a kill, who the heirs are.
    for name in sorted(set(root.table_names()) - _NOT_DERIVED, key=lambda name: name == "duplicates"):
        _remove_rows(root, name, gone, posts, heirs)
    # Copies after what they are made of: who makes one looks afterwards whether that is still there.
    for store in [root.images, *root.all_resized]:
        for sha256 in gone:
            store.remove(sha256)


def _remove_scratch(scratch: Path) -> None:
    """Remove what trainings left, but for those at work, after which `forget_meanwhile` does it."""
    for folder in scratch.glob("[!.]*/"):
        if folder.name != JOURNALS:
            with suppress(OSError), locked(folder):
                shutil.rmtree(folder)
    for folder in (scratch / JOURNALS, scratch):
        with suppress(OSError):  # something is left in it
            folder.rmdir()


def forget_meanwhile(root: DataRoot, model: str) -> None:
    """Mark a model that was trained while pictures of its data set were taken down, and remove what that left."""
    folder = root.model(model)
    with root.lock.held():
        named = [root.read_table(RAW, key)["sha256"] for key in root.table_partitions(RAW)]
        gone = seen_pictures(folder).difference(*named) if named else frozenset()
        if gone and root.is_local:
            shutil.rmtree(str(root.scratch / model), ignore_errors=True)
        mark_taken_down(folder, gone, datetime.now(UTC).isoformat(timespec="seconds"))


def _still_up(root: DataRoot) -> frozenset[str]:
    """The pictures that some post or source has that is not gone."""
    tables = [root.read_table(RAW, key) for key in root.table_partitions(RAW)]
    return frozenset(sha256 for table in tables for sha256 in table.loc[table["outcome"] == Outcome.OK, "sha256"])


def _blank_rows(root: DataRoot, key: str, tombstones: pd.DataFrame) -> None:
    """Leave of each row of `raw_images` that has a tombstone its place, and why it is empty."""
    raw = root.read_table_or_none(RAW, key)
    if raw is None:
        return
    gone = tombstones[tombstones["reason"].isin(GONE)].drop_duplicates(_PLACE).set_index(_PLACE)
    places = pd.MultiIndex.from_frame(raw.assign(url_sha256=raw["media_url"].map(url_sha256))[_PLACE])
    hit = places.isin(gone.index)
    if not hit.any():
        return
    blanks = [
        complete_row(blank_row(row, TakedownReason(reason), noticed))
        for row, (reason, noticed) in zip(
            rows_of(raw[hit]),
            gone.loc[places[hit], ["reason", "noticed_at"]].itertuples(index=False, name=None),
            strict=True,
        )
    ]
    table = pd.concat([raw[~hit], pd.DataFrame(blanks)[list(raw.columns)]], ignore_index=True)
    root.write_table(RAW, table.drop_duplicates(["post_id", "position", "media_url"]).astype(dict(raw.dtypes)), key)


def _forget_authors(root: DataRoot, key: str, posts: frozenset[str]) -> None:
    """Empty the author of posts whose author closed the account, in every table of the source and in the manifest."""
    if not posts:
        return
    for name in set(root.table_names()) - {TOMBSTONES}:
        table = root.read_table_or_none(name, key)
        if table is not None and {"post_id", "author"} <= set(table.columns):
            named = table["post_id"].isin(posts) & (table["author"] != "")
            if named.any():
                root.write_table(name, table.assign(author=table["author"].mask(named, "")), key)
    forget_authors(root.dataset, key, posts)


def _heirs(root: DataRoot, gone: frozenset[str]) -> dict[str, str]:
    """Of each picture that goes, one of its group that stays: it takes its place, and its side of the split."""
    groups = root.read_table_or_none("duplicates")
    if groups is None:
        return {}
    members = groups.groupby("group_id")["sha256"].agg(list)
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
    for partition in partitions:
        table = root.read_table_or_none(name, partition)
        if table is None or "sha256" not in table.columns:
            continue
        hit = table["sha256"].isin(gone)
        if {"subreddit", "post_id"} <= set(table.columns):
            hit |= pd.MultiIndex.from_frame(table[["subreddit", "post_id"]]).isin(list(posts))
        left = table[~hit]
        for column in _NAMING_OTHERS & set(table.columns):
            hit |= table[column].isin(gone)
            left = left.assign(**{column: left[column].replace(dict(heirs))})
            left = left[~left[column].isin(gone)]
        if hit.any():
            root.write_table(name, left, partition)


def _forget_names(root: DataRoot, key: str, tombstones: pd.DataFrame) -> None:
    """All is removed: only a picture that is refused wherever it comes from has to be known by its SHA-256."""
    refused = tombstones["reason"] == TakedownReason.PURGED_PICTURE
    root.write_table(TOMBSTONES, tombstones.assign(sha256=tombstones["sha256"].where(refused, "")), key)
