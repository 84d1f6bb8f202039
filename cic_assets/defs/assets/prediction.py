"""Prediction: the best model on pictures named in the launchpad."""

from dagster import AssetDep, AssetExecutionContext, AssetsDefinition, Config, Failure, MaterializeResult, asset
from pydantic import Field

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.resources import DataRootResource
from cic_assets.domain.prediction import PredictionError, as_table, load_predictor


class PredictionConfig(Config):
    """What to classify."""

    # Not required: who materializes the whole graph has no pictures to name.
    sources: list[str] = Field(default=[], description="files, folders or http(s) URLs of pictures")
    model: str = Field(default="", description="which model; the best by validation loss unless given")


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`adhoc_predictions`."""

    @asset(
        deps=[AssetDep(f"{name}_model") for name in problem.models],
        group_name="prediction",
        kinds={"onnx"},
        owners=metadata.OWNERS,
    )
    def adhoc_predictions(
        context: AssetExecutionContext, config: PredictionConfig, data: DataRootResource
    ) -> MaterializeResult[None]:
        """What the best model says of pictures that you name in the launchpad, under `sources`."""
        if not config.sources:
            context.log.warning("Nothing to classify: name files, folders or URLs in the launchpad, under `sources`.")
            return MaterializeResult(metadata={"dagster/row_count": 0})
        try:
            predictor = load_predictor(data.root, config.model or None, context.log.info, many=True)
        except PredictionError as error:
            raise Failure(str(error), allow_retries=False) from error
        table = as_table(predictor.predict(config.sources), predictor.card.labels)
        with data.root.lock.held(context.log.info):
            path = data.root.write_table("adhoc_predictions", table)
        return MaterializeResult(
            metadata={
                **metadata.shape(table, "adhoc_predictions"),
                "predictions": metadata.table(table),
                "table": metadata.file(path),
            }
        )

    return [adhoc_predictions]
