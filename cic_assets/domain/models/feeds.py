"""What the trained part of a network is fed: pictures, or what a frozen backbone made of them.

Imported only for training.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras  # noqa: TID253 - this module is imported only for training

from cic_assets.domain.models.augmentation import side_to_crop_from
from cic_assets.domain.models.backbones import Exporting
from cic_assets.domain.models.batches import Batches, Fetch, augmented, in_turns, plain
from cic_assets.domain.models.data import SPLITS, Images, SplitName, TrainingData, fit_to_side
from cic_assets.domain.models.events import OnEvent
from cic_assets.domain.models.features import BackboneFeatures, backbone_features, passed
from cic_assets.domain.models.networks import Classifier
from cic_assets.domain.models.settings import ModelSettings
from cic_assets.domain.models.stages import side_of_epoch, stages_of


@dataclass(frozen=True, slots=True)
class Feeds:
    """Batches of each split; those of `train` are varied and shuffled, the others neither.

    Attributes:
        batches: by split.
        backbone_seconds: what the frozen backbone took; None where there is none.
        features: what the backbone made of the pictures; None where there is none.
    """

    batches: dict[SplitName, Batches]
    backbone_seconds: float | None
    features: BackboneFeatures | None

    def through(self, neck: keras.Model) -> dict[SplitName, Batches]:
        """The batches for training and validation after further layers that stand still: features to (N, F)."""
        assert self.features is not None
        inputs: dict[SplitName, Fetch] = {
            "train": in_turns([passed(neck, view) for view in self.features.views]),
            "validation": plain(passed(neck, self.features.validation)),
        }
        return {split: self.batches[split].of(fetch) for split, fetch in inputs.items()}


@contextmanager
def open_feeds(
    network: Classifier,
    data: TrainingData,
    settings: ModelSettings,
    features: Path,
    on_event: OnEvent,
    *,
    workers: int = 1,
    exporting: Exporting | None = None,
    known: BackboneFeatures | None = None,
) -> Iterator[Feeds]:
    """Bring the pictures to the network's side, and through its frozen backbone where it has one.

    Args:
        network: what will be trained.
        data: the data set.
        settings: input size, batch size, augmentation, seed, views.
        features: folder for the backbone's output; see `features.backbone_features`.
        on_event: takes the backbone's progress.
        workers: threads that make training batches, see `Batches`.
        exporting: how a frozen backbone is exported; None leaves it to Keras.
        known: what the backbone made of the pictures, where that is known; then it does not run.
    """
    if known is not None:
        yield _feeds(_of_features(known), data, settings, workers, known)
        return
    with tempfile.TemporaryDirectory(prefix="cic-resized-") as name:
        sides: dict[SplitName, int] = dict.fromkeys(SPLITS, settings.input_size)
        sides["train"] = side_to_crop_from(settings.augmentation, settings.input_size, data.side)
        images = {
            split: fit_to_side(data.splits[split].images, sides[split], Path(name) / f"{split}.npy") for split in SPLITS
        }
        made = None
        if network.backbone is not None:
            made = backbone_features(network.backbone, images, settings, features, on_event, exporting)
        fetch = _of_pictures(images, settings) if made is None else _of_features(made)
        yield _feeds(fetch, data, settings, workers, made)


def _feeds(
    fetch: dict[SplitName, Fetch],
    data: TrainingData,
    settings: ModelSettings,
    workers: int,
    made: BackboneFeatures | None,
) -> Feeds:
    batches = {split: _batches(fetch[split], data, split, settings, workers) for split in SPLITS}
    return Feeds(batches, made.seconds if made else None, made)


def _of_pictures(images: dict[SplitName, Images], settings: ModelSettings) -> dict[SplitName, Fetch]:
    side_of = partial(side_of_epoch, stages_of(settings))
    train = augmented(images["train"], settings.augmentation, settings.seed, side_of)
    return {"train": train, "validation": plain(images["validation"]), "test": plain(images["test"])}


def _of_features(made: BackboneFeatures) -> dict[SplitName, Fetch]:
    return {"train": in_turns(made.views), "validation": plain(made.validation), "test": plain(made.test)}


def _batches(fetch: Fetch, data: TrainingData, split: SplitName, settings: ModelSettings, workers: int) -> Batches:
    labels, classes = data.splits[split].labels, len(data.classes)
    if split != "train":
        return Batches(fetch, labels, classes, settings.batch_size)
    return Batches(
        fetch, labels, classes, settings.batch_size, seed=settings.seed, cutmix=settings.cutmix, workers=workers
    )
