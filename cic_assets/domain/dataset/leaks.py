"""Leaks: copies of one picture, or pictures of one post, in two splits, by which a test measures memory."""

from collections.abc import Sequence

import pandas as pd
from upath import UPath

from cic_assets.domain.dataset.split_memory import MANIFEST
from cic_assets.domain.dataset.units import SAME_PIXELS

_SAME = (["group_id"], *([column] for column in SAME_PIXELS), ["subreddit", "post_id"], ["unit_id"])
"""Columns whose equal values mean copies, or one post; those that a manifest lacks are not looked at."""


def load_manifest(dataset: UPath, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The manifest of a data set, or some columns of it: a row a picture."""
    with (dataset / MANIFEST).open("rb") as file:
        return pd.read_parquet(file, columns=None if columns is None else list(columns))


def manifest_without_rows(dataset: UPath) -> pd.DataFrame:
    """All columns of the manifest, of which a million rows are a gigabyte."""
    from pyarrow import parquet

    with (dataset / MANIFEST).open("rb") as file:
        return pd.DataFrame(parquet.read_schema(file).empty_table().to_pandas())


def find_leaks(manifest: pd.DataFrame) -> pd.DataFrame:
    """The rows of pictures that have a copy, or one of the same post, in another split; beside it, each once."""
    found = [_across(manifest, columns) for columns in _SAME if set(columns) <= set(manifest)]
    return pd.concat([manifest.head(0), *found]).drop_duplicates("sha256")


def _across(manifest: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    is_told = (manifest[columns] != "").all(axis=1)  # of a post that was taken down nothing is known
    told = manifest.loc[is_told, [*columns, "split"]]
    splits = told.groupby(columns)["split"].transform("nunique")
    return manifest.loc[told[splits > 1].sort_values([*columns, "split"]).index]
