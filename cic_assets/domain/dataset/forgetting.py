"""Taking pictures out of a data set that is there: what was made of them goes, the others stay on their sides."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.dataset.arrays import DESCRIPTION
from cic_assets.domain.dataset.split_memory import MANIFEST, SPLITS
from cic_assets.storage import edit_rows, rows_naming

ABOUT_A_POST = ["post_id", "permalink", "title", "author"]
"""Columns of the manifest that tell from which post, and so from whom, a picture is."""

NAMED_BY_A_PICTURE = ["group_id", "unit_id"]
"""Columns of the manifest whose values are the SHA-256 of one of several pictures."""


def forget_pictures(
    folder: UPath, gone: Collection[str], posts: Collection[tuple[str, str]], heirs: Mapping[str, str]
) -> bool:
    """Remove pictures, and what is known of posts, from a data set; it has to be built again if pictures were in it.

    The arrays go whole: they are made again in seconds. The manifest and the memory of splits stay, without those
    pictures, because they are what keeps the others in their splits. Doing it again changes nothing.

    Args:
        folder: of the data set; nothing happens where there is none.
        gone: SHA-256 of the pictures.
        posts: source and id of posts whose picture may stay, because another post has it too.
        heirs: SHA-256 of a picture that takes the place of one that goes, and so its split.

    Returns:
        Whether pictures of it are gone.
    """
    path = folder / MANIFEST
    if not path.exists():
        return False
    _forget_splits(folder / SPLITS, gone)
    there = _columns_of(path)
    named = [name for name in NAMED_BY_A_PICTURE if name in there]
    told = [name for name in ("subreddit", "post_id") if name in there]
    # Of a million rows those few that have to do with what goes, and with who takes its place.
    sought = {"sha256": {*gone, *heirs.values()}, **dict.fromkeys(named, gone)}
    if len(told) > 1:
        sought["post_id"] = {post_id for _, post_id in posts}
    manifest = rows_naming(path, ["sha256", *told, *named], sought)
    of_gone = manifest["sha256"].isin(gone)
    told_of = of_posts(manifest, posts) if len(told) > 1 else of_gone & False
    if of_gone.any():
        # The manifest comes last: it tells, after a kill, that this is not done.
        (folder / DESCRIPTION).unlink(missing_ok=True)
        for array in folder.glob("*.npy"):
            array.unlink()
    if of_gone.any() or told_of.any() or manifest[named].isin(gone).any(axis=None):
        rest = _without(manifest, of_gone, heirs)
        stays = manifest.index.isin(rest.index)
        nameless = pd.Series("", manifest.index[stays & (of_gone | told_of)], dtype="str")
        changed = {name: nameless for name in ABOUT_A_POST if name in there}
        for name, new in {
            "sha256": rest["sha256"],
            **{name: _renamed(rest, name, gone, heirs) for name in named},
        }.items():
            changed[name] = new[new != manifest.loc[stays, name]]
        edit_rows(path, _all_but(manifest.index[~stays], path), changed)
    return bool(of_gone.any())


def forget_authors(folder: UPath, source: str, posts: Collection[str]) -> None:
    """Empty the author of some posts of a source; the data set is the same without."""
    path = folder / MANIFEST
    about = ["subreddit", "post_id", "author"]
    if not path.exists() or not _columns_of(path).issuperset(about):
        return
    manifest = _read(path, about)
    named = (manifest["subreddit"] == source) & manifest["post_id"].isin(posts) & (manifest["author"] != "")
    if named.any():
        edit_rows(path, np.ones(len(manifest), bool), {"author": manifest.loc[named, "author"].str[:0]})


def _forget_splits(path: UPath, gone: Collection[str]) -> None:
    """Their copies have the same split there."""
    if path.exists() and len(hit := rows_naming(path, ["sha256"], {"sha256": gone})):
        edit_rows(path, _all_but(hit.index, path))


def _all_but(rows: "pd.Index[int]", path: UPath) -> NDArray[np.bool_]:
    """(N,) which rows of a file stay."""
    from pyarrow import parquet

    with path.open("rb") as file:
        keep = np.ones(parquet.read_metadata(file).num_rows, bool)
    keep[rows] = False
    return keep


def _columns_of(path: UPath) -> frozenset[str]:
    from pyarrow import parquet

    with path.open("rb") as file:
        return frozenset(parquet.read_schema(file).names)


def _read(path: UPath, columns: Sequence[str]) -> pd.DataFrame:
    with path.open("rb") as file:
        return pd.read_parquet(file, columns=list(columns))


def of_posts(table: pd.DataFrame, posts: Collection[tuple[str, str]]) -> "pd.Series[bool]":
    """Which rows of a table with columns `subreddit, post_id` are of some posts, named by both."""
    named = table["post_id"].isin({post_id for _, post_id in posts})
    rows = zip(table.loc[named, "subreddit"], table.loc[named, "post_id"], strict=True)
    named[named] = np.array([row in posts for row in rows], bool)
    return named


def by_heirs(names: "pd.Series[str]", heirs: Mapping[str, str]) -> "pd.Series[str]":
    """Names of pictures, with heirs in the places of those that go."""
    goes = names.isin(heirs.keys())
    return names.mask(goes, names[goes].map(heirs)) if goes.any() else names


def _without(manifest: pd.DataFrame, of_gone: pd.Series, heirs: Mapping[str, str]) -> pd.DataFrame:
    """The rows that stay, with heirs in the places of those that go."""
    there = set(manifest.loc[manifest["sha256"].isin(set(heirs.values())), "sha256"])
    left = {one: heir for one, heir in heirs.items() if heir not in there}
    rest = manifest.copy()
    rest.loc[of_gone, "sha256"] = [left.get(sha256, "") for sha256 in manifest.loc[of_gone, "sha256"]]
    return rest[rest["sha256"] != ""]


def _renamed(manifest: pd.DataFrame, column: str, gone: Collection[str], heirs: Mapping[str, str]) -> pd.Series:
    """What a picture that goes gave its name to is called by its heir, or by one that stays."""
    names = by_heirs(manifest[column], heirs)
    touched = names.isin(gone)
    others = manifest.loc[names.isin(names[touched]), "sha256"]
    return names.mask(touched, others.groupby(names[others.index]).transform("min")) if len(others) else names
