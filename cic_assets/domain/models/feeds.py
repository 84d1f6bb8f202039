"""What the trained part of a network is fed: pictures, or what a frozen backbone made of them.

Imported only for training.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras  # noqa: TID253 - this module is imported only for training

from cic_assets.domain.models.augmentation import side_to_crop_from
from cic_assets.domain.models.backbones import Exporting
from cic_assets.domain.models.batches import Batches, Fetch, Rows, Shuffle, anyhow, augmented, in_turns, plain
from cic_assets.domain.models.data import SPLITS, AnyImages, Labels, SplitName, TrainingData, fit_to_side
from cic_assets.domain.models.events import OnEvent
from cic_assets.domain.models.features import BackboneFeatures, Features, backbone_features, passed
from cic_assets.domain.models.networks import Classifier
from cic_assets.domain.models.settings import ModelSettings
from cic_assets.domain.models.stages import side_of_epoch, stages_of
from cic_assets.domain.models.stored_images import StoredImages, in_runs


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
        images: dict[SplitName, AnyImages] = {
            split: fit_to_side(data.splits[split].images, sides[split], Path(name) / f"{split}.npy") for split in SPLITS
        }
        made = None
        if network.backbone is not None:
            made = backbone_features(network.backbone, images, settings, features, on_event, exporting)
        fetch = _of_pictures(images, settings) if made is None else _of_features(made)
        # Features lie in arrays.
        shuffle = in_runs if made is None and isinstance(images["train"], StoredImages) else anyhow
        yield _feeds(fetch, data, settings, workers, made, shuffle)


def feeds_of_rows(
    features: Features, labels: Labels, rows: Mapping[SplitName, Rows], classes: int, settings: ModelSettings
) -> Feeds:
    """Batches of what a frozen backbone made of all pictures, divided by rows; nothing varies them.

    Args:
        features: (N, F), of all pictures.
        labels: (N,).
        rows: of each split.
        classes: how many there are.
        settings: batch size and seed.
    """
    batches = {
        split: _batches(_taken(features, of), labels[of], classes, split, settings) for split, of in rows.items()
    }
    return Feeds(batches, None, None)


def _taken(features: Features, rows: Rows) -> Fetch:
    return lambda places, _epoch: features[rows[places]]


def _feeds(
    fetch: dict[SplitName, Fetch],
    data: TrainingData,
    settings: ModelSettings,
    workers: int,
    made: BackboneFeatures | None,
    shuffle: Shuffle = anyhow,
) -> Feeds:
    classes = len(data.classes)
    batches = {
        split: _batches(fetch[split], data.splits[split].labels, classes, split, settings, workers, shuffle)
        for split in SPLITS
    }
    return Feeds(batches, made.seconds if made else None, made)


def _of_pictures(images: dict[SplitName, AnyImages], settings: ModelSettings) -> dict[SplitName, Fetch]:
    side_of = partial(side_of_epoch, stages_of(settings))
    train = augmented(images["train"], settings.augmentation, settings.seed, side_of)
    return {"train": train, "validation": plain(images["validation"]), "test": plain(images["test"])}


def _of_features(made: BackboneFeatures) -> dict[SplitName, Fetch]:
    return {"train": in_turns(made.views), "validation": plain(made.validation), "test": plain(made.test)}


def _batches(
    fetch: Fetch,
    labels: Labels,
    classes: int,
    split: SplitName,
    settings: ModelSettings,
    workers: int = 1,
    shuffle: Shuffle = anyhow,
) -> Batches:
    if split != "train":
        return Batches(fetch, labels, classes, settings.batch_size)
    return Batches(
        fetch, labels, classes, settings.batch_size, seed=settings.seed, cutmix=settings.cutmix, workers=workers,
        shuffle=shuffle,
    )  # fmt: skip
