"""One training, from a data set to a model with its card. Light to import: Keras comes when it starts.

`train` runs where it is called; `process.train_in_process` gives each training a process of its own.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cic_assets.domain.models import accelerator
from cic_assets.domain.models.card import Card, Seeds
from cic_assets.domain.models.checkpoints import Checkpoints
from cic_assets.domain.models.data import SplitName, TrainingData, load_training_data
from cic_assets.domain.models.diagnosis import diagnose
from cic_assets.domain.models.errors import WeightsUnavailableError
from cic_assets.domain.models.events import EpochEnd, Finished, Message, OnEvent
from cic_assets.domain.models.folds import JudgedInFolds, divide, split_of
from cic_assets.domain.models.measures import Stopwatch
from cic_assets.domain.models.pooled import pooled_version
from cic_assets.domain.models.results import Probabilities, TrainingOutcome, save
from cic_assets.domain.models.settings import AcceleratorSettings, ModelSettings
from cic_assets.domain.models.spec import FEATURES_VERSION, FOLDS_VERSION, SEEDS_VERSION, TRAINING_VERSION, TrainingSpec
from cic_assets.domain.models.stored_images import StoredImages
from cic_assets.domain.models.weights import ResolvedWeights, cache_folder, resolve_weights
from cic_assets.storage import content_version, path_of, sha256_hex

if TYPE_CHECKING:
    from cic_assets.domain.models.backbones import Exporting
    from cic_assets.domain.models.features import BackboneFeatures
    from cic_assets.domain.models.networks import Classifier
    from cic_assets.domain.models.out_of_fold import Recipe

JUDGED: tuple[SplitName, ...] = ("validation", "test")
"""Splits that the trained model is asked about."""


@dataclass(frozen=True, slots=True)
class _Fitted:
    """The epochs, what the trained model says of the judged splits, and of a frozen backbone its output and seconds."""

    history: list[EpochEnd]
    outputs: dict[SplitName, Probabilities]
    features_seconds: float | None
    features: "BackboneFeatures | None"


def train(spec: TrainingSpec, on_event: OnEvent = lambda _: None) -> Card:
    """Train a model, and leave it, its answers and, last, card.json in `spec.output`.

    Args:
        spec: what to train on what.
        on_event: takes progress, epochs and messages as they come.

    Of `spec.accelerator`, what has to be known before Keras is imported is the caller's to set: see
    `accelerator.environment_of`.

    Raises:
        TrainingDataError: the data set is missing or not usable.
        WeightsUnavailableError: no pretrained weights, and random ones are not allowed.
        AcceleratorUnavailableError: a GPU is required and there is none.
        TrainingDivergedError: the loss became infinite or not a number.
    """
    watch = Stopwatch()
    data = load_training_data(path_of(spec.dataset))
    device = _activate(spec.accelerator, on_event)
    pretrained = _pretrained(spec, on_event)
    from cic_assets.domain.models.networks import build_classifier
    from cic_assets.domain.models.out_of_fold import Recipe

    network = build_classifier(spec.settings, len(data.classes), pretrained.arrays if pretrained else None)
    with _scratch_folder(spec) as scratch:
        copy = path_of(spec.checkpoints) if spec.checkpoints else None
        checkpoints = Checkpoints(scratch / "checkpoint", _key(spec, data, pretrained), watch, copy)
        exporting = _exporting(spec, pretrained, scratch, device)
        fitted = _fit(
            spec,
            data,
            network,
            scratch / "features" / _backbone_key(spec, data, pretrained),
            checkpoints,
            device,
            exporting,
            _known(spec, data, pretrained, on_event),
            on_event,
        )
        recipe = Recipe(
            settings=spec.settings,
            data=data,
            network=network,
            features=fitted.features if spec.settings.features_are_fixed else None,
            weights=pretrained.arrays if pretrained else None,
            workers=accelerator.feeding_threads(device),
            jit=accelerator.jit(spec.accelerator, device),
            exporting=exporting,
        )
        beside, key = scratch / "folds", _key(spec, data, pretrained)
        with watch.paused():
            judged = _judge(recipe, beside, key, on_event)
            seeds = _seeds(recipe, judged, fitted.outputs["test"], beside / "seeds", key, on_event)
        outcome = TrainingOutcome(
            network=network,
            pretrained=pretrained,
            history=fitted.history,
            outputs=fitted.outputs,
            warnings=_warn(fitted.history, spec.settings, data, on_event),
            features_seconds=fitted.features_seconds,
            device=device,
            watch=watch,
            folds=judged,
            seeds=seeds,
            embeddings=fitted.features.by_split if fitted.features and spec.settings.features_are_fixed else None,
        )
        card = save(spec, data, outcome)
        checkpoints.clear()
        shutil.rmtree(beside, ignore_errors=True)
    on_event(Finished())
    return card


def _activate(settings: AcceleratorSettings, on_event: OnEvent) -> str:
    on_event(Message(text="loading Keras"))  # which takes seconds
    device = accelerator.activate(settings)
    import keras

    no_gpu = " (no GPU here)" if device == "cpu" and settings.device == "auto" else ""
    precision = keras.config.dtype_policy().compute_dtype
    on_event(Message(text=f"training on {device}{no_gpu} in {precision}"))
    return device


def _pretrained(spec: TrainingSpec, on_event: OnEvent) -> ResolvedWeights | None:
    if spec.settings.architecture != "xception":
        return None
    try:
        weights = resolve_weights(spec.weights, lambda text: on_event(Message(text=text)))
    except WeightsUnavailableError as error:
        if not (spec.allow_random_weights and error.nowhere):
            raise
        on_event(Message(text=f"RANDOM WEIGHTS, this {spec.name} is of no use: {error}", warning=True))
        return None
    on_event(Message(text=f"ImageNet weights from {weights.source}, sha256 {weights.sha256[:12]}…"))
    return weights


@contextmanager
def _scratch_folder(spec: TrainingSpec) -> Iterator[Path]:
    if spec.scratch is not None:
        yield Path(spec.scratch)
        return
    with tempfile.TemporaryDirectory(prefix="cic-training-") as name:
        yield Path(name)


def _backbone_key(spec: TrainingSpec, data: TrainingData, pretrained: ResolvedWeights | None) -> str:
    """Changes when the features of a frozen backbone would, or might."""
    import keras

    settings, precision = spec.settings, keras.config.dtype_policy().name
    program = [TRAINING_VERSION, FEATURES_VERSION, spec.code_version, keras.__version__, keras.backend.backend()]
    views = [settings.input_size, settings.seed, settings.augmentation.model_dump(), settings.head_alone]
    # The version is of what is in the set; the rows of pictures in shards follow where these lie.
    stored = [split.images for split in data.splits.values() if isinstance(split.images, StoredImages)]
    order = [sha256_hex(images.sha256s.tobytes()) for images in stored]
    return content_version(program, _weights_key(spec, pretrained), precision, views, data.version, *order)


def _weights_key(spec: TrainingSpec, pretrained: ResolvedWeights | None) -> str:
    return pretrained.sha256 if pretrained else f"random {spec.settings.seed}"


def _exporting(
    spec: TrainingSpec, pretrained: ResolvedWeights | None, scratch: Path, device: str
) -> "Exporting | None":
    """How a frozen backbone is exported; None where Keras runs it: on GPUs, and on backends that were not measured."""
    import keras

    from cic_assets.domain.models.backbones import Exporting

    if device != "cpu" or keras.backend.backend() != "tensorflow":
        return None
    cache = (cache_folder(),) if pretrained else ()  # random weights are nobody else's
    return Exporting(_weights_key(spec, pretrained), (*cache, scratch / "backbone"), spec.accelerator.threads)


def _known(
    spec: TrainingSpec, data: TrainingData, pretrained: ResolvedWeights | None, on_event: OnEvent
) -> "BackboneFeatures | None":
    """What the frozen backbone made of exactly these pictures before, for all that compares pictures."""
    settings = spec.settings
    if pretrained is None or not spec.features or not settings.features_are_fixed:
        return None
    from cic_assets.domain.models.features import known_features

    known = known_features(spec.features, pooled_version(pretrained.sha256, settings.input_size), data.manifest)
    if known is not None:
        on_event(Message(text="the features of all pictures are known: the frozen backbone does not run"))
    return known


def _key(spec: TrainingSpec, data: TrainingData, pretrained: ResolvedWeights | None) -> str:
    """Changes when a training would go another way."""
    return content_version(spec.settings.of_training, _backbone_key(spec, data, pretrained))


def _fit(
    spec: TrainingSpec,
    data: TrainingData,
    network: "Classifier",
    features: Path,
    checkpoints: Checkpoints,
    device: str,
    exporting: "Exporting | None",
    known: "BackboneFeatures | None",
    on_event: OnEvent,
) -> "_Fitted":
    from cic_assets.domain.models.feeds import open_feeds
    from cic_assets.domain.models.loop import ask, fit

    workers = accelerator.feeding_threads(device)
    with open_feeds(
        network, data, spec.settings, features, on_event, workers=workers, exporting=exporting, known=known
    ) as feeds:
        history = fit(
            network,
            spec.settings,
            feeds,
            data.class_weights,
            jit=accelerator.jit(spec.accelerator, device),
            checkpoints=checkpoints,
            on_event=on_event,
        )
        network.finish()
        outputs = {split: ask(network, feeds.batches[split]) for split in JUDGED}
        return _Fitted(history, outputs, feeds.backbone_seconds, feeds.features)


def _judge(recipe: "Recipe", folder: Path, key: str, on_event: OnEvent) -> JudgedInFolds | None:
    """Every picture judged by a network that has not learned from it; None where the settings want none, or can't."""
    settings = recipe.settings
    if not settings.fold_count:
        return None
    try:
        divisions = divide(recipe.data, settings.fold_count, settings.seed)
    except ValueError as error:
        on_event(Message(text=f"judged by the test pictures alone, not in folds: {error}"))
        return None
    if len(divisions) < settings.fold_count:
        on_event(Message(text=f"{len(divisions)} folds, not {settings.fold_count}: a class has no more units"))
    from cic_assets.domain.models.out_of_fold import answer_in_folds

    parts = [part.tolist() for one in divisions for part in one.rows.values()]
    outputs = answer_in_folds(recipe, divisions, folder, content_version(FOLDS_VERSION, key, parts), on_event)
    return JudgedInFolds(divisions, outputs)


def _seeds(
    recipe: "Recipe",
    judged: JudgedInFolds | None,
    tested: Probabilities,
    folder: Path,
    key: str,
    on_event: OnEvent,
) -> Seeds | None:
    """What other seeds would have made of it, judged as it was; None where the settings want its own alone."""
    if recipe.settings.seed_count == 1:
        return None
    from cic_assets.domain.models.seeds import train_with_seeds

    divisions = judged.divisions if judged else [split_of(recipe.data)]
    own = [one.test for one in judged.outputs] if judged else [tested]
    parts = [part.tolist() for one in divisions for part in one.rows.values()]
    return train_with_seeds(recipe, divisions, own, folder, content_version(SEEDS_VERSION, key, parts), on_event)


def _warn(history: list[EpochEnd], settings: ModelSettings, data: TrainingData, on_event: OnEvent) -> list[str]:
    warnings = diagnose(history, settings, data.splits["validation"].labels)
    if gone := len(data.gone):
        warnings.append(
            f"{gone:,} {'picture was' if gone == 1 else 'pictures were'} taken down during this training, which went "
            "on: another of the same class was shown from then on, also where it was judged. Train again without"
        )
    for text in warnings:
        on_event(Message(text=text, warning=True))
    return warnings
