"""What must be true of what was scraped."""

import time

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetKey,
    AssetRecordsFilter,
    DagsterInstance,
    asset_check,
)

from cic_assets.config.problem import Problem
from cic_assets.defs.resources import DataRootResource

LARGEST_LOST_SHARE = 0.5
"""More media than this without a picture (videos and filtered posts apart) is worth a look at the outcomes."""


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """Checks of `raw_images`."""
    raw_images = AssetKey(problem.dagster.key("raw_images"))

    @asset_check(asset="raw_images")
    def most_media_gave_a_picture(_context: AssetCheckExecutionContext, data: DataRootResource) -> AssetCheckResult:
        """Of the media that were asked for, at least half ended in a picture, in every source."""
        lost: dict[str, float] = {}
        for key in problem.partitions:
            if data.root.has_table("raw_images", key):
                outcomes = data.root.read_table("raw_images", key)["outcome"]
                asked = outcomes[outcomes != "skipped"]
                lost[key] = round(float((asked != "ok").mean()), 3) if len(asked) else 0.0
        return AssetCheckResult(
            passed=all(share <= LARGEST_LOST_SHARE for share in lost.values()),
            severity=AssetCheckSeverity.WARN,
            metadata={"share without a picture": lost},
        )

    @asset_check(asset="raw_images")
    def no_source_is_stale(context: AssetCheckExecutionContext) -> AssetCheckResult:
        """Each source was scraped lately: the freshness in the UI is the asset's, which one source keeps up."""
        days = {key: _days_since_scraped(context.instance, raw_images, key) for key in problem.partitions}
        stale = {key: age for key, age in days.items() if age is None or age > problem.routine.stale_after_days}
        return AssetCheckResult(
            passed=not stale,
            severity=AssetCheckSeverity.WARN,
            metadata={"days since scraped": days, "stale": stale, "allowed": problem.routine.stale_after_days},
        )

    return [no_source_is_stale, most_media_gave_a_picture]


def _days_since_scraped(instance: DagsterInstance, asset: AssetKey, key: str) -> float | None:
    """Days since a source was scraped; None for never."""
    wanted = AssetRecordsFilter(asset, asset_partitions=[key])
    records = instance.fetch_materializations(wanted, limit=1).records
    return round((time.time() - records[0].timestamp) / 86400, 2) if records else None
