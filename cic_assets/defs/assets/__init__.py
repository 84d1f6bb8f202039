"""The graph, one file a stage, in the order the data flows. Asset bodies call the domain; no algorithm lives here."""

from dagster import AssetsDefinition

from cic_assets.config.problem import Problem
from cic_assets.defs.assets import (
    audit,
    dataset,
    deduplication,
    evaluation,
    inbox,
    prediction,
    preparation,
    quantization,
    scraping,
    takedowns,
    training,
)


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """All assets for a problem, upstream first."""
    stages = (
        takedowns, scraping, deduplication, preparation, dataset, audit, training, quantization, evaluation, prediction,
        inbox,
    )  # fmt: skip
    return [asset for stage in stages for asset in stage.build_assets(problem)]


__all__ = ["build_assets"]
