"""What must be true of what was scraped."""

import time
import warnings

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    asset_check,
)

from cic_assets.config.problem import Problem
from cic_assets.defs.partitions import source_partitions
from cic_assets.defs.resources import DataRootResource

LARGEST_LOST_SHARE = 0.5
"""More media than this without a picture (videos and filtered posts apart) is worth a look at the outcomes."""
SHOWN = 20
"""Stale sources that are named."""

_DAY = 86400.0


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """Checks of `raw_images`."""
    raw_images = AssetKey(problem.dagster.key("raw_images"))
    with warnings.catch_warnings():
        # Checks of partitions are new in Dagster, and it says so at each start; test_private_api looks whether they
        # are still there.
        warnings.filterwarnings("ignore", "Specifying a partitions_def on an AssetCheckSpec")

        @asset_check(asset="raw_images", partitions_def=source_partitions(problem))
        def most_media_gave_a_picture(context: AssetCheckExecutionContext, data: DataRootResource) -> AssetCheckResult:
            """Of the media of a source that were asked for, at least half ended in a picture."""
            outcomes = data.root.read_table("raw_images", context.partition_key)["outcome"]
            asked = outcomes[outcomes != "skipped"]
            lost = round(float((asked != "ok").mean()), 3) if len(asked) else 0.0
            return AssetCheckResult(
                passed=lost <= LARGEST_LOST_SHARE,
                severity=AssetCheckSeverity.WARN,
                metadata={"share without a picture": lost},
            )

    @asset_check(asset="raw_images")
    def no_source_is_stale(context: AssetCheckExecutionContext) -> AssetCheckResult:
        """Each source was scraped lately: the freshness in the UI is the asset's, which one source keeps up."""
        allowed = problem.routine.stale_after_days
        stale = not_scraped_within(context.instance, raw_images, problem, allowed)
        return AssetCheckResult(
            passed=not stale,
            severity=AssetCheckSeverity.WARN,
            metadata={
                "stale sources": len(stale),
                "days since scraped": {
                    key: _days_since_scraped(context.instance, raw_images, key) for key in stale[:SHOWN]
                },
                "allowed": allowed,
            },
        )

    return [no_source_is_stale, most_media_gave_a_picture]


def not_scraped_within(instance: DagsterInstance, asset: AssetKey, problem: Problem, days: float) -> list[str]:
    """Sources that were not scraped for some days; two queries, however many there are: each source's run asks."""
    since = AssetRecordsFilter(asset, after_timestamp=time.time() - days * _DAY)
    fresh = instance.fetch_materializations(since, limit=1, ascending=True).records
    if not fresh:
        return list(problem.partitions)
    latest = instance.get_latest_storage_id_by_partition(asset, DagsterEventType.ASSET_MATERIALIZATION)
    return [key for key in problem.partitions if latest.get(key, -1) < fresh[0].storage_id]


def _days_since_scraped(instance: DagsterInstance, asset: AssetKey, key: str) -> float | None:
    """Days since a source was scraped; None for never."""
    wanted = AssetRecordsFilter(asset, asset_partitions=[key])
    records = instance.fetch_materializations(wanted, limit=1).records
    return round((time.time() - records[0].timestamp) / _DAY, 2) if records else None
