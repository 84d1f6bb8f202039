"""What must be true of what was scraped."""

from dagster import AssetCheckExecutionContext, AssetCheckResult, AssetChecksDefinition, AssetCheckSeverity, asset_check

from cic_assets.problem import Problem
from cic_assets.resources import DataRootResource

LARGEST_LOST_SHARE = 0.5
"""More media than this without a picture (videos and filtered posts apart) is worth a look at the outcomes."""


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """Checks of `raw_images`."""

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

    return [most_media_gave_a_picture]
