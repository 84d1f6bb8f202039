"""Prediction: the best model on pictures named in the launchpad."""

from dagster import AssetDep, AssetsDefinition, Config, Failure, MaterializeResult, asset
from pydantic import Field

from cic_assets.assets import metadata
from cic_assets.prediction import PredictionError, as_table, load_predictor
from cic_assets.problem import Problem
from cic_assets.resources import DataRootResource

OWNERS = ["team:cic"]


class PredictionConfig(Config):
    """What to classify."""

    sources: list[str] = Field(description="files, folders or http(s) URLs of pictures")
    model: str = Field(default="", description="which model; the best by validation accuracy unless given")


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`adhoc_predictions`."""

    @asset(
        deps=[AssetDep(f"{name}_model") for name in problem.models],
        group_name="prediction",
        kinds={"keras"},
        owners=OWNERS,
    )
    def adhoc_predictions(config: PredictionConfig, data: DataRootResource) -> MaterializeResult[None]:
        """What the best model says of pictures that you name in the launchpad."""
        try:
            predictor = load_predictor(data.root, config.model or None)
        except PredictionError as error:
            raise Failure(str(error), allow_retries=False) from error
        table = as_table(predictor.predict(config.sources), predictor.card.labels)
        path = data.root.write_table("adhoc_predictions", table)
        return MaterializeResult(
            metadata={
                "dagster/row_count": len(table),
                "predictions": metadata.table(table),
                "table": metadata.file(path),
            }
        )

    return [adhoc_predictions]
