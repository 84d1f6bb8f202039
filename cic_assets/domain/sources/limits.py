"""What a changed limit means for what earlier scrapes found."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cic_assets.domain.download import DownloadSettings
from cic_assets.domain.images import judge_size, reads_heic
from cic_assets.domain.media import Outcome
from cic_assets.domain.sources.asking import marked_due
from cic_assets.storage import content_version

_BY_LIMITS = frozenset({Outcome.TOO_LARGE, Outcome.TOO_SMALL, Outcome.PLACEHOLDER, Outcome.BLOCKED})
"""Outcomes that other limits may change."""


def limits_version(settings: DownloadSettings) -> str:
    """The same exactly when the settings are by which pictures and URLs are turned away, and the formats are read."""
    return content_version(
        settings.limits.model_dump(),
        settings.max_bytes,
        sorted(settings.placeholders),
        sorted(settings.ports),
        reads_heic(),
    )


def judged_again(table: pd.DataFrame, settings: DownloadSettings) -> pd.DataFrame:
    """An earlier table by the limits of now.

    A picture that is kept is judged by its recorded size, and keeps that and its SHA-256 when it is turned away, so
    that the old limits bring it back. What was turned away unkept is marked as `transient`: it is to be asked again.
    """
    version = limits_version(settings)
    others = table["limits"] != version
    # AVIF and HEIC, of which earlier versions, and those without the extra, say that they are not read.
    by_format = (table["outcome"] == Outcome.NOT_AN_IMAGE) & table["reason"].str.contains("heic", regex=False)
    by_limits = table["outcome"].isin(_BY_LIMITS) | by_format
    kept = others & (table["sha256"] != "") & table["outcome"].isin({Outcome.OK, *_BY_LIMITS})
    table = marked_due(table, others & ~kept & by_limits)
    for index, row in zip(table.index[kept], table[kept].to_dict("records"), strict=True):
        outcome, reason = _verdict(row, settings)
        if outcome != row["outcome"]:
            table.loc[index, ["outcome", "reason"]] = [str(outcome), reason]
    table.loc[kept, "limits"] = version
    return table


def _verdict(row: Mapping[Any, Any], settings: DownloadSettings) -> tuple[Outcome, str]:
    if row["bytes"] > settings.max_bytes:
        return Outcome.TOO_LARGE, f"{row['bytes']} bytes, more than {settings.max_bytes}"
    if row["sha256"] in settings.placeholders:
        return Outcome.PLACEHOLDER, "a picture that is marked as a placeholder"
    return judge_size(row["width"], row["height"], settings.limits)
