"""Batches for Keras, from arrays on disk, the same on every backend and every run. Imported only for training."""

from collections.abc import Callable, Sequence
from typing import Any

import keras  # noqa: TID253 - this module is imported only for training
import numpy as np
from numpy.typing import NDArray

from cic_assets.models.augmentation import Draws, augment, draw
from cic_assets.models.data import Images, Labels
from cic_assets.models.settings import AugmentationSettings

Rows = NDArray[np.int64]
Fetch = Callable[[Rows, int], NDArray[Any]]
"""What gives the inputs of some rows, ascending, in an epoch (from 0)."""


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """Inputs and integer labels, shuffled anew each epoch by seed where a seed is given.

    Batches differ in size by one at most: a last batch of one picture would tell batch normalisation nothing.

    Attributes:
        epoch: which epoch it is in, from 0; Keras counts it on, a resumed training sets it.
    """

    def __init__(self, fetch: Fetch, labels: Labels, batch_size: int, *, seed: int | None = None) -> None:
        super().__init__()
        self.epoch = 0
        self._fetch = fetch
        self._labels = labels
        self._seed = seed
        self._count = -(-len(labels) // batch_size)
        self._order: tuple[int, list[Rows]] | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[NDArray[Any], Labels]:
        # Ascending rows: neighbours on disk are read together, and order within a batch does not matter.
        rows = np.sort(self._batches()[index])
        return self._fetch(rows, self.epoch), self._labels[rows]

    @property
    def count(self) -> int:
        """Pictures in an epoch."""
        return len(self._labels)

    def on_epoch_end(self) -> None:
        """Keras has had all batches of an epoch."""
        self.epoch += 1

    def _batches(self) -> list[Rows]:
        if self._order is None or self._order[0] != self.epoch:
            rows = np.arange(len(self._labels))
            if self._seed is not None:
                rows = np.random.default_rng([self._seed, self.epoch, 1]).permutation(rows)
            self._order = (self.epoch, np.array_split(rows, self._count))
        return self._order[1]


def plain(inputs: NDArray[Any]) -> Fetch:
    """Inputs as they are: for validation and test."""
    return lambda rows, _epoch: inputs[rows]


def augmented(images: Images, settings: AugmentationSettings, seed: int) -> Fetch:
    """Pictures varied anew each epoch: for training only."""
    drawn: dict[int, Draws] = {}

    def fetch(rows: Rows, epoch: int) -> Images:
        if epoch not in drawn:
            drawn.clear()
            drawn[epoch] = draw(settings, len(images), seed, epoch)
        return augment(images[rows], rows, drawn[epoch])

    return fetch


def in_turns(views: Sequence[NDArray[Any]]) -> Fetch:
    """Epochs take turns at views that were computed once, each (N, …)."""
    return lambda rows, epoch: views[epoch % len(views)][rows]
