"""Prediction: the best model on pictures named in the launchpad."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from dagster import AssetDep, AssetExecutionContext, AssetsDefinition, Config, Failure, MaterializeResult, asset
from pydantic import Field

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.assets.quantization import quantized_names
from cic_assets.defs.measuring import measured
from cic_assets.defs.resources import DataRootResource, EngineResource
from cic_assets.domain.models import FULL
from cic_assets.domain.prediction import (
    Prediction,
    PredictionError,
    as_table,
    find_inputs,
    in_parts,
    load_predictor,
    predict_on,
)


class PredictionConfig(Config):
    """What to classify."""

    # Not required: who materializes the whole graph has no pictures to name.
    sources: list[str] = Field(default=[], description="files, folders or http(s) URLs of pictures")
    model: str = Field(default="", description="which model; the best by validation loss unless given")
    precision: str = Field(default=FULL, description="of it; float16 and int8 where the problem file has them made")


class _Seen:
    """What an asset's page says of predictions of which there may be millions."""

    def __init__(self) -> None:
        self._first: list[Prediction] = []
        self._count = self._failed = 0

    def watch(self, predictions: Iterable[Prediction], on_progress: Callable[[str], None]) -> Iterator[Prediction]:
        began = time.monotonic()
        for one in predictions:
            self._count += 1
            self._failed += one.label is None
            if len(self._first) < metadata.SHOWN_ROWS:
                self._first.append(one)
            rate = self._count / max(time.monotonic() - began, 1e-3)
            on_progress(f"{self._count:,} pictures, {rate:,.1f} a second")
            yield one

    def metadata(self, labels: Sequence[str]) -> dict[str, Any]:
        table = as_table(self._first, labels)
        shape = {**metadata.shape(table, "adhoc_predictions"), "dagster/row_count": self._count}
        return {**shape, "without an answer": self._failed, "predictions": metadata.table(table)}


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`adhoc_predictions`."""

    @asset(
        deps=[AssetDep(name) for name in (*(f"{name}_model" for name in problem.models), *quantized_names(problem))],
        group_name="prediction",
        kinds={"onnx"},
        owners=metadata.OWNERS,
    )
    @measured
    def adhoc_predictions(
        context: AssetExecutionContext, config: PredictionConfig, data: DataRootResource, engine: EngineResource
    ) -> MaterializeResult[None]:
        """What the best model says of pictures that you name in the launchpad, under `sources`."""
        if not config.sources:
            context.log.warning("Nothing to classify: name files, folders or URLs in the launchpad, under `sources`.")
            return MaterializeResult(metadata={"dagster/row_count": 0})
        try:
            predictor = load_predictor(
                data.root, config.model or None, context.log.info, many=True, precision=config.precision
            )
        except PredictionError as error:
            raise Failure(str(error), allow_retries=False) from error
        if engine.is_local:
            answers = predictor.classify(find_inputs(config.sources))
        else:
            name, precision = predictor.card.name, config.precision
            answers = predict_on(engine.open(), data.root, config.sources, name, precision=precision)
        seen = _Seen()
        with metadata.ProgressLog(context.log.info) as progress:
            predictions = seen.watch(answers, progress)
            path = data.root.write_table_in_parts("adhoc_predictions", in_parts(predictions, predictor.card.labels))
        asked: dict[str, Any] = {
            "model": predictor.card.name,
            "version": predictor.card.version,
            "table": metadata.file(path),
        }
        return MaterializeResult(metadata={**seen.metadata(predictor.card.labels), **asked})

    return [adhoc_predictions]
