"""What a frozen backbone makes of pictures, kept."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from upath import UPath

from cic_assets.domain.models import (
    AcceleratorSettings,
    Event,
    ExportError,
    Message,
    ModelSettings,
    TrainingSpec,
    fit_to_side,
    load_model,
    train,
)

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


@pytest.mark.long
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


@pytest.mark.long
def test_features_of_an_earlier_version_of_the_program_are_computed_again(
    trained: TrainingSpec, tmp_path: Path, no_weights: None
) -> None:
    scratch = shutil.copytree(str(trained.scratch), tmp_path / "scratch")
    spec = trained.model_copy(update={"output": str(tmp_path / "model"), "scratch": str(scratch)})
    assert train(spec).measures.features_seconds == 0
    upgraded = train(spec.model_copy(update={"code_version": "2"}))
    assert upgraded.measures.features_seconds


def test_where_the_head_alone_learns_pooled_features_stand_for_the_whole_model(trained: TrainingSpec) -> None:
    features = features_of(trained)
    assert {rows.shape[1:] for rows in features.values()} == {(2048,)}
    model, card = load_model(UPath(trained.output))
    assert card.measures.trainable_parameters == 2 * 2049
    answers = np.asarray(model(np.load(Path(trained.dataset) / "test.npy")))
    predictions = pd.read_parquet(Path(trained.output) / "predictions.parquet").query("split == 'test'")
    manifest = pd.read_parquet(Path(trained.dataset) / "manifest.parquet").query("split == 'test'").sort_values("row")
    rows = predictions.set_index("sha256").loc[manifest["sha256"], ["p_car", "p_tank"]]
    assert_allclose(answers, rows, atol=1e-3)


def test_pictures_that_are_not_varied_go_through_the_backbone_as_they_are(
    trained: TrainingSpec, make_shared_dataset: MakeDataset, tmp_path: Path, no_weights: None
) -> None:
    """One view of nothing but the defaults of `modern`: training, validation and test pictures alike."""
    dataset = make_shared_dataset(side=71, version="alike")
    for split in ("validation", "test"):
        np.save(dataset / f"{split}.npy", np.load(dataset / "train.npy")[: COUNTS[split]])
    settings = ModelSettings(architecture="xception", input_size=71, epochs=1, folds=0, seeds=1)
    spec = trained.model_copy(update={"dataset": str(dataset), "settings": settings})
    spec, _ = trained_again(spec, tmp_path)
    features = features_of(spec)
    assert sorted(features) == ["test", "train-0", "validation"]
    for split in ("validation", "test"):
        assert_array_equal(features[split], features["train-0"][: COUNTS[split]])


def trained_again(spec: TrainingSpec, folder: Path, **given: Any) -> tuple[TrainingSpec, list[Message]]:
    """The same training with an empty scratch, and what it said."""
    events: list[Event] = []
    update = {"output": str(folder / "model"), "scratch": str(folder / "scratch"), **given}
    train(again := spec.model_copy(update=update), events.append)
    return again, [event for event in events if isinstance(event, Message)]


def test_the_exported_backbone_and_keras_make_the_same_features(
    trained: TrainingSpec, tmp_path: Path, no_weights: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cic_assets.domain.models import backbones

    assert list((Path(str(trained.scratch)) / "backbone").rglob("backbone.onnx"))

    def fail(*_: object) -> None:
        raise ExportError("the layer odd (Odd) cannot be exported")

    monkeypatch.setattr(backbones, "exported_backbone", fail)
    by_keras, said = trained_again(trained, tmp_path)
    (warning,) = [message for message in said if "backbone" in message.text]
    assert warning.warning
    assert warning.text == "the frozen backbone runs on Keras, which is slower: the layer odd (Odd) cannot be exported"
    ours, theirs = features_of(trained), features_of(by_keras)
    assert ours.keys() == theirs.keys()
    for name, features in ours.items():
        # Half a unit in the last place of half precision at the largest, and what the runtimes differ by.
        assert_allclose(features, theirs[name], atol=1e-3 * np.abs(theirs[name]).max())
        assert (features == theirs[name]).mean() > 0.9


@pytest.mark.long
def test_features_are_the_same_on_any_number_of_threads(
    trained: TrainingSpec, tmp_path: Path, no_weights: None
) -> None:
    accelerator = AcceleratorSettings(mixed_precision=False, threads=3)
    by_three, said = trained_again(trained, tmp_path, accelerator=accelerator)
    assert [message.text for message in said if "frozen backbone runs exported, and differs" in message.text]
    ours, theirs = features_of(trained), features_of(by_three)
    for name, features in ours.items():
        assert_array_equal(features, theirs[name])


def test_where_nothing_can_be_kept_the_next_place_is_taken(tmp_path: Path) -> None:
    from cic_assets.domain.models.backbones import Exporting, runners
    from cic_assets.domain.models.networks import build_classifier

    (tmp_path / "file").write_bytes(b"no folder")
    backbone = build_classifier(FAST_XCEPTION, 2).backbone
    places = (tmp_path / "file" / "cache", tmp_path / "scratch")
    events: list[Event] = []
    training, judging = runners(backbone, Exporting("key", places), np.zeros((1, 71, 71, 3), np.uint8), events.append)
    assert training is judging
    assert list(places[1].rglob("backbone.onnx"))
    with pytest.raises(OSError, match="Not a directory"):
        runners(backbone, Exporting("key", places[:1]), np.zeros((1, 71, 71, 3), np.uint8), events.append)
