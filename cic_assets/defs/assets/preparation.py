"""Preparation: resized copies, and what a frozen network says of them."""

from collections.abc import Callable

import pandas as pd
from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.automation_conditions import on_new_data
from cic_assets.defs.measuring import measured
from cic_assets.defs.partitions import source_partitions
from cic_assets.defs.pools import DECODING, THREADS
from cic_assets.defs.resources import AcceleratorResource, DataRootResource, EngineResource, WeightsResource
from cic_assets.defs.retry_policies import again_if_taken_down
from cic_assets.domain import features
from cic_assets.domain.dataset import KNOWN_BY, pack_copies, resize_pictures
from cic_assets.domain.models import (
    ExportError,
    PooledBackbone,
    TrainingUnavailableError,
    WeightsUnavailableError,
    open_pooled_backbone,
)
from cic_assets.domain.sources import TakedownGuard
from cic_assets.storage import content_version


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`resized_images` and `image_features`."""
    settings = problem.dataset

    @asset(
        partitions_def=source_partitions(problem),
        deps=["deduped_images"],
        group_name="preparation",
        kinds={"opencv", "parquet"},
        pool=DECODING,
        owners=metadata.OWNERS,
        automation_condition=on_new_data(),
        code_version=content_version(4, settings.side, settings.jpeg_quality),
    )
    @measured
    @again_if_taken_down
    def resized_images(
        context: AssetExecutionContext, data: DataRootResource, engine: EngineResource
    ) -> MaterializeResult[None]:
        """Shortest side to the data set's side, centre crop: as AlexNet did it. Each picture is made once."""
        key, guard = context.partition_key, TakedownGuard(data.root)
        left_out: dict[str, str] = {}
        resized = data.root.resized(settings.side)
        with metadata.ProgressLog(context.log.info) as progress:
            table = resize_pictures(
                data.root.read_table("deduped_images", key),
                data.root.images,
                resized,
                settings,
                data.root.read_table_or_none(
                    "resized_images", key, sorted(KNOWN_BY & data.root.columns_of("resized_images", key))
                ),
                engine=engine.open(THREADS),
                on_progress=progress,
                on_left_out=left_out.__setitem__,
            )
        pack_copies(data.root, settings, key, guard.publishing, context.log.info, table, resized)
        made = int(table.pop("made").sum())
        with guard.publishing(context.log.info):
            path = data.root.write_table("resized_images", table, key)
        return MaterializeResult(
            data_version=DataVersion(content_version(table)),
            metadata={
                **metadata.shape(table, "resized_images"),
                **metadata.left_out(left_out, context.log.warning),
                "made now": made,
                "bytes before": int(table["bytes"].sum()),
                "bytes after": int(table["bytes_after"].sum()),
                "upscaled": int(table["upscaled"].sum()),
                "before and after": metadata.resizing_sheet(
                    table,
                    data.root.images,
                    resized,
                    metadata.Sheet(data.root, "resized_images", key),
                ),
                "table": metadata.file(path),
            },
        )

    @asset(
        partitions_def=source_partitions(problem),
        deps=["resized_images"],
        group_name="preparation",
        kinds={"onnx", "parquet"},
        pool=DECODING,
        owners=metadata.OWNERS,
        automation_condition=on_new_data(),
        code_version=content_version(1, problem.features.model_dump()),
    )
    @measured
    @again_if_taken_down
    def image_features(
        context: AssetExecutionContext,
        data: DataRootResource,
        weights: WeightsResource,
        accelerator: AcceleratorResource,
        engine: EngineResource,
    ) -> MaterializeResult[None]:
        """What Xception, frozen with its ImageNet weights, says of each picture; computed once a picture."""
        key, guard = context.partition_key, TakedownGuard(data.root)
        left_out: dict[str, str] = {}
        tables = (features.TABLE, features.UNFINISHED)
        before = [data.root.read_table_if_whole(name, key, context.log.warning) for name in tables]
        pictures = data.root.read_table("resized_images", key, ["sha256", "resized_sha256"])

        def keep(unfinished: pd.DataFrame) -> None:
            with guard.publishing():
                data.root.write_table(features.UNFINISHED, unfinished, key)

        backbone, why_none = None, "none: they are of no class"
        if key in problem.class_partitions:
            backbone, why_none = _backbone(problem.features, weights.path, context.log.info)
        with metadata.ProgressLog(context.log.info) as progress:
            table = features.compute_features(
                pictures,
                data.root.resized(settings.side),
                backbone,
                [one for one in before if one is not None and problem.features.enabled],
                engine=engine.open(accelerator.threads),
                keep=keep,
                on_progress=progress,
                on_left_out=left_out.__setitem__,
            )
        if why_none and problem.features.enabled and key in problem.class_partitions:
            context.log.warning(why_none)
        with guard.publishing(context.log.info):
            path = data.root.write_table(features.TABLE, table, key)
            data.root.remove_table(features.UNFINISHED, key)
            for name in tables:
                data.root.remove_unfinished(name, key)  # of the killed: all who write them hold the lock
        return MaterializeResult(
            # Other pictures are another version also where there are no features: the data set waits for this.
            data_version=DataVersion(content_version(table, pictures)),
            metadata={
                **metadata.shape(table, features.TABLE),
                **metadata.left_out(left_out, context.log.warning),
                "features": why_none or f"of Xception at {problem.features.side} pixels",
                "table": metadata.file(path),
            },
        )

    return [resized_images, image_features]


def _backbone(
    settings: features.FeatureSettings, weights: str, say: Callable[[str], None]
) -> tuple[PooledBackbone | None, str]:
    """What gives features, or None and why: random weights would tell nothing."""
    if not settings.enabled:
        return None, "none: features.enabled is false"
    try:
        return open_pooled_backbone(settings.side, weights or None, say), ""
    except WeightsUnavailableError as error:
        if not error.nowhere:
            raise Failure(str(error), allow_retries=False) from error
        return None, f"none, so that nothing that draws on them is there (such as scenes): {error}"
    except (ExportError, TrainingUnavailableError) as error:
        return None, f"none, so that nothing that draws on them is there (such as scenes): {error}"
