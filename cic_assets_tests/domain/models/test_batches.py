"""Batches."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from .small_trainings import SMALL_MODERN

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


def test_batches_differ_by_one_at_most() -> None:
    from cic_assets.domain.models.batches import Batches, plain

    batches = Batches(plain(np.arange(41)), np.arange(41), 41, 20, seed=0)
    sizes = [len(batches[i][1]) for i in range(len(batches))]
    assert sizes == [14, 14, 13]
    rows = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert sorted(rows) == list(range(41))
    for i in range(len(batches)):
        inputs, targets = batches[i]
        assert_array_equal(inputs, targets.argmax(axis=1))  # of the same rows


def test_threads_make_the_same_batches() -> None:
    """As a GPU is fed: Keras asks for them ahead of time, over the end of an epoch too."""
    import keras

    from cic_assets.domain.models.batches import Batches, augmented

    images = np.random.default_rng(0).integers(0, 256, (23, 40, 40, 3), dtype=np.uint8)
    fetch = augmented(images, SMALL_MODERN.augmentation, 0, lambda epoch: (32, 40, 40)[epoch])
    seen = []
    for workers in (1, 4):
        batches = Batches(fetch, np.arange(23) % 2, 2, 4, seed=0, cutmix=1, workers=workers)
        seen.append([])
        for batches.epoch in range(2):
            adapter = keras.src.trainers.data_adapters.py_dataset_adapter.PyDatasetAdapter(batches)
            adapter.on_epoch_begin()
            seen[-1] += [(np.array(x), np.array(y)) for x, y in adapter.get_numpy_iterator()]
            adapter.on_epoch_end()
    for one, four in zip(*seen, strict=True):
        assert_array_equal(one[0], four[0])
        assert_array_equal(one[1], four[1])
