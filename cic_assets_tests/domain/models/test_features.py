"""What a frozen backbone makes of pictures, kept."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from upath import UPath

from cic_assets.domain.models import AcceleratorSettings, fit_to_side, load_model, train

from .conftest import COUNTS, MakeDataset
from .small_trainings import FAST_XCEPTION, spec_for

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


@pytest.mark.shared
def test_frozen_features_are_computed_once_and_stand_for_the_whole_model(
    make_dataset: MakeDataset, tmp_path: Path, shared_data: Path
) -> None:
    weights = str(shared_data / "weights" / "xception_imagenet_notop.weights.h5")
    dataset = make_dataset(side=80, counts=COUNTS)
    spec = spec_for(dataset, tmp_path / "model", FAST_XCEPTION, scratch=str(tmp_path / "scratch"), weights=weights)
    card = train(spec)
    (features,) = (tmp_path / "scratch" / "features").iterdir()
    names = ["test.npy", "train-0.npy", "train-1.npy", "validation.npy"]
    assert sorted(file.name for file in features.iterdir()) == names
    assert card.weights is not None
    assert card.measures.features_seconds is not None
    assert card.measures.features_seconds > 0

    # The whole model, from bytes, agrees with what was said from kept features in half precision.
    model, _ = load_model(UPath(tmp_path / "model"))
    answers = np.asarray(model(fit_to_side(np.load(dataset / "test.npy"), 71)))
    predictions = pd.read_parquet(tmp_path / "model" / "predictions.parquet").query("split == 'test'")
    assert_allclose(answers, predictions[["p_car", "p_tank"]], atol=0.02)

    # The second time nothing runs through the backbone.
    again = train(spec)
    assert again.measures.features_seconds == 0
    assert again.scores == card.scores


def test_training_views_go_through_the_backbone_with_16_bits_and_judged_pictures_with_32(
    make_dataset: MakeDataset, tmp_path: Path, no_weights: None
) -> None:
    dataset, kept = make_dataset(side=71), {}
    for sixteen_bits in (True, False):
        scratch = tmp_path / str(sixteen_bits)
        accelerator = AcceleratorSettings(mixed_precision=sixteen_bits)
        train(
            spec_for(
                dataset, tmp_path / "model", FAST_XCEPTION, accelerator=accelerator, scratch=str(scratch),
                allow_random_weights=True,
            )
        )  # fmt: skip
        (folder,) = (scratch / "features").iterdir()
        kept[sixteen_bits] = {file.stem: np.load(file).astype(np.float32) for file in folder.glob("*.npy")}
    for judged in ("validation", "test"):
        assert_array_equal(kept[True][judged], kept[False][judged])
    assert not np.array_equal(kept[True]["train-0"], kept[False]["train-0"])
    largest = np.abs(kept[False]["train-0"]).max()
    assert_allclose(kept[True]["train-0"], kept[False]["train-0"], atol=0.05 * largest)


def test_features_of_an_earlier_version_of_the_program_are_computed_again(
    make_dataset: MakeDataset, tmp_path: Path, no_weights: None
) -> None:
    given = {"scratch": str(tmp_path / "scratch"), "allow_random_weights": True}
    spec = spec_for(make_dataset(side=71), tmp_path / "model", FAST_XCEPTION, code_version="1", **given)
    train(spec)
    assert train(spec).measures.features_seconds == 0
    upgraded = train(spec.model_copy(update={"code_version": "2"}))
    assert upgraded.measures.features_seconds
