"""What a changed limit, or other licences and filters, mean for what earlier scrapes found."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from cic_assets.domain.download import DownloadSettings
from cic_assets.domain.images import judge_size, reads_heic
from cic_assets.domain.licenses import family_of
from cic_assets.domain.media import Outcome
from cic_assets.domain.reddit import NOT_OF_SOURCE, Selection
from cic_assets.domain.sources.asking import marked_due
from cic_assets.domain.sources.open_access import license_refusal
from cic_assets.storage import ContentStore, content_version

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
    facts = (table.loc[kept, name].tolist() for name in ("bytes", "sha256", "width", "height"))
    verdicts = pd.DataFrame(
        [_verdict(*one, settings=settings) for one in zip(*facts, strict=True)],
        columns=["outcome", "reason"],
        index=table.index[kept],
        dtype="str",
    )
    changed = verdicts[verdicts["outcome"] != table.loc[kept, "outcome"]]
    table.loc[changed.index, ["outcome", "reason"]] = changed
    table.loc[kept, "limits"] = version
    return table


def judged_by_licenses(table: pd.DataFrame, licenses: Collection[str], images: ContentStore, when: str) -> pd.DataFrame:
    """An earlier table of an open source by the licences of now, for a search lists only what it is asked for.

    Args:
        table: the earlier one.
        licenses: families that are taken.
        images: pictures as they came.
        when: now, as ISO 8601.
    """
    taken, refusals = table["license"].map(family_of).isin(licenses), table["license"].map(license_refusal)
    return _judged_by_source(table, refusals.mask(taken, ""), table["reason"] == refusals, images, when)


def judged_by_selection(table: pd.DataFrame, selection: Selection, images: ContentStore, when: str) -> pd.DataFrame:
    """An earlier table of a source of Reddit by the flair and time of now: listings end before they show all of it."""
    about = zip(table["flair"], table["created_utc"], strict=True) if not selection.takes_all else ()
    told = [selection.why_not(flair, created) for flair, created in about] or ""
    refusals = pd.Series(told, table.index, dtype="str")
    return _judged_by_source(table, refusals, table["reason"].str.startswith(NOT_OF_SOURCE), images, when)


def _judged_by_source(
    table: pd.DataFrame, refusals: "pd.Series[str]", is_refused: "pd.Series[bool]", images: ContentStore, when: str
) -> pd.DataFrame:
    """A table by what its source takes now.

    A picture that is turned away keeps its size and SHA-256, so that it can come back, to be judged by `judged_again`.

    Args:
        table: the earlier one.
        refusals: why a row's picture is not taken; empty where it is.
        is_refused: which rows were turned away so before.
        images: pictures as they came.
        when: now, as ISO 8601.
    """
    taken = refusals == ""
    refused = ~taken & (table["sha256"] != "") & table["outcome"].isin({Outcome.OK, *_BY_LIMITS})
    back = taken & (table["outcome"] == Outcome.SKIPPED) & is_refused & (table["width"] > 0)
    kept = zip(table.loc[back, "sha256"], table.loc[back, "format"], strict=True)
    back[back] = np.array([images.has(sha256, kind) for sha256, kind in kept], bool)
    changed, table = refused | back, table.copy()
    table.loc[refused, "outcome"], table.loc[back, "outcome"] = str(Outcome.SKIPPED), str(Outcome.OK)
    table["reason"] = table["reason"].mask(refused, refusals).mask(back, "")
    table.loc[changed, "fetched_at"] = when
    table.loc[back, "limits"] = ""
    return table


def _verdict(size: int, sha256: str, width: int, height: int, *, settings: DownloadSettings) -> tuple[Outcome, str]:
    if size > settings.max_bytes:
        return Outcome.TOO_LARGE, f"{size} bytes, more than {settings.max_bytes}"
    if sha256 in settings.placeholders:
        return Outcome.PLACEHOLDER, "a picture that is marked as a placeholder"
    return judge_size(width, height, settings.limits)
