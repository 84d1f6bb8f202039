"""What a person looks at: groups of duplicates side by side, the kept in front."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from cic_assets.domain.duplicates.find import KEPT_BY_SHARPNESS
from cic_assets.domain.images import CANNOT_BE_READ, Tile, contact_sheet, decode
from cic_assets.storage import ContentStore

_COLUMNS = 6
_TILE_SIDE = 160


def review_sheet(
    groups: pd.DataFrame, images: pd.DataFrame, store: ContentStore, *, most: int = 24, max_bytes: int = 100_000
) -> bytes | None:
    """A contact sheet of groups, those first that are least sure; captions say what is kept and how far the rest is.

    Args:
        groups: the table of duplicates.
        images: with `sha256` and `format` of each picture in it.
        store: where the pictures are.
        most: tiles on the sheet; a group is shown whole or not at all, unless it is the only one.
        max_bytes: of the JPEG.

    Returns:
        A JPEG, or None where there are no groups, or no picture of them can be read.
    """
    if groups.empty:
        return None
    formats = dict(zip(images["sha256"], images["format"], strict=True))
    shown = _whole_groups(_least_sure_first(groups), most)
    tiles = [tile for row in shown.to_dict("records") if (tile := _tile(row, store, formats))]
    return contact_sheet(tiles, columns=_COLUMNS, tile_side=_TILE_SIDE, max_bytes=max_bytes) if tiles else None


def _tile(row: Mapping[Hashable, Any], store: ContentStore, formats: Mapping[str, str]) -> Tile | None:
    try:
        rgb = decode(store.get(row["sha256"], formats[row["sha256"]]), shortest_side=_TILE_SIDE)
    except CANNOT_BE_READ:
        return None
    return Tile(rgb, _caption(row))


def _least_sure_first(groups: pd.DataFrame) -> pd.DataFrame:
    doubt = groups.groupby("group_id")["distance"].transform("max") + groups["label_conflict"]
    return groups.assign(_doubt=doubt).sort_values(["_doubt", "group_id"], ascending=[False, True], kind="stable")


def _whole_groups(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """The first groups, as many as fit."""
    ends = rows.groupby("group_id", sort=False).size().cumsum()
    fitting = ends[ends <= most]
    return rows.head(int(fitting.iloc[-1]) if len(fitting) else most)


def _caption(row: Mapping[Hashable, Any]) -> str:
    """What is cut off where a tile is narrow comes last."""
    kept = "kept, sharper" if row["kept_by"] == KEPT_BY_SHARPNESS else "kept"
    verdict = kept if row["keep"] else "in doubt" if row["label_conflict"] else "dropped"
    if row["sha256"] == row["group_id"]:
        return f"{verdict} {row['sha256'][:8]} {row['subreddit']}"
    return f"{verdict} {row['distance']:.2f} {row['sha256'][:8]} {row['verified_by']} {row['subreddit']}"
