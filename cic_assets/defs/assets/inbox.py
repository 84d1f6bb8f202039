"""The inbox: what the best model says of pictures that come into a folder."""

from typing import Any

from dagster import AssetDep, AssetExecutionContext, AssetsDefinition, Config, Failure, MaterializeResult, asset
from pydantic import Field

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.measuring import measured
from cic_assets.defs.resources import DataRootResource, EngineResource
from cic_assets.defs.retry_policies import again_if_taken_down
from cic_assets.domain.prediction import INBOX, PredictionError, classify_inbox, load_predictor
from cic_assets.domain.sources import TakedownGuard, load_tombstones


class InboxConfig(Config):
    """What to look at."""

    again: bool = Field(default=False, description="also what was classified before, by another model")
    model: str = Field(default="", description="which model; the best by validation loss unless given")


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`inbox_predictions`, where there is an inbox."""
    inbox = problem.prediction.inbox
    if inbox is None:
        return []

    @asset(
        name=INBOX,
        deps=[AssetDep(f"{name}_model") for name in problem.models],
        group_name="prediction",
        kinds={"onnx", "parquet"},
        owners=metadata.OWNERS,
    )
    @measured
    @again_if_taken_down
    def inbox_predictions(
        context: AssetExecutionContext, config: InboxConfig, data: DataRootResource, engine: EngineResource
    ) -> MaterializeResult[None]:
        """What the best model said of each picture that came into the inbox, when it came."""
        guard = TakedownGuard(data.root)
        try:
            predictor = load_predictor(data.root, config.model or None, context.log.info, many=True)
            with metadata.ProgressLog(context.log.info) as progress:
                answered = classify_inbox(
                    data.root,
                    inbox,
                    predictor,
                    publishing=lambda: guard.publishing(context.log.info),
                    refused=load_tombstones(data.root).purged_pictures,
                    again=config.again,
                    engine=None if engine.is_local else engine.open(),
                    on_progress=progress,
                )
        except PredictionError as error:
            raise Failure(str(error), allow_retries=False) from error
        asked: dict[str, Any] = {"model": predictor.card.name, "version": predictor.card.version}
        found = {
            **asked,
            "new rows": answered.rows,
            "without an answer": answered.failed,
            "changed meanwhile": answered.moved,
        }
        if answered.sample is None:
            return MaterializeResult(metadata=found)
        shape = metadata.shape(answered.sample, INBOX) | {"dagster/row_count": answered.total}
        shown = {
            "predictions": metadata.table(answered.sample),
            "table": metadata.file(data.root.table_path(INBOX)),
        }
        return MaterializeResult(metadata={**shape, **found, **shown})

    return [inbox_predictions]
