"""What must be true of the data set, and what a person should look at."""

import pandas as pd
from dagster import AssetCheckResult, AssetChecksDefinition, AssetCheckSeverity, MetadataValue, asset_check

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.resources import DataRootResource
from cic_assets.domain.dataset import (
    ADVICE,
    QUALITY_ISSUES,
    find_leaks,
    find_quality_issues,
    find_shortcuts,
    load_info,
    load_manifest,
)
from cic_assets.storage import DataRoot

SMALLEST_SHARE = 0.2
"""Of the pictures that an equal share would give a class."""
LARGEST_SHARE_WITH_ISSUES = 0.05
"""Of all pictures: more that are hard to learn from are worth a look at their source."""


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """Checks of `training_dataset`."""

    @asset_check(asset="training_dataset", blocking=True)
    def no_group_across_splits(data: DataRootResource) -> AssetCheckResult:
        """Copies of a picture, and pictures of one post, are in the same split: otherwise the test measures memory."""
        leaks = find_leaks(load_manifest(data.root.dataset))
        return AssetCheckResult(
            passed=leaks.empty,
            metadata={
                "pictures with a copy, or one of the same post, in another split": len(leaks),
                "pictures": _sheet(
                    leaks.assign(text=leaks["split"] + ": " + leaks["klass"]), data.root, "no_group_across_splits"
                ),
            },
        )

    @asset_check(asset="training_dataset")
    def no_class_is_rare(data: DataRootResource) -> AssetCheckResult:
        """Each class has at least a fifth of the pictures that an equal share would give it."""
        counts = load_info(data.root.dataset).counts
        totals = {klass: sum(split[klass] for split in counts.values()) for klass in problem.class_names}
        floor = SMALLEST_SHARE * sum(totals.values()) / len(totals)
        rare = {klass: count for klass, count in totals.items() if count < floor}
        return AssetCheckResult(
            passed=not rare, severity=AssetCheckSeverity.WARN, metadata={"pictures": totals, "rare": rare}
        )

    @asset_check(asset="training_dataset")
    def no_shortcut(data: DataRootResource) -> AssetCheckResult:
        """No class can be told from size, shape, file size, format, borders, sharpness or mean colour alone."""
        found = find_shortcuts(load_manifest(data.root.dataset), problem.class_names)
        warned_of = [one for one in found if one.is_warned_of]
        rows = [
            {
                "shortcut": one.name, "class": one.klass, "AUC": round(one.auc, 3),
                "95 % interval": f"{one.auc_ci[0]:.3f} to {one.auc_ci[1]:.3f}", "most telling": one.value,
                "of the class": one.of_class, "of the rest": one.of_rest, "warned of": one.is_warned_of,
            }
            for one in found
        ]  # fmt: skip
        return AssetCheckResult(
            passed=not warned_of,
            severity=AssetCheckSeverity.WARN,
            description=ADVICE if warned_of else None,
            metadata={"shortcuts": metadata.table(pd.DataFrame(rows))},
        )

    @asset_check(asset="training_dataset")
    def few_pictures_have_quality_issues(data: DataRootResource) -> AssetCheckResult:
        """At most one picture in twenty is dark, blurred, flat, mostly cropped away, or enlarged."""
        manifest = load_manifest(data.root.dataset)
        flagged = find_quality_issues(manifest)
        by_class = flagged.groupby("klass")[list(QUALITY_ISSUES)].sum().rename_axis("class").reset_index()
        return AssetCheckResult(
            passed=len(flagged) <= LARGEST_SHARE_WITH_ISSUES * len(manifest),
            severity=AssetCheckSeverity.WARN,
            metadata={
                "with quality issues": f"{len(flagged)} of {len(manifest)}",
                "by class": metadata.table(by_class),
                "pictures": _sheet(
                    flagged.assign(text=flagged["klass"] + ": " + flagged["issues"]),
                    data.root,
                    "few_pictures_have_quality_issues",
                ),
            },
        )

    return [no_group_across_splits, no_class_is_rare, no_shortcut, few_pictures_have_quality_issues]


def _sheet(pictures: pd.DataFrame, root: DataRoot, check: str) -> MetadataValue:
    """A contact sheet of resized copies, with their column `text`."""
    copies = root.resized(load_info(root.dataset).side)
    return metadata.sheet_of(pictures.assign(format="jpeg"), copies, metadata.Sheet(root, check), caption="text")
