"""Training a model's networks once more a fold, each on what is outside of it. Imported only for training."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from cic_assets.domain.models.backbones import Exporting
from cic_assets.domain.models.checkpoints import Checkpoints
from cic_assets.domain.models.data import SPLITS, AnyImages, Images, SplitPictures, TrainingData
from cic_assets.domain.models.events import EpochEnd, Event, Message, OnEvent, Progress
from cic_assets.domain.models.features import BackboneFeatures, Features
from cic_assets.domain.models.feeds import Feeds, feeds_of_rows, open_feeds
from cic_assets.domain.models.folds import Division, FoldOutputs, KeptFolds, labels_of
from cic_assets.domain.models.loop import Start, ask, fit
from cic_assets.domain.models.measures import Stopwatch
from cic_assets.domain.models.networks import Classifier, build_classifier
from cic_assets.domain.models.settings import ModelSettings
from cic_assets.domain.models.stored_images import StoredImages
from cic_assets.domain.models.weight_files import Arrays
from cic_assets.storage import create_array


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the model itself was trained, and each fold's network is.

    Attributes:
        network: of which folds take a fresh head, where nothing else learns; else one is built anew.
        features: what a frozen backbone made of all pictures, where that is the same in every network.
        weights: pretrained ones.
        workers, jit, exporting: as the model itself was trained.
    """

    settings: ModelSettings
    data: TrainingData
    network: Classifier
    features: BackboneFeatures | None
    weights: Arrays | None
    workers: int
    jit: bool | Literal["auto"]
    exporting: Exporting | None


def answer_in_folds(
    recipe: Recipe, divisions: Sequence[Division], folder: Path, key: str, on_event: OnEvent
) -> list[FoldOutputs]:
    """Have each fold answered for by a network that was trained without it.

    Args:
        recipe: how.
        divisions: the folds.
        folder: for what is done, and for the state of what is not.
        key: differs where something else would come out.
        on_event: takes progress over all folds, and a message a fold.
    """
    kept, labels, heads = KeptFolds(folder, key), labels_of(recipe.data), _Heads(recipe)
    answers = []
    for number, division in enumerate(divisions):
        given = kept.read(number)
        if given is None:
            watch = Stopwatch()
            checkpoints = Checkpoints(folder / "checkpoint", f"{key}-{number}", watch)
            tell = _over_all(number, len(divisions), on_event)
            opened = (
                heads.open(division) if heads else _fold(recipe, division, folder / "data", f"{key}-{number}", tell)
            )
            with opened as (network, feeds, start):
                fit(
                    network, recipe.settings, feeds, recipe.data.class_weights, jit=recipe.jit, checkpoints=checkpoints,
                    on_event=tell, start=start,
                )  # fmt: skip
                validation, test = ask(network, feeds.batches["validation"]), ask(network, feeds.batches["test"])
            given = FoldOutputs(validation, test, watch.wall, watch.cpu)
            kept.write(number, given)
            checkpoints.clear()
        right = int((given.test.argmax(axis=1) == labels[division.test]).sum())
        on_event(Message(text=f"fold {number + 1} of {len(divisions)}: {right:,} of {len(division.test):,} right"))
        answers.append(given)
    return answers


class _Heads:
    """Heads on features that are the same in every network; none where there are no such features.

    Folds with as many batches share one head, which each begins anew: their steps are the same.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._features = None if recipe.features is None else _joined(recipe.features)
        self._labels = labels_of(recipe.data)
        self._of_steps: dict[int, tuple[Classifier, Start]] = {}

    def __bool__(self) -> bool:
        return self._features is not None

    @contextmanager
    def open(self, division: Division) -> Iterator[tuple[Classifier, Feeds, Start]]:
        """A head that has learned nothing, and the pictures of a fold."""
        assert self._features is not None
        settings, classes = self._recipe.settings, len(self._recipe.data.classes)
        feeds = feeds_of_rows(self._features, self._labels, division.rows, classes, settings)
        steps = len(feeds.batches["train"])
        if steps not in self._of_steps:
            self._of_steps[steps] = self._recipe.network.afresh(settings.seed), Start()
        network, start = self._of_steps[steps]
        yield network, feeds, start


@contextmanager
def _fold(
    recipe: Recipe, division: Division, folder: Path, name: str, on_event: OnEvent
) -> Iterator[tuple[Classifier, Feeds, None]]:
    """A network that has learned nothing yet, and the pictures of a fold."""
    network = build_classifier(recipe.settings, len(recipe.data.classes), recipe.weights)
    divided = _divided(recipe.data, division, folder)
    with open_feeds(
        network, divided, recipe.settings, folder / "features" / name, on_event, workers=recipe.workers,
        exporting=recipe.exporting,
    ) as feeds:  # fmt: skip
        yield network, feeds, None


def _joined(features: BackboneFeatures) -> Features:
    """Of all pictures, in the order of the rows; training pictures have one view, for nothing varies them."""
    return np.concatenate([features.views[0], features.validation, features.test])


def _divided(data: TrainingData, division: Division, folder: Path) -> TrainingData:
    """The data set with other splits; their pictures are copied into a folder, over those of the fold before."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = labels_of(data)
    splits = {
        split: SplitPictures(_copied(data, rows, folder / f"{split}.npy"), labels[rows])
        for split, rows in division.rows.items()
    }
    return replace(data, splits=splits)


def _copied(data: TrainingData, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]", file: Path) -> AnyImages:
    """Rows are ascending, so that each split's are read one after the other. What is read as needed, is not copied."""
    stored = [images for split in SPLITS if isinstance(images := data.splits[split].images, StoredImages)]
    if stored:
        return StoredImages.joined(stored).of_rows(rows)
    copies: Images = create_array(file, (len(rows), data.side, data.side, 3), np.uint8)
    start = 0
    for split in SPLITS:
        end = start + len(data.splits[split])
        of_split = np.flatnonzero((rows >= start) & (rows < end))
        for place in of_split:
            copies[place] = data.splits[split].images[rows[place] - start]
        start = end
    return copies


def _over_all(number: int, count: int, on_event: OnEvent) -> Callable[[Event], None]:
    """Tells how far all folds are; the epochs of one are nobody's history."""

    def tell(event: Event) -> None:
        if isinstance(event, Progress) and event.stage == "training":
            on_event(event.within("folds", number, count))
        elif not isinstance(event, EpochEnd):
            on_event(event)

    return tell
