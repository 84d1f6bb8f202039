"""Asset checks: what must be true of the data, judged after each materialization. One file a stage."""

from dagster import AssetChecksDefinition

from cic_assets.checks import deduplication, preparation, scraping
from cic_assets.problem import Problem


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """All checks for a problem, in the order of the data."""
    return [check for stage in (scraping, deduplication, preparation) for check in stage.build_checks(problem)]
