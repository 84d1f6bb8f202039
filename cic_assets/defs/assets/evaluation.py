"""Evaluation: the report of all models."""

from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.assets.quantization import quantized_names
from cic_assets.defs.automation_conditions import on_new_data
from cic_assets.defs.fan_in import made_from
from cic_assets.defs.measuring import measured
from cic_assets.defs.partitions import all_of
from cic_assets.defs.placement import needs
from cic_assets.defs.resources import DataRootResource
from cic_assets.defs.retry_policies import again_if_taken_down
from cic_assets.domain.dataset import DatasetError
from cic_assets.domain.evaluation import PLACES, build_report, load_report_inputs, write_report
from cic_assets.domain.sources import TakedownGuard
from cic_assets.storage import content_version


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`evaluation_report`."""
    models = [f"{name}_model" for name in problem.models] + quantized_names(problem)
    settings = problem.model_dump(exclude={**PLACES, "prediction": True}, by_alias=True)
    precisions = sorted(set(problem.prediction.precisions))

    background = list(problem.background_partitions)

    @asset(
        # Pictures of other things are looked at as they were resized; without any the graph is as it was.
        deps=[
            *models,
            "training_dataset",
            "dataset_audit",
            "duplicates",
            all_of("raw_images"),
            *([all_of("resized_images")] if background else []),
        ],
        group_name="evaluation",
        kinds={"matplotlib", "html"},
        op_tags=needs(memory=4),
        owners=metadata.OWNERS,
        # A report on new pictures waits for models that know them.
        automation_condition=on_new_data(*map(problem.dagster.key, models)),
        # The report shows the sources and all settings; where they lie on this machine it does not.
        code_version=content_version(
            8, problem.classes_by_key, settings, *([precisions] if precisions else []), *background
        ),
    )
    @measured
    @again_if_taken_down
    def evaluation_report(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult[None]:
        """Accuracy with its uncertainty, confusion, curves, mistakes and costs of all models, as a page and as JSON."""
        tags, guard = made_from(context), TakedownGuard(data.root)
        try:
            report = build_report(load_report_inputs(data.root, problem), problem.report)
        except DatasetError as error:  # taken down since the models were trained
            raise Failure(str(error), allow_retries=False) from error
        with guard.publishing(context.log.info):
            page = write_report(report, data.root)
        return MaterializeResult(
            data_version=DataVersion(report.version),
            tags=tags,
            metadata={
                "report": metadata.file(page),
                "json": metadata.file(data.root.report / "report.json"),
                "answer": report.data.answer.text,
                "versions": {name: model.version for name, model in report.data.models.items()},
                "mistakes of the best model": metadata.Sheet(data.root, "evaluation_report").show(
                    report.mistakes, otherwise="none"
                ),
            },
        )

    return [evaluation_report]
