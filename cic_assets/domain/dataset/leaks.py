"""Leaks: copies of one picture in two splits, by which a test measures memory."""

import pandas as pd
from upath import UPath

from cic_assets.domain.dataset.arrays import MANIFEST

_SAME = ("group_id", "pixels_sha256", "resized_sha256")
"""Columns whose equal values mean copies; one that a manifest lacks is not looked at."""


def load_manifest(dataset: UPath) -> pd.DataFrame:
    """The manifest of a data set: a row a picture."""
    with (dataset / MANIFEST).open("rb") as file:
        return pd.read_parquet(file)


def find_leaks(manifest: pd.DataFrame) -> pd.DataFrame:
    """The rows of pictures that have a copy in another split, copies beside each other, each picture once."""
    found = [_across(manifest, column) for column in _SAME if column in manifest]
    return pd.concat([manifest.head(0), *found]).drop_duplicates("sha256")


def _across(manifest: pd.DataFrame, column: str) -> pd.DataFrame:
    splits = manifest.groupby(column)["split"].transform("nunique")
    return manifest[splits > 1].sort_values([column, "split"])
