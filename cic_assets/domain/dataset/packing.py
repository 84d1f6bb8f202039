"""Where a set has too many pictures for a file each, their copies are brought into shards."""

from collections.abc import Callable, Iterable

import pandas as pd

from cic_assets.domain.dataset.settings import DatasetSettings
from cic_assets.domain.places import are_among
from cic_assets.storage import DataRoot, Publishing, ShardedStore


def pack_copies(
    root: DataRoot,
    settings: DatasetSettings,
    source: str,
    publishing: Publishing,
    say: Callable[[str], None] = lambda _line: None,
    table: pd.DataFrame | None = None,
    store: ShardedStore | None = None,
) -> None:
    """Bring the resized copies of a source into its shards, if all that is kept of all sources is too much for files.

    Args:
        root: the data root.
        settings: when, and how large a shard is.
        source: its partition.
        publishing: around each moment in which something is written.
        say: called with a line where shards were written.
        table: of `resize_pictures`, which may say what was made now; as it was written unless given.
        store: of the copies, where there is one that has read what lies where, which of millions takes a second.
    """
    if table is None:
        table = _sizes(root, source)
    if store is None:
        store = root.resized(settings.side)
    _pack(store, settings, source, table, publishing, say, are_many=_are_many(root, settings))


def pack_all_copies(
    root: DataRoot, settings: DatasetSettings, sources: Iterable[str], publishing: Publishing
) -> ShardedStore:
    """The same of several sources, of which all indexes are read once.

    Args:
        root: the data root.
        settings: when, and how large a shard is.
        sources: partitions.
        publishing: around each moment in which something is written.

    Returns:
        The store, which knows what is where.
    """
    store, are_many = root.resized(settings.side), _are_many(root, settings)
    # What a killed one left in the folder of a source goes when that source is resized.
    files = pd.Series(sorted(store.files()) if are_many else [], dtype="str")
    for source in sources if len(files) else ():
        sizes = _sizes(root, source)
        is_file = are_among(sizes["sha256"], files)  # of a million seldom any, as each source packs its own
        if is_file.any():
            _pack(store, settings, source, sizes[is_file], publishing, are_many=are_many)
    return store


def _are_many(root: DataRoot, settings: DatasetSettings) -> bool:
    return count_kept(root) > settings.shards.above


def _sizes(root: DataRoot, source: str) -> pd.DataFrame:
    return root.read_table("resized_images", source, ["sha256", "bytes_after"])


def _pack(
    store: ShardedStore,
    settings: DatasetSettings,
    source: str,
    table: pd.DataFrame,
    publishing: Publishing,
    say: Callable[[str], None] = lambda _line: None,
    *,
    are_many: bool,
) -> None:
    if not are_many:
        # What was made anew of pictures that are in shards from when there were more: these would be read otherwise.
        made = table[table["made"]] if "made" in table else table[:0]
        table = made[store.is_packed(list(made["sha256"]))] if len(made) else made
        if not len(table):
            return
    written = store.pack(
        source,
        dict(zip(table["sha256"], table["bytes_after"].tolist(), strict=True)),
        settings.shards.most_bytes,
        again=frozenset(table.loc[table["made"], "sha256"]) if "made" in table else (),
        publishing=publishing,
    )
    if written:
        say(f"{written:,} shards of {source} were written")


def count_kept(root: DataRoot) -> int:
    """Pictures of all sources but for copies: as many copies are made, and nearly as many are in the data set."""
    images = sum(root.count_rows("image_hashes", source) for source in root.table_partitions("image_hashes"))
    if not root.has_table("duplicates"):
        return images
    return images - int((root.read_table("duplicates", columns=["keep"])["keep"] == 0).sum())
