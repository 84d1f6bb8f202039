"""What a frozen backbone makes of pictures, kept."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from upath import UPath

from cic_assets.domain.models import AcceleratorSettings, TrainingSpec, fit_to_side, load_model, train

from .conftest import COUNTS, MakeDataset, without_weights
from .small_trainings import FAST_XCEPTION, spec_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("graphs_as_they_are"),
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


@pytest.fixture(scope="module")
def trained(make_shared_dataset: MakeDataset, tmp_path_factory: pytest.TempPathFactory) -> TrainingSpec:
    """What was trained with 32 bits, whose features are kept."""
    folder = tmp_path_factory.mktemp("trained")
    spec = spec_for(
        make_shared_dataset(side=71), folder / "model", FAST_XCEPTION.model_copy(update={"epochs": 1}),
        accelerator=AcceleratorSettings(mixed_precision=False), scratch=str(folder / "scratch"),
        allow_random_weights=True, code_version="1",
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        without_weights(patch, folder)
        train(spec)
    return spec


def features_of(spec: TrainingSpec) -> dict[str, np.ndarray]:
    (folder,) = (Path(str(spec.scratch)) / "features").iterdir()
    return {file.stem: np.load(file).astype(np.float32) for file in folder.glob("*.npy")}


def test_training_views_go_through_the_backbone_with_16_bits_and_judged_pictures_with_32(
    trained: TrainingSpec, tmp_path: Path, no_weights: None
) -> None:
    with_16 = trained.model_copy(
        update={
            "accelerator": AcceleratorSettings(mixed_precision=True),
            "output": str(tmp_path / "model"),
            "scratch": str(tmp_path / "scratch"),
        }
    )
    train(with_16)
    in_32, in_16 = features_of(trained), features_of(with_16)
    for judged in ("validation", "test"):
        assert_array_equal(in_16[judged], in_32[judged])
    assert not np.array_equal(in_16["train-0"], in_32["train-0"])
    largest = np.abs(in_32["train-0"]).max()
    assert_allclose(in_16["train-0"], in_32["train-0"], atol=0.05 * largest)


def test_features_of_an_earlier_version_of_the_program_are_computed_again(
    trained: TrainingSpec, tmp_path: Path, no_weights: None
) -> None:
    scratch = shutil.copytree(str(trained.scratch), tmp_path / "scratch")
    spec = trained.model_copy(update={"output": str(tmp_path / "model"), "scratch": str(scratch)})
    assert train(spec).measures.features_seconds == 0
    upgraded = train(spec.model_copy(update={"code_version": "2"}))
    assert upgraded.measures.features_seconds
