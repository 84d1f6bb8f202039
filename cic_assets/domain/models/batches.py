"""Batches for Keras, from arrays on disk, the same on every backend and every run. Imported only for training."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import keras  # noqa: TID253 - this module is imported only for training
import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.augmentation import augment, cutmix, draw
from cic_assets.domain.models.data import AnyImages, Labels
from cic_assets.domain.models.settings import AugmentationSettings

Rows = NDArray[np.int64]
Fetch = Callable[[Rows, int], NDArray[Any]]
"""What gives the inputs of some rows, ascending, in an epoch (from 0)."""

Shuffle = Callable[[int, np.random.Generator], Rows]
"""What gives so many rows in the order of an epoch."""


def anyhow(count: int, random: np.random.Generator) -> Rows:
    """All orders are equally likely."""
    return random.permutation(np.arange(count))


Targets = NDArray[np.float32]
"""(B, K): the share of each class in a picture; a 1 where it is of one class."""


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """Inputs and targets, shuffled anew each epoch by seed where a seed is given.

    Batches differ in size by one at most: a last batch of one picture would tell batch normalisation nothing.

    Attributes:
        of: makes batches of the same pictures in the same order from another fetch.
        epoch: which epoch it is in, from 0; to be set before each. Keras' own count, `on_epoch_end`, is also called
            where a call of `fit` begins.
    """

    def __init__(
        self,
        fetch: Fetch,
        labels: Labels,
        classes: int,
        batch_size: int,
        *,
        seed: int | None = None,
        cutmix: float = 0.0,
        workers: int = 1,
        shuffle: Shuffle = anyhow,
    ) -> None:
        """Take where inputs come from.

        Args:
            fetch: gives the inputs.
            labels: (N,) integers.
            classes: K.
            batch_size: at most.
            seed: of order and mixtures; None keeps the order and mixes nothing.
            cutmix: share of the batches that `augmentation.cutmix` mixes.
            workers: threads that make batches while others are trained on; one where training needs the cores itself.
            shuffle: by which order is drawn.
        """
        super().__init__(workers=workers)
        self.epoch = 0
        self.of = partial(
            Batches, labels=labels, classes=classes, batch_size=batch_size, seed=seed, cutmix=cutmix, workers=workers,
            shuffle=shuffle,
        )  # fmt: skip
        self._fetch = fetch
        self._targets = np.eye(classes, dtype=np.float32)[labels]
        self._seed = seed
        self._shuffle = shuffle
        self._cutmix = cutmix
        self._count = -(-len(labels) // batch_size)
        self._rows = lru_cache(maxsize=1)(self._rows_of_epoch)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[NDArray[Any], Targets]:
        # Ascending rows: neighbours on disk are read together, and order within a batch does not matter.
        rows = np.sort(self._rows(self.epoch)[index])
        inputs, targets = self._fetch(rows, self.epoch), self._targets[rows]
        if self._seed is not None and self._cutmix:
            random = np.random.default_rng([self._seed, self.epoch, 2, index])
            if random.random() < self._cutmix:
                return cutmix(inputs, targets, random)
        return inputs, targets

    @property
    def count(self) -> int:
        """Pictures in an epoch."""
        return len(self._targets)

    def _rows_of_epoch(self, epoch: int) -> list[Rows]:
        rows = np.arange(self.count)
        if self._seed is not None:
            rows = self._shuffle(self.count, np.random.default_rng([self._seed, epoch, 1]))
        return np.array_split(rows, self._count)


def plain(inputs: NDArray[Any] | AnyImages) -> Fetch:
    """Inputs as they are: for validation and test."""
    return lambda rows, _epoch: inputs[rows]


def augmented(images: AnyImages, settings: AugmentationSettings, seed: int, side_of: Callable[[int], int]) -> Fetch:
    """Pictures varied anew each epoch, at the side of that epoch: for training only."""
    drawn = lru_cache(maxsize=1)(lambda epoch: draw(settings, len(images), seed, epoch))
    return lambda rows, epoch: augment(images[rows], rows, drawn(epoch), side_of(epoch))


def in_turns(views: Sequence[NDArray[Any]]) -> Fetch:
    """Epochs take turns at views that were computed once, each (N, …)."""
    return lambda rows, epoch: views[epoch % len(views)][rows]
