"""What must be true of the data set."""

import pandas as pd
from dagster import AssetCheckResult, AssetChecksDefinition, AssetCheckSeverity, asset_check

from cic_assets.dataset import MANIFEST, load_info
from cic_assets.problem import Problem
from cic_assets.resources import DataRootResource


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """Checks of `training_dataset`."""

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

    return [no_group_across_splits, no_class_is_rare]
