"""Quantization: an asset a model in fewer bits, where the problem asks for some."""

from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.automation_conditions import on_new_data
from cic_assets.defs.measuring import measured
from cic_assets.defs.pools import DECODING
from cic_assets.defs.resources import DataRootResource
from cic_assets.domain.models import ModelError, Precision, QuantizedCard, champion_folder, quantize, read_card
from cic_assets.storage import content_version


def quantized_names(problem: Problem) -> list[str]:
    """Names of the assets; none where the problem asks for no precision."""
    return [f"{name}_quantized" for name in problem.models if problem.prediction.precisions]


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`vgg_quantized` and so on; none where the problem asks for no precision."""
    precisions = sorted(set(problem.prediction.precisions))
    return [_quantized_asset(name, problem, precisions) for name in problem.models if precisions]


def _quantized_asset(name: str, problem: Problem, precisions: list[Precision]) -> AssetsDefinition:
    @asset(
        name=f"{name}_quantized",
        deps=[f"{name}_model", "training_dataset"],
        group_name="training",
        kinds={"onnx"},
        owners=metadata.OWNERS,
        pool=DECODING,  # it takes all cores, and never the GPU
        # A data set that the model does not know yet waits for the model.
        automation_condition=on_new_data(problem.dagster.key(f"{name}_model")),
        description=f"{name} in fewer bits ({', '.join(precisions)}), and what that does to its answers.",
        code_version=content_version(2, precisions),
    )
    @measured
    def quantized(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult[None]:
        try:
            folder = champion_folder(data.root.model(name))
            made = quantize(folder, data.root.dataset, precisions, context.log.info, of_before=True)
        except (ModelError, FileNotFoundError) as error:
            raise Failure(str(error), allow_retries=False) from error
        return MaterializeResult(
            data_version=DataVersion(content_version([card.sha256s for card in made])),
            metadata={"version": read_card(folder).version}
            | {key: value for card in made for key, value in _metadata(card).items()},
        )

    return quantized


def _metadata(card: QuantizedCard) -> dict[str, Any]:
    test, changes = card.measured.scores["test"], card.changes["test"]
    return {
        f"{card.precision}: test accuracy": test.accuracy,
        f"{card.precision}: test log-loss": test.loss,
        f"{card.precision}: test pictures of another class": changes.labels,
        f"{card.precision}: largest change of a probability": changes.largest,
        f"{card.precision}: size on disk, bytes": card.measured.bytes,
        f"{card.precision}: milliseconds of a processor a picture": card.measured.milliseconds,
    }
