"""Whole trainings on pictures that are easy to tell apart."""

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from upath import UPath

from cic_assets.models import (
    AcceleratorSettings,
    AcceleratorUnavailableError,
    AugmentationSettings,
    Card,
    CardMismatchError,
    EpochEnd,
    Event,
    Finished,
    Message,
    ModelSettings,
    Progress,
    TrainingDivergedError,
    TrainingSpec,
    WeightsUnavailableError,
    load_model,
    read_card,
    train,
    train_in_process,
)
from cic_assets.models.data import load_training_data

from .conftest import COUNTS, MakeDataset

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

SMALL = ModelSettings(
    architecture="vgg", width=0.06, input_size=32, epochs=8, batch_size=8, learning_rate=3e-3,
    # Which side the square stands on is the class here.
    augmentation=AugmentationSettings(flip=False),
)  # fmt: skip


def spec_for(dataset: Path, output: Path, settings: ModelSettings = SMALL, **given: Any) -> TrainingSpec:
    return TrainingSpec(name="small", settings=settings, dataset=str(dataset), output=str(output), **given)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> ModelSettings:
    return SMALL.model_copy(update={"epochs": 2})


def weights_of(folder: Path) -> list[np.ndarray]:
    return list(load_model(UPath(folder))[0].get_weights())


@pytest.fixture
def trained(make_dataset: MakeDataset, tmp_path: Path) -> tuple[Path, Path, Card, list[Event]]:
    """A model of three classes, trained in a process of its own: data set, folder, card, events."""
    dataset, output, events = (
        make_dataset(3, counts={"train": 90, "validation": 30, "test": 30}),
        tmp_path / "model",
        [],
    )
    card = train_in_process(spec_for(dataset, output), events.append)
    return dataset, output, card, events


def test_a_training_from_data_to_model(trained: tuple[Path, Path, Card, list[Event]]) -> None:
    dataset, output, card, events = trained
    assert sorted(file.name for file in output.iterdir()) == ["card.json", "model.keras", "predictions.parquet"]
    assert read_card(UPath(output)) == card

    # It learned what there is to learn.
    assert card.scores["test"].accuracy > 0.9
    assert card.history[-1]["loss"] < card.history[0]["loss"]

    # Events came in order, with figures that agree with the card.
    assert isinstance(events[-1], Finished)
    epochs = [event for event in events if isinstance(event, EpochEnd)]
    assert [epoch.epoch for epoch in epochs] == list(range(1, card.epochs + 1))
    assert [epoch.model_dump(exclude={"kind"}) for epoch in epochs] == card.history
    assert any(isinstance(event, Message) and "training on cpu" in event.text for event in events)
    for progress in (event for event in events if isinstance(event, Progress)):
        assert 0 < progress.done <= progress.total
        assert progress.rate > 0

    # The saved model, asked again, says what its predictions say.
    model, _ = load_model(UPath(output))
    predictions = pd.read_parquet(output / "predictions.parquet")
    assert predictions["split"].value_counts().to_dict() == {"validation": 30, "test": 30}
    manifest = pd.read_parquet(dataset / "manifest.parquet").set_index("sha256")
    for split, rows in predictions.groupby("split"):
        from cic_assets.models import fit_to_side

        pictures = np.load(dataset / f"{split}.npy")[manifest.loc[rows["sha256"], "row"]]
        answers = np.asarray(model(fit_to_side(pictures, card.preprocessing.input_size)))
        assert_allclose(answers, rows[["p_car", "p_tank", "p_bus"]], atol=1e-5)
        assert_array_equal(np.array(card.labels)[answers.argmax(axis=1)], rows["predicted"])
        right = (rows["predicted"] == rows["klass"]).mean()
        assert card.scores[str(split)].accuracy == pytest.approx(right)
    assert_array_equal(manifest.loc[predictions["sha256"], "klass"], predictions["klass"])

    # The model is without optimizer, and its costs are measured.
    with zipfile.ZipFile(output / "model.keras") as archive:
        assert not json.loads(archive.read("config.json"))["compile_config"]
        assert b"optimizer" not in archive.read("model.weights.h5")
    measures = card.measures
    assert measures.disk_bytes == (output / "model.keras").stat().st_size
    assert measures.peak_rss_bytes > 200e6
    assert 0 < measures.train_seconds < measures.wall_seconds
    assert measures.cpu_seconds > 0
    assert measures.peak_gpu_bytes is None
    assert not card.random_weights


def test_a_model_that_is_not_its_cards_is_refused(trained: tuple[Path, Path, Card, list[Event]]) -> None:
    _, output, _, _ = trained
    with (output / "model.keras").open("ab") as file:
        file.write(b"x")
    with pytest.raises(CardMismatchError, match=r"is not the model that card\.json describes"):
        load_model(UPath(output))
    (output / "card.json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(CardMismatchError, match=r"card\.json: settings"):
        read_card(UPath(output))
    (output / "card.json").unlink()
    with pytest.raises(FileNotFoundError, match="train the model first"):
        load_model(UPath(output))


def test_seeds_make_two_trainings_equal(make_dataset: MakeDataset, tmp_path: Path, fast: ModelSettings) -> None:
    dataset = make_dataset()
    cards = [train(spec_for(dataset, tmp_path / name, fast)) for name in ("one", "two")]
    other = fast.model_copy(update={"seed": 1})
    train(spec_for(dataset, tmp_path / "three", other))
    for first, second in zip(weights_of(tmp_path / "one"), weights_of(tmp_path / "two"), strict=True):
        assert_array_equal(first, second)
    assert cards[0].scores == cards[1].scores
    assert not np.array_equal(weights_of(tmp_path / "one")[0], weights_of(tmp_path / "three")[0])


def kill_after_epoch(spec: TrainingSpec, folder: Path, epoch: int) -> None:
    """Train in a worker, and kill it the hard way when an epoch's checkpoint is on disk."""
    (folder / "spec.json").write_text(spec.model_dump_json())
    worker = subprocess.Popen(
        [sys.executable, "-m", "cic_assets.models.worker", str(folder / "spec.json")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert worker.stdout is not None
    assert worker.stdin is not None
    for line in worker.stdout:
        event = json.loads(line)
        if event["kind"] == "epoch" and event["epoch"] == epoch + 1:  # the one before it is kept
            worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdin.close()
    worker.stdout.close()
    assert worker.returncode == -signal.SIGKILL


def test_a_killed_training_goes_on_and_ends_where_it_would_have(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset, settings = make_dataset(), SMALL.model_copy(update={"epochs": 9, "patience": 9})
    spec = spec_for(dataset, tmp_path / "killed", settings, scratch=str(tmp_path / "scratch"))
    kill_after_epoch(spec, tmp_path, 2)
    assert not (tmp_path / "killed" / "card.json").exists()
    events: list[Event] = []
    resumed = train(spec, events.append)
    again = [event.epoch for event in events if isinstance(event, EpochEnd)]
    assert again[0] > 1
    assert again[-1] == 9
    straight = train(spec_for(dataset, tmp_path / "straight", settings))
    for first, second in zip(weights_of(tmp_path / "killed"), weights_of(tmp_path / "straight"), strict=True):
        assert_array_equal(first, second)
    figures = ("epoch", "loss", "val_loss", "val_accuracy")
    for one, other in zip(resumed.history, straight.history, strict=True):
        assert [one[name] for name in figures] == [other[name] for name in figures]
    assert not list((tmp_path / "scratch" / "checkpoint").iterdir())


def test_a_checkpoint_of_other_settings_or_data_is_not_taken(
    make_dataset: MakeDataset, tmp_path: Path, fast: ModelSettings
) -> None:
    scratch = str(tmp_path / "scratch")

    def interrupt(event: Event) -> None:
        if isinstance(event, EpochEnd) and event.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(spec_for(make_dataset(), tmp_path / "model", fast, scratch=scratch), interrupt)
    assert (tmp_path / "scratch" / "checkpoint" / "state.json").exists()
    card = train(spec_for(make_dataset(version="v2"), tmp_path / "model", fast, scratch=scratch))
    assert [row["epoch"] for row in card.history] == [1, 2]


def test_a_loss_that_is_no_number_stops_with_what_to_do(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset = make_dataset()
    about = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(about | {"class_weights": {"car": 1e38, "tank": 1e38}}))
    with pytest.raises(
        TrainingDivergedError, match=r"the loss is (nan|inf) in epoch 1, batch \d+: lower learning_rate"
    ):
        train(spec_for(dataset, tmp_path / "model"))
    assert not (tmp_path / "model").exists()


def test_class_weights_count(make_dataset: MakeDataset, tmp_path: Path, fast: ModelSettings) -> None:
    """A class of weight zero is not learned: everything is called the other one."""
    dataset = make_dataset()
    about = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(about | {"class_weights": {"car": 0.0, "tank": 2.0}}))
    train(spec_for(dataset, tmp_path / "model", fast))
    assert set(pd.read_parquet(tmp_path / "model" / "predictions.parquet")["predicted"]) == {"tank"}


def test_early_stopping_gives_the_best_weights_back(make_dataset: MakeDataset, tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"epochs": 40, "patience": 1})
    card = train(spec_for(make_dataset(), tmp_path / "model", settings))
    assert card.stopped_early
    assert card.epochs < 40
    best = max(card.history, key=lambda row: (row["val_accuracy"], -row["val_loss"]))
    assert card.best_epoch == best["epoch"]
    assert card.scores["validation"].accuracy == pytest.approx(best["val_accuracy"])
    assert card.scores["validation"].loss == pytest.approx(best["val_loss"], rel=1e-4)
    assert [row["epoch"] for row in card.history if row["best"]][-1] == card.best_epoch


def test_validation_and_test_are_never_varied(make_dataset: MakeDataset, tmp_path: Path, fast: ModelSettings) -> None:
    from cic_assets.models.feeds import open_feeds
    from cic_assets.models.networks import build_network

    dataset = load_training_data(UPath(make_dataset(side=32)))
    network = build_network(fast, 2)
    with open_feeds(network, dataset, fast, tmp_path, lambda _: None) as feeds:
        for split in ("validation", "test"):
            batches = feeds.batches[split]
            pictures = np.concatenate([batches[i][0] for i in range(len(batches))])
            assert_array_equal(pictures, dataset.splits[split].images)
        training = feeds.batches["train"]
        epochs = []
        for _ in range(2):
            labels = np.concatenate([training[i][1] for i in range(len(training))])
            pictures = np.concatenate([training[i][0] for i in range(len(training))])
            assert np.bincount(labels).tolist() == [12, 12]
            epochs.append(pictures)
            training.on_epoch_end()
        assert not np.array_equal(*epochs)


def test_batches_differ_by_one_at_most() -> None:
    from cic_assets.models.batches import Batches, plain

    batches = Batches(plain(np.arange(41)), np.arange(41), 20, seed=0)
    sizes = [len(batches[i][1]) for i in range(len(batches))]
    assert sizes == [14, 14, 13]
    rows = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert sorted(rows) == list(range(41))
    for i in range(len(batches)):
        assert_array_equal(*batches[i])  # inputs and labels of the same rows


# Xception.

FAST_XCEPTION = ModelSettings(architecture="xception", width=0.02, input_size=71, epochs=2, views=2, batch_size=8)


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from cic_assets.models import weights

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(weights.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setattr(weights, "KERAS_URL", "http://127.0.0.1:9/weights.h5")
    monkeypatch.setattr(weights, "_pip", lambda _: ["false"])


def test_random_weights_only_where_allowed_and_the_card_says_so(
    make_dataset: MakeDataset, tmp_path: Path, no_weights: None
) -> None:
    spec = spec_for(make_dataset(side=71), tmp_path / "model", FAST_XCEPTION, scratch=str(tmp_path / "scratch"))
    with pytest.raises(WeightsUnavailableError, match="no ImageNet weights"):
        train(spec)
    allowed = spec.model_copy(update={"allow_random_weights": True})
    with pytest.raises(WeightsUnavailableError, match="no such file"):
        train(allowed.model_copy(update={"weights": str(tmp_path / "absent.h5")}))
    events: list[Event] = []
    card = train(allowed, events.append)
    assert card.random_weights
    assert card.weights is None
    assert any(isinstance(event, Message) and event.warning and "RANDOM WEIGHTS" in event.text for event in events)


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
    from cic_assets.models import fit_to_side

    answers = np.asarray(model(fit_to_side(np.load(dataset / "test.npy"), 71)))
    predictions = pd.read_parquet(tmp_path / "model" / "predictions.parquet").query("split == 'test'")
    assert_allclose(answers, predictions[["p_car", "p_tank"]], atol=0.02)

    # The second time nothing runs through the trunk.
    again = train(spec)
    assert again.measures.features_seconds == 0
    assert again.scores == card.scores


def test_a_gpu_that_is_required_and_absent_is_an_error_at_once(make_dataset: MakeDataset, tmp_path: Path) -> None:
    import keras

    if keras.distribution.list_devices("gpu"):
        pytest.skip("there is a GPU here")
    for accelerator in (AcceleratorSettings(device="gpu"), AcceleratorSettings(require=True)):
        with pytest.raises(AcceleratorUnavailableError, match="a GPU is required"):
            train(spec_for(make_dataset(version=accelerator.device), tmp_path / "model", accelerator=accelerator))
