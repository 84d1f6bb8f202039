"""Asset checks: what must be true of the data, judged after each materialization. One file a stage."""

from dagster import AssetChecksDefinition

from cic_assets.config.problem import Problem
from cic_assets.defs.asset_checks import deduplication, preparation, scraping, training


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """All checks for a problem, in the order of the data."""
    return [
        check for stage in (scraping, deduplication, preparation, training) for check in stage.build_checks(problem)
    ]
