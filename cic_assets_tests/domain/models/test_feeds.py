"""What the nets are fed."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from upath import UPath

from cic_assets.domain.models import AugmentationSettings
from cic_assets.domain.models.data import load_training_data

from .conftest import MakeDataset
from .small_trainings import FAST, SMALL_MODERN

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


def test_validation_and_test_are_never_varied(make_dataset: MakeDataset, tmp_path: Path) -> None:
    from cic_assets.domain.models.feeds import open_feeds
    from cic_assets.domain.models.networks import build_classifier

    dataset = load_training_data(UPath(make_dataset(side=32)))
    network = build_classifier(FAST, 2)
    with open_feeds(network, dataset, FAST, tmp_path, lambda _: None) as feeds:
        for split in ("validation", "test"):
            batches = feeds.batches[split]
            pictures = np.concatenate([batches[i][0] for i in range(len(batches))])
            assert_array_equal(pictures, dataset.splits[split].images)
        training = feeds.batches["train"]
        epochs = []
        for _ in range(2):
            labels = np.concatenate([training[i][1] for i in range(len(training))]).argmax(axis=1)
            pictures = np.concatenate([training[i][0] for i in range(len(training))])
            assert np.bincount(labels).tolist() == [12, 12]
            epochs.append(pictures)
            training.epoch += 1
        assert not np.array_equal(*epochs)


def test_crops_for_training_are_as_sharp_as_the_data_set(tmp_path: Path, make_dataset: MakeDataset) -> None:
    from cic_assets.domain.models.feeds import open_feeds
    from cic_assets.domain.models.networks import build_classifier

    folder = make_dataset(side=80)
    lines = np.zeros((24, 80, 80, 3), np.uint8)
    lines[:, :, ::2] = 255  # at half the size nothing but grey
    np.save(folder / "train.npy", lines)
    quarters = {"zoom": (0.25, 0.25), "rotation": 0}
    settings = SMALL_MODERN.model_copy(
        update={
            "cutmix": 0,
            "progressive_resizing": (1.0,),
            "augmentation": AugmentationSettings.model_validate(quarters),
        }
    )
    with open_feeds(
        build_classifier(settings, 2), load_training_data(UPath(folder)), settings, tmp_path, lambda _: None
    ) as feeds:
        inputs, _ = feeds.batches["train"][0]
    assert inputs.shape == (8, 40, 40, 3)
    assert inputs.std() > 50


def test_mixtures_are_of_the_training_alone_and_the_same_each_time(tmp_path: Path, make_dataset: MakeDataset) -> None:
    from cic_assets.domain.models.feeds import open_feeds
    from cic_assets.domain.models.networks import build_classifier

    dataset = load_training_data(UPath(make_dataset(side=40)))
    mixed, settings = [], SMALL_MODERN.model_copy(update={"cutmix": 1})
    for _ in range(2):
        with open_feeds(build_classifier(settings, 2), dataset, settings, tmp_path, lambda _: None) as feeds:
            inputs, targets = feeds.batches["train"][0]
            assert inputs.shape == (8, 32, 32, 3)  # the first stage's side
            assert ((targets > 0) & (targets < 1)).any()
            assert set(np.unique(feeds.batches["validation"][0][1])) == {0, 1}
            mixed.append(inputs)
    assert_array_equal(*mixed)
