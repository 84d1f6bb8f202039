"""Taking pictures out of a data set that is there: what was made of them goes, the others stay on their sides."""

from collections.abc import Collection, Mapping

import pandas as pd
from upath import UPath

from cic_assets.domain.dataset.arrays import DESCRIPTION
from cic_assets.domain.dataset.split_memory import MANIFEST, SPLITS
from cic_assets.storage import write_atomically

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
    manifest = _read(path)
    of_gone = manifest["sha256"].isin(gone)
    of_posts = _of_posts(manifest, posts)
    named = [name for name in NAMED_BY_A_PICTURE if name in manifest]
    if of_gone.any():
        # The manifest comes last: it tells, after a kill, that this is not done.
        (folder / DESCRIPTION).unlink(missing_ok=True)
        for array in folder.glob("*.npy"):
            array.unlink()
    if of_gone.any() or of_posts.any() or manifest[named].isin(gone).any(axis=None):
        rest = _without(manifest, of_gone, of_gone | of_posts, heirs)
        renamed = rest.assign(**{name: _renamed(rest, name, gone, heirs) for name in named})
        write_atomically(path, renamed.to_parquet(index=False))
    return bool(of_gone.any())


def forget_authors(folder: UPath, source: str, posts: Collection[str]) -> None:
    """Empty the author of some posts of a source; the data set is the same without."""
    path = folder / MANIFEST
    manifest = _read(path) if path.exists() else pd.DataFrame()
    if not {"subreddit", "post_id", "author"} <= set(manifest.columns):
        return
    named = (manifest["subreddit"] == source) & manifest["post_id"].isin(posts) & (manifest["author"] != "")
    if named.any():
        nameless = manifest.assign(author=manifest["author"].mask(named, ""))
        write_atomically(path, nameless.to_parquet(index=False))


def _forget_splits(path: UPath, gone: Collection[str]) -> None:
    """Their copies have the same split there."""
    if path.exists() and (hit := (splits := _read(path))["sha256"].isin(gone)).any():
        write_atomically(path, splits[~hit].to_parquet(index=False))


def _read(path: UPath) -> pd.DataFrame:
    with path.open("rb") as file:
        return pd.read_parquet(file)


def _of_posts(manifest: pd.DataFrame, posts: Collection[tuple[str, str]]) -> pd.Series:
    if not {"subreddit", "post_id"} <= set(manifest.columns):
        return pd.Series(data=False, index=manifest.index)
    told_of = pd.MultiIndex.from_frame(manifest[["subreddit", "post_id"]])
    return pd.Series(told_of.isin(list(posts)), index=manifest.index)


def _without(manifest: pd.DataFrame, of_gone: pd.Series, nameless: pd.Series, heirs: Mapping[str, str]) -> pd.DataFrame:
    there = set(manifest["sha256"])
    left = {one: heir for one, heir in heirs.items() if heir not in there}
    blank = manifest.copy()
    blank.loc[nameless, [name for name in ABOUT_A_POST if name in manifest.columns]] = ""
    blank.loc[of_gone, "sha256"] = [left.get(sha256, "") for sha256 in manifest.loc[of_gone, "sha256"]]
    return blank[blank["sha256"] != ""].reset_index(drop=True)


def _renamed(manifest: pd.DataFrame, column: str, gone: Collection[str], heirs: Mapping[str, str]) -> pd.Series:
    """What a picture that goes gave its name to is called by its heir, or by one that stays."""
    names = manifest[column].replace(dict(heirs))
    return names.mask(names.isin(gone), manifest["sha256"].groupby(names).transform("min"))
