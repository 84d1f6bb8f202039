"""Training: one asset a model, each in a process of its own."""

from importlib.metadata import version
from typing import Any

import pandas as pd
from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset
from upath import UPath

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.measuring import measured
from cic_assets.defs.placement import needs
from cic_assets.defs.pools import GPU
from cic_assets.defs.resources import AcceleratorResource, DataRootResource, WeightsResource
from cic_assets.domain import features
from cic_assets.domain.champions import PromotionSettings, promote_trained
from cic_assets.domain.dataset import find_leaks, load_manifest
from cic_assets.domain.evaluation import measure_accuracy
from cic_assets.domain.models import (
    FEATURES_VERSION,
    FOLDS_VERSION,
    MODEL_FILE,
    SEEDS_VERSION,
    TRAINING_VERSION,
    Card,
    Decision,
    EpochEnd,
    Event,
    Message,
    ModelError,
    ModelSettings,
    TrainingSpec,
    Version,
    train_in_process,
    trained_folder,
)
from cic_assets.domain.takedowns import forget_meanwhile
from cic_assets.storage import DataRoot, content_version

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
    return [_model_asset(name, settings, problem.promotion) for name, settings in problem.models.items()]


def _model_asset(name: str, settings: ModelSettings, promotion: PromotionSettings) -> AssetsDefinition:
    @asset(
        name=f"{name}_model",
        deps=["training_dataset"],
        group_name="training",
        kinds={"keras", "tensorflow"},
        owners=metadata.OWNERS,
        pool=GPU,
        op_tags=needs(gpus=1, memory=8),
        description=DESCRIPTIONS[settings.architecture],
        code_version=content_version(
            TRAINING_VERSION,
            settings.of_training,
            *_of_backbone(settings),
            *_of_folds(settings),
            *_of_seeds(settings),
        ),
    )
    @measured
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
            output=str(trained_folder(data.root.model(name))),
            accelerator=accelerator.settings,
            weights=weights.path or None,
            allow_random_weights=weights.allow_random,
            code_version=version("cic-assets"),
            features=_tables(data.root) if settings.head_alone else (),
            **_places(data.root, name),
        )
        try:
            with data.root.lock_of(data.root.scratch / name, f"training-{name}").held(context.log.info):
                train_in_process(spec, _EventLog(name, context).tell)
                forget_meanwhile(data.root, name, context.log.info)
                new, decision = promote_trained(data.root, name, promotion, context.log.info)
                # Of an object store's versions, those that moved were missed by a take-down on another machine.
                forget_meanwhile(data.root, name, context.log.info)
        except ModelError as error:
            raise Failure(str(error), allow_retries=False) from error
        folder = data.root.model(name) if decision.promoted else new.folder
        shown = (
            _accuracies(folder, data.root)
            | _metadata(new.card)
            | _promotion(new, decision, folder)
            | {
                "augmented samples": metadata.augmented_sheet(
                    data.root.dataset, settings, metadata.Sheet(data.root, f"{name}_model")
                )
            }
        )
        return MaterializeResult(data_version=DataVersion(new.card.content_version), metadata=shown)

    return model


def _tables(root: DataRoot) -> tuple[str, ...]:
    """Of features, of all sources."""
    return tuple(str(root.table_path(features.TABLE, key)) for key in root.table_partitions(features.TABLE))


def _of_backbone(settings: ModelSettings) -> list[int]:
    return [FEATURES_VERSION] if settings.architecture == "xception" else []


def _of_folds(settings: ModelSettings) -> list[dict[str, int]]:
    """Nothing for a model that is judged by the test pictures alone: it stays as it is."""
    return [{"folds": settings.fold_count, "version": FOLDS_VERSION}] if settings.fold_count else []


def _places(root: DataRoot, name: str) -> dict[str, str]:
    """Where a training keeps its state: on the disk of the data root, or of its machine and in the bucket."""
    place = str(root.scratch / name)
    return {"scratch": place} if root.is_local else {"checkpoints": place}


def _of_seeds(settings: ModelSettings) -> list[dict[str, int]]:
    """Likewise nothing for a model that is trained with one seed."""
    return [{"seeds": settings.seed_count, "version": SEEDS_VERSION}] if settings.seed_count > 1 else []


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
                f"{self._name}: {event.stage}, batch {event.done} of {event.total}, {event.rate:.0f} pictures/s, "
                f"{event.remaining_seconds:.0f} s left"
            )


def _accuracies(folder: UPath, root: DataRoot) -> dict[str, Any]:
    """With their intervals: on the test pictures, and in folds over all pictures where it was judged so."""
    words = {"test": "test accuracy", "folds": "out-of-fold accuracy"}
    shown: dict[str, Any] = {}
    for where, (accuracy, interval) in measure_accuracy(folder, load_manifest(root.dataset)).items():
        shown |= {
            words[where]: accuracy,
            f"{words[where]}, 95 % interval": f"{interval.low:.1%} to {interval.high:.1%}",
        }
    return shown


def _promotion(new: Version, decision: Decision, folder: UPath) -> dict[str, Any]:
    """Which version was made, and which one answers."""
    return {
        "version": new.id,
        "champion": new.id if decision.promoted else decision.over,
        "promoted": decision.promoted,
        "why": decision.reason,
        "model": metadata.file(folder / MODEL_FILE),
    }


def _metadata(card: Card) -> dict[str, Any]:
    measures = card.measures
    return {
        "validation accuracy": card.scores["validation"].accuracy,
        "epochs": card.epochs,
        "train seconds": measures.train_seconds,
        "images per second": measures.images_per_second,
        "CPU seconds": measures.cpu_seconds,
        "CPU seconds of the folds": card.folds.cpu_seconds if card.folds else 0.0,
        "CPU seconds of further seeds": card.seeds.cpu_seconds if card.seeds else 0.0,
        "parameters": measures.parameters,
        "FLOPs a picture": measures.flops,
        "size on disk, bytes": measures.disk_bytes,
        "peak memory, bytes": measures.peak_rss_bytes,
        "peak GPU memory, bytes": measures.peak_gpu_bytes,
        "random weights": card.random_weights,
        "device": card.device,
        "precision": card.precision,
        "history": metadata.table(pd.DataFrame(card.history)),
    }
