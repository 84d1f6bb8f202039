"""Asset checks: what must be true of the data, judged after each materialization."""

import pandas as pd
from dagster import AssetCheckExecutionContext, AssetCheckResult, AssetChecksDefinition, AssetCheckSeverity, asset_check

from cic_assets.dataset import MANIFEST, load_info
from cic_assets.problem import Problem
from cic_assets.resources import DataRootResource

LARGEST_LOST_SHARE = 0.5
"""More media than this without a picture (videos and filtered posts apart) is worth a look at the outcomes."""


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """All checks for a problem."""

    @asset_check(asset="training_dataset", blocking=True)
    def no_group_across_splits(data: DataRootResource) -> AssetCheckResult:
        """Copies of one picture are all in the same split: otherwise the test measures memory."""
        with (data.root.dataset / MANIFEST).open("rb") as file:
            manifest = pd.read_parquet(file, columns=["group_id", "split"])
        splits = manifest.groupby("group_id")["split"].nunique()
        across = sorted(splits[splits > 1].index)
        return AssetCheckResult(passed=not across, metadata={"groups across splits": across[:20]})

    @asset_check(asset="training_dataset")
    def no_class_is_rare(data: DataRootResource) -> AssetCheckResult:
        """Each class has at least a fifth of the pictures that an equal share would give it."""
        counts = load_info(data.root.dataset).counts
        totals = {klass: sum(split[klass] for split in counts.values()) for klass in problem.class_names}
        fair_share = sum(totals.values()) / len(totals)
        rare = {klass: count for klass, count in totals.items() if count < fair_share / 5}
        return AssetCheckResult(
            passed=not rare, severity=AssetCheckSeverity.WARN, metadata={"pictures": totals, "rare": rare}
        )

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

    return [no_group_across_splits, no_class_is_rare, most_media_gave_a_picture]
