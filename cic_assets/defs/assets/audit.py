"""Audit: which pictures of the data set do not belong, and what more of them would bring."""

import pandas as pd
from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.automation_conditions import on_new_data
from cic_assets.defs.fan_in import made_from
from cic_assets.defs.measuring import measured
from cic_assets.defs.partitions import all_of
from cic_assets.defs.pools import DECODING
from cic_assets.defs.resources import DataRootResource
from cic_assets.defs.retry_policies import again_if_taken_down
from cic_assets.domain import audit, features
from cic_assets.domain.dataset import DatasetError, load_info, load_manifest
from cic_assets.domain.review import Queue
from cic_assets.domain.sources import TakedownGuard
from cic_assets.storage import content_version


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`dataset_audit`."""

    @asset(
        deps=["training_dataset", all_of("image_features")],
        group_name="preparation",
        kinds={"scikitlearn", "parquet"},
        pool=DECODING,  # it takes all cores
        owners=metadata.OWNERS,
        # The data set waits for features, and this for the data set.
        automation_condition=on_new_data(problem.dagster.key("training_dataset")),
        # Who says that a label is right changes no data set, and is not to be asked again.
        code_version=content_version(2, problem.decisions.labels),
    )
    @measured
    @again_if_taken_down
    def dataset_audit(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult[None]:
        """Likely label errors, pictures of no class, and what more would bring: by a simple model over folds."""
        tags, guard = made_from(context), TakedownGuard(data.root)
        likely, odd = (metadata.Sheet(data.root, f"dataset_audit_{name}") for name in ("label_errors", "off_topic"))
        try:
            info = load_info(data.root.dataset)
        except DatasetError as error:  # taken down since it was made
            raise Failure(str(error), allow_retries=False) from error
        found = audit.audit_dataset(
            load_manifest(data.root.dataset),
            data.root.read_tables(features.TABLE, problem.class_partitions),
            info.classes,
            info.version,
        )
        if found.summary.why_none:
            context.log.warning(f"Nothing is said of single pictures: {found.summary.why_none}")
        with guard.publishing(context.log.info):
            audit.write_summary(data.root, found.summary)
            path = data.root.write_table(audit.TABLE, found.table)
        resized = data.root.resized(info.side)
        errors, others = audit.likely_label_errors(found.table), audit.of_no_class(found.table)
        return MaterializeResult(
            data_version=DataVersion(content_version(found.table, found.summary.model_dump())),
            tags=tags,
            metadata={
                **metadata.shape(found.table, audit.TABLE),
                "says": found.summary.why_none or f"of {len(found.table):,} of {found.summary.pictures:,} pictures",
                "likely label errors": len(errors),
                "pictures of no class": len(others),
                "to review": metadata.to_review({Queue.LABEL_ERRORS: len(errors), Queue.OFF_TOPIC: len(others)}),
                "likely label errors, the surest": metadata.sheet_of(
                    _first(errors, errors["klass"] + ", not " + errors["likely_class"]),
                    resized,
                    likely,
                    caption="caption",
                    otherwise="none",
                ),
                "pictures of no class, the farthest": metadata.sheet_of(
                    _first(others, others["klass"]), resized, odd, caption="caption", otherwise="none"
                ),
                "learning curve": metadata.table(pd.DataFrame([dict(one) for one in found.summary.curve])),
                "table": metadata.file(path),
            },
        )

    return [dataset_audit]


def _first(pictures: pd.DataFrame, captions: "pd.Series[str]") -> pd.DataFrame:
    return pictures.assign(format="jpeg", caption=captions).head(metadata.SHEET_TILES)
