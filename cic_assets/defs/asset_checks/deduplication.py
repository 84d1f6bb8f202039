"""What must be true of the groups of duplicates and of the set that is kept."""

from statistics import median
from typing import Any

import pandas as pd
from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetKey,
    DagsterInstance,
    asset_check,
)

from cic_assets.config.problem import Problem
from cic_assets.defs.assets.deduplication import SHARES_DROPPED
from cic_assets.defs.partitions import with_class
from cic_assets.defs.resources import DataRootResource
from cic_assets.domain.duplicates import find_residual_duplicates
from cic_assets.storage import DataRoot

SHOWN = 20
"""Copies that are named."""
EARLIER = 20
"""Materializations that make up a source's history."""
FEWEST_EARLIER = 3
"""Fewer are no history yet."""
LARGEST_CHANGE = 0.15
"""Of a source's share of dropped pictures, from the median of its history: a day's posts do not move it so far, a flood
of reposts or a mistaken measure does."""


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """Checks of `duplicates`, and of `deduped_images` of all sources."""

    # Of what is of all sources together: a check of deduped_images would run once a source.
    @asset_check(asset="training_dataset")
    def no_copies_are_left(data: DataRootResource) -> AssetCheckResult:
        """Of the pictures that are kept, of all sources together, no two are the same.

        Whatever comes within the radius was compared again and found different, or a person says so.
        """
        kept = _kept(data.root, problem)
        if kept.empty:
            return AssetCheckResult(passed=True, description="nothing is kept yet")
        kept = with_class(kept, problem)
        formats = dict(zip(kept["sha256"], kept["format"], strict=True))
        left = find_residual_duplicates(
            kept,
            lambda sha256: data.root.images.get(sha256, formats[sha256]),
            problem.duplicates,
            problem.overrides,
        )
        return AssetCheckResult(
            passed=left.copies.empty,
            severity=AssetCheckSeverity.WARN,
            description=None if left.copies.empty else "materialize duplicates and all of deduped_images again",
            metadata={
                "pictures": len(kept),
                "pairs within the radius, verified different": left.verified_different,
                "copies left": list(left.copies["sha256"].str[:12] + " of " + left.copies["subreddit"])[:SHOWN],
            },
        )

    @asset_check(asset="duplicates")
    def duplicates_are_as_many_as_before(context: AssetCheckExecutionContext) -> AssetCheckResult:
        """The share of each source's pictures that is dropped as a copy is about what it was in earlier runs."""
        history = _history(context.instance, AssetKey(problem.dagster.key("duplicates")))
        unusual = {key: found for key in problem.partitions if (found := _unusual(key, history)) is not None}
        return AssetCheckResult(
            passed=not unusual,
            severity=AssetCheckSeverity.WARN,
            metadata={"share dropped, and its median before": unusual, "earlier runs": max(0, len(history) - 1)},
        )

    return [no_copies_are_left, duplicates_are_as_many_as_before]


def _kept(root: DataRoot, problem: Problem) -> pd.DataFrame:
    """The pictures that are kept, of those sources that were deduplicated already."""
    tables = [root.read_table_or_none("deduped_images", key) for key in problem.partitions]
    return pd.concat([table for table in tables if table is not None] or [pd.DataFrame()], ignore_index=True)


def _history(instance: DagsterInstance, asset: AssetKey) -> list[dict[str, Any]]:
    """The shares of each source by materialization, the latest first."""
    records = instance.fetch_materializations(asset, limit=EARLIER + 1).records
    found = [record.asset_materialization for record in records]
    metadata = [event.metadata.get(SHARES_DROPPED) for event in found if event is not None]
    return [shares.value for shares in metadata if shares is not None and isinstance(shares.value, dict)]


def _unusual(key: str, history: list[dict[str, Any]]) -> dict[str, float] | None:
    """A source's share now and before, where they are far apart."""
    shares = [float(one[key]) for one in history if key in one]
    if len(shares) <= FEWEST_EARLIER or (history and key not in history[0]):
        return None
    before = median(shares[1:])
    return {"now": shares[0], "before": before} if abs(shares[0] - before) > LARGEST_CHANGE else None
