"""Training: one asset a model, each in a process of its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.pools import GPU
from cic_assets.defs.resources import AcceleratorResource, DataRootResource, WeightsResource
from cic_assets.domain import features
from cic_assets.domain.dataset import find_leaks, load_manifest
from cic_assets.domain.models import (
    FEATURES_VERSION,
    TRAINING_VERSION,
    Card,
    EpochEnd,
    Event,
    Message,
    ModelError,
    ModelSettings,
    TrainingSpec,
    train_in_process,
)
from cic_assets.domain.takedowns import forget_meanwhile
from cic_assets.storage import DataRoot, FolderLock, content_version

LEAKING = (
    "{:,} pictures of the data set have a copy, or one of the same post, in another split, so that a test would "
    "measure memory: see the check no_group_across_splits of training_dataset, and make the data set again once the "
    "cause is gone"
)

DESCRIPTIONS = {
    "vgg": "A VGG-style net from scratch: three blocks of two convolutions, each closed by pooling.",
    "peetz_net": "Peetz Net from scratch: two stacks of convolutions side by side, their kernels in opposite order.",
    "xception": "Transfer learning: Xception's ImageNet backbone, frozen but for its end, and a new head.",
}


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`vgg_model`, `peetz_net_model`, `xception_model`, or what the problem names them."""
    return [_model_asset(name, settings) for name, settings in problem.models.items()]


def _model_asset(name: str, settings: ModelSettings) -> AssetsDefinition:
    @asset(
        name=f"{name}_model",
        deps=["training_dataset"],
        group_name="training",
        kinds={"keras", "tensorflow"},
        owners=metadata.OWNERS,
        pool=GPU,
        # For executors that place each step: a pod or an actor with a GPU. Executors of one machine ignore it.
        op_tags={
            "dagster-k8s/config": {"container_config": {"resources": {"limits": {"nvidia.com/gpu": "1"}}}},
            "dagster-ray/config": {"num_gpus": 1},
        },
        description=DESCRIPTIONS[settings.architecture],
        code_version=content_version(TRAINING_VERSION, settings.model_dump(by_alias=True), *_of_backbone(settings)),
    )
    def model(
        context: AssetExecutionContext,
        data: DataRootResource,
        weights: WeightsResource,
        accelerator: AcceleratorResource,
    ) -> MaterializeResult[None]:
        # Asked here too: the blocking check keeps back no run but the one that built the data set.
        if leaks := len(find_leaks(load_manifest(data.root.dataset))):
            raise Failure(LEAKING.format(leaks), allow_retries=False)
        spec = TrainingSpec(
            name=name,
            settings=settings,
            dataset=str(data.root.dataset),
            output=str(data.root.model(name)),
            accelerator=accelerator.settings,
            weights=weights.path or None,
            allow_random_weights=weights.allow_random,
            code_version=version("cic-assets"),
            features=_tables(data.root) if settings.head_alone else (),
            scratch=str(data.root.scratch / name) if data.root.is_local else None,
        )
        try:
            with _in_use(spec.scratch, context.log.info):
                card = train_in_process(spec, _EventLog(name, context).tell)
        except ModelError as error:
            raise Failure(str(error), allow_retries=False) from error
        forget_meanwhile(data.root, name)
        shown = _metadata(card, data, name) | {
            "augmented samples": metadata.augmented_sheet(
                data.root.dataset, settings, metadata.Sheet(data.root, f"{name}_model")
            )
        }
        return MaterializeResult(data_version=DataVersion(card.sha256[:16]), metadata=shown)

    return model


def _tables(root: DataRoot) -> tuple[str, ...]:
    """Of features, of all sources."""
    return tuple(str(root.table_path(features.TABLE, key)) for key in root.table_partitions(features.TABLE))


def _of_backbone(settings: ModelSettings) -> list[int]:
    return [FEATURES_VERSION] if settings.architecture == "xception" else []


def _in_use(scratch: str | None, on_wait: Callable[[str], None]) -> AbstractContextManager[None]:
    """Keeps a take-down from removing under a training what it works with."""
    return FolderLock(Path(scratch)).held(on_wait) if scratch else nullcontext()


class _EventLog:
    """Tells what a training does in the run's log: every epoch and message, progress every few seconds."""

    def __init__(self, name: str, context: AssetExecutionContext) -> None:
        self._name = name
        self._log = context.log
        self._progress = metadata.ProgressLog(context.log.info)

    def tell(self, event: Event) -> None:
        if isinstance(event, EpochEnd):
            self._log.info(
                f"{self._name}: epoch {event.epoch} of {event.epochs}, loss {event.loss:.3f}, "
                f"accuracy {event.accuracy:.1%}, validation {event.val_accuracy:.1%}, "
                f"{event.images_per_second:.0f} pictures/s, {event.seconds:.1f} s, {event.remaining_seconds:.0f} s left"
            )
        elif isinstance(event, Message):
            (self._log.warning if event.warning else self._log.info)(f"{self._name}: {event.text}")
        elif event.kind == "progress":
            tell = self._log.info if event.done == event.total else self._progress
            tell(
                f"{self._name}: {event.stage} {event.done} of {event.total}, {event.rate:.0f} pictures/s, "
                f"{event.remaining_seconds:.0f} s left"
            )


def _metadata(card: Card, data: DataRootResource, name: str) -> dict[str, Any]:
    measures = card.measures
    return {
        "test accuracy": card.scores["test"].accuracy,
        "validation accuracy": card.scores["validation"].accuracy,
        "epochs": card.epochs,
        "train seconds": measures.train_seconds,
        "images per second": measures.images_per_second,
        "CPU seconds": measures.cpu_seconds,
        "parameters": measures.parameters,
        "FLOPs a picture": measures.flops,
        "size on disk, bytes": measures.disk_bytes,
        "peak memory, bytes": measures.peak_rss_bytes,
        "peak GPU memory, bytes": measures.peak_gpu_bytes,
        "random weights": card.random_weights,
        "device": card.device,
        "precision": card.precision,
        "history": metadata.table(pd.DataFrame(card.history)),
        "model": metadata.file(data.root.model(name) / "model.keras"),
    }
