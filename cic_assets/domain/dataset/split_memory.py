"""Which split each picture was given, kept with the data set, so that it does not change sides.

Of every picture of a unit, not only of those that are trained on: when the copy that was kept is gone, or a larger one
turns up, another picture of the unit stands in its place, on the same side.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from upath import UPath

from cic_assets.domain.dataset.settings import DatasetSettings
from cic_assets.domain.dataset.splits import Split, strictest
from cic_assets.domain.dataset.units import COPIES, CROSSPOSTS, PIXELS, POSTS, SCENES
from cic_assets.domain.places import are_among, in_order, places_of
from cic_assets.domain.schema import Column

MANIFEST = "manifest.parquet"
SPLITS = "splits.parquet"

SPLIT_COLUMNS: Mapping[str, Column] = {
    "sha256": Column("str", "of a picture that is in the data set or was, or of a copy of one that was left out"),
    "split": Column("str", "that it was given: train, validation or test"),
}
"""Columns of the table of splits."""

_WHY: Mapping[str, str] = {
    COPIES: "copies of pictures there",
    PIXELS: "the same, pixel by pixel, as pictures there",
    POSTS: "of one post with pictures there",
    CROSSPOSTS: "of crossposts of pictures there",
    SCENES: "of one scene with pictures there",
}


_NO_RULE = ("given", "scenes")
"""Settings of splits that are no part of the rule."""


def split_rule(settings: DatasetSettings) -> dict[str, Any]:
    """What decides a split besides the picture; kept with the tables, so that a changed rule divides anew.

    Not which file gives splits: what it says goes before memory anyway, and it may lie elsewhere by now. Nor whether
    scenes count: that says what a unit is, and the pictures of one that grows follow the strictest of them.
    """
    return {"splits": settings.splits.model_dump(mode="json", exclude=set(_NO_RULE)), "split_seed": settings.split_seed}


def read_splits(
    target: UPath, settings: DatasetSettings, on_dropped: Callable[[str], None] = lambda _line: None
) -> "pd.Series[str]":
    """The split of each picture by SHA-256, as an earlier data set gave it by the same rule.

    Data sets of earlier versions have the manifest alone.

    Args:
        target: folder of the data set.
        settings: the rule.
        on_dropped: called with a line where pictures were divided by another rule, which counts no more.
    """
    found, dropped = pd.Series(dtype="str", index=pd.Index([], dtype="str")), pd.Series(dtype="str")
    for name in (SPLITS, MANIFEST):
        path = target / name
        if path.exists():
            with path.open("rb") as file:
                table = pd.read_parquet(file, columns=["sha256", "split"])
            if _rule_of(table) == split_rule(settings):
                found = told_by([table[table["split"].isin(set(Split))].set_index("sha256")["split"], found])
            else:
                dropped = pd.concat([dropped, table["sha256"]], ignore_index=True).drop_duplicates()
    if forgotten := int((places_of(dropped, found.index) < 0).sum()):
        on_dropped(f"{forgotten:,} pictures are divided anew: dataset.splits or dataset.split_seed changed")
    return found


def told_by(tables: "Iterable[pd.Series[str]]") -> "pd.Series[str]":
    """The splits of all pictures that some tables know, by SHA-256: what the first of them says."""
    first, *others = tables
    for table in others:
        first = pd.concat([first, table[places_of(table.index, first.index) < 0]])
    return first


def _rule_of(table: pd.DataFrame) -> dict[str, Any]:
    """The rule that a table was made by; those of earlier versions name the file of given splits."""
    rule: dict[Any, Any] = table.attrs
    return {**rule, "splits": {name: value for name, value in rule.get("splits", {}).items() if name not in _NO_RULE}}


def remembered(manifest: pd.DataFrame, before: "pd.Series[str]", units: pd.DataFrame) -> pd.DataFrame:
    """The table of splits: of all pictures of each unit that is divided now, and what was known of others before."""
    at = places_of(units.iloc[:, -1], manifest["unit_id"])
    now = manifest["split"].iloc[at[at >= 0]].set_axis(units.index[at >= 0])
    known = told_by([manifest.set_index("sha256")["split"], now, before])
    table = known.rename_axis("sha256").rename("split").reset_index().astype("str")
    table = in_order(table, ["sha256"]).reset_index(drop=True)
    table.attrs.update(manifest.attrs)
    return table


def why_moved(manifest: pd.DataFrame, before: "pd.Series[str]", units: pd.DataFrame) -> Iterator[str]:
    """A line for all pictures that went from one split to another for one reason."""
    at = places_of(manifest["sha256"], before.index)
    now = manifest.loc[at >= 0, "split"]
    then = before.iloc[at[at >= 0]].set_axis(now.index)
    moved = manifest.loc[now.index[now != then]].assign(before=then)
    if moved.empty:
        return
    why = pd.Series("as dataset.splits says", index=moved.index)
    unit = units.iloc[:, -1].astype("category").cat
    touched = units[np.isin(unit.codes, places_of(moved["unit_id"].drop_duplicates(), unit.categories))].astype("str")
    known = {str(name): Split(split) for name, split in before[are_among(before.index, touched.index)].items()}
    for relation in reversed(units.columns):
        there = {name: strictest(shas, known) for name, shas in touched.groupby(relation).groups.items()}
        is_joined = moved["sha256"].map(touched[relation]).map(there) == moved["split"]
        why = why.mask(is_joined, _WHY.get(str(relation), str(relation)))
    for (old, new, reason), rows in moved.groupby([moved["before"], moved["split"], why]):
        yield f"{len(rows):,} pictures move from {old} to {new}: {reason}"
