"""What must be true of the groups of duplicates and of the set that is kept."""

from collections.abc import Iterable
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
from cic_assets.domain.duplicates import SIGNED_COLUMNS, are_of, not_as_grouped
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
        """What is kept of all sources is what the groups keep, and these were searched among all pictures of today."""
        made = [key for key in problem.class_partitions if data.root.has_table("deduped_images", key)]
        kept = data.root.read_tables("deduped_images", made, ["sha256", "subreddit"]) if made else pd.DataFrame()
        if kept.empty:
            return AssetCheckResult(passed=True, description="nothing is kept yet")
        images = _fingerprints(data.root, problem.class_partitions)
        groups = data.root.read_table("duplicates")
        other = not_as_grouped(kept, images[images["subreddit"].isin(made)], groups)
        is_searched = are_of(groups, with_class(images, problem), problem.duplicates, problem.decisions.copies)
        advice = "materialize " + ("all of deduped_images again" if is_searched else "duplicates, then deduped_images")
        return AssetCheckResult(
            passed=other.empty and is_searched,
            severity=AssetCheckSeverity.WARN,
            description=None if other.empty and is_searched else advice,
            metadata={
                "pictures": len(kept),
                "duplicates were searched among these pictures": is_searched,
                "not as the groups say": list(other["sha256"].str[:12] + " of " + other["subreddit"])[:SHOWN],
            },
        )

    @asset_check(asset="duplicates")
    def duplicates_are_as_many_as_before(context: AssetCheckExecutionContext) -> AssetCheckResult:
        """The share of each source's pictures that is dropped as a copy is about what it was in earlier runs."""
        history = _history(context.instance, AssetKey(problem.dagster.key("duplicates")))
        unusual = {key: found for key in problem.class_partitions if (found := _unusual(key, history)) is not None}
        return AssetCheckResult(
            passed=not unusual,
            severity=AssetCheckSeverity.WARN,
            metadata={"share dropped, and its median before": unusual, "earlier runs": max(0, len(history) - 1)},
        )

    return [no_copies_are_left, duplicates_are_as_many_as_before]


def _fingerprints(root: DataRoot, keys: Iterable[str]) -> pd.DataFrame:
    """Of some sources; of tables of earlier code, which have fewer columns, those that there are."""
    there = {key: root.columns_of("image_hashes", key) for key in keys}
    tables = [
        root.read_table("image_hashes", key, [name for name in SIGNED_COLUMNS if name in columns])
        for key, columns in there.items()
    ]
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


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
