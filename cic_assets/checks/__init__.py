"""Asset checks: what must be true of the data, judged after each materialization. One file a stage."""

from dagster import AssetChecksDefinition

from cic_assets.checks import preparation, scraping
from cic_assets.problem import Problem


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """All checks for a problem, in the order of the data."""
    return [check for stage in (scraping, preparation) for check in stage.build_checks(problem)]
