"""From a row of `raw_images` to its tombstone."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cic_assets.domain.media import is_item
from cic_assets.domain.reddit import GONE_REASONS
from cic_assets.domain.sources import WHOLE_POST, TakedownReason, url_sha256

ABOUT = ("post_id", "subreddit", "position", "media_url", "reason", "sha256", "permalink", "author", "crosspost_of")
"""Columns of `raw_images` that tell whether a row is to go, and what its tombstone says."""


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table by the names of its columns."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def tombstone_of(
    row: Mapping[str, Any], reason: TakedownReason, noticed_at: str, *, whole: bool = False
) -> dict[str, Any]:
    """The tombstone of a row of `raw_images`; `whole` where it is about its post and not about one medium of it."""
    return {
        "post_id": row["post_id"],
        "subreddit": row["subreddit"],
        "position": WHOLE_POST if whole else row["position"],
        "is_post": is_item(row["permalink"]),
        "crosspost_of": row["crosspost_of"],
        "url_sha256": "" if whole else url_sha256(row["media_url"]),
        "sha256": "" if whole else row["sha256"],
        "reason": reason,
        "noticed_at": noticed_at,
    }


def was_never_kept(raw: pd.DataFrame) -> pd.Series:
    """Rows of posts that were gone when they were first seen: they hold nothing that anybody posted."""
    return raw["reason"].isin(GONE_REASONS) & (raw["sha256"] == "")
