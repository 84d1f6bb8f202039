"""Whole trainings on pictures that are easy to tell apart."""

import itertools
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from upath import UPath

from cic_assets.domain.models import (
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
    WeightsUnavailableError,
    fit_to_side,
    load_embeddings,
    load_exported,
    load_model,
    load_training_data,
    read_card,
    train,
    train_in_process,
)
from cic_assets.domain.models.embed import embed
from cic_assets.domain.models.export import golden_pictures
from cic_assets_tests.fixtures.effort import short_or_long

from .conftest import MakeDataset
from .small_trainings import FAST, FAST_XCEPTION, SMALL, SMALL_MODERN, SMALL_PEETZ_NET, spec_for, weights_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("graphs_as_they_are"),
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


ONE_STAGE = {"progressive_resizing": (1.0,)}
"""Where stages are not the point: the nets of each have to be traced, which is most of what a training here takes."""


@pytest.fixture(scope="module")
def trained(
    make_shared_dataset: MakeDataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, Card, list[Event]]:
    """A model of three classes, trained in a process of its own: data set, folder, card, events."""
    dataset = make_shared_dataset(3, counts={"train": 90, "validation": 30, "test": 30})
    output, events = tmp_path_factory.mktemp("trained") / "model", list[Event]()
    card = train_in_process(spec_for(dataset, output), events.append)
    return dataset, output, card, events


def test_a_training_from_data_to_model(trained: tuple[Path, Path, Card, list[Event]]) -> None:
    dataset, output, card, events = trained
    files = [
        "card.json", "embeddings.npz", "model.keras", "model.onnx", "model.onnx.data", "pictures.parquet",
        "predictions.parquet",
    ]  # fmt: skip
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

    # Who asks it must do to a picture what was done to these.
    assert (card.preprocessing.side, card.preprocessing.jpeg_quality) == (36, 90)

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


def test_the_exported_model_says_what_the_trained_one_says(trained: tuple[Path, Path, Card, list[Event]]) -> None:
    dataset, output, card, _ = trained
    model, _ = load_model(UPath(output))
    loaded = load_exported(UPath(output))
    assert loaded is not None
    exported, described = loaded
    assert described == card
    assert json.loads(exported.metadata["labels"]) == card.labels
    pictures = fit_to_side(np.load(dataset / "test.npy"), card.preprocessing.input_size)
    answers = exported.probabilities(pictures)
    assert answers.std() > 0.1
    assert_allclose(answers, np.asarray(model(pictures)), atol=1e-5)
    assert card.export is not None
    assert card.export.pictures == 6 + 10
    assert 0 < card.export.largest_difference < 1e-5


def test_it_keeps_what_its_pictures_are_to_it_and_sets_its_reject_rule_by_others(
    trained: tuple[Path, Path, Card, list[Event]],
) -> None:
    dataset, output, card, _ = trained
    embeddings = load_embeddings(UPath(output), card)
    loaded = load_exported(UPath(output))
    assert embeddings is not None
    assert loaded is not None
    assert card.reject is not None
    assert (card.reject.references, card.reject.of, card.reject.pictures, card.reject.units) == (90, 90, 30, 30)
    assert [len(embeddings.names(split)) for split in range(3)] == [90, 30, 30]
    manifest = pd.read_parquet(dataset / "manifest.parquet").set_index("sha256")
    images = np.load(dataset / "train.npy")
    for name in embeddings.names(0)[::10]:
        picture = fit_to_side(images[[manifest.loc[name, "row"]]], 32)
        found = embeddings.nearest(loaded[0].probabilities_and_embeddings(picture)[1][0])
        assert found is not None
        assert embeddings.name(int(found.rows[0])) == name
    within = [found.mean <= (card.reject.threshold or 0) for found in embeddings.of_split(1)]
    assert sum(within) >= 29


def test_what_a_frozen_backbone_gave_a_training_is_what_the_exported_model_says(
    make_dataset: MakeDataset, tmp_path: Path, no_weights: None
) -> None:
    """So it need not be asked a second time."""
    settings = FAST_XCEPTION.model_copy(
        update={
            "head_epochs": 2,
            "views": 1,
            "augmentation": AugmentationSettings(rotation=0, brightness=(1, 1), flip=False),
        }
    )
    dataset = make_dataset(side=71)
    card = train(spec_for(dataset, tmp_path / "out", settings, allow_random_weights=True))
    kept = load_embeddings(UPath(tmp_path / "out"), card)
    asked, rule = embed(card.sha256, load_training_data(UPath(dataset)), tmp_path / "out" / "model.onnx", 71)
    assert kept is not None
    assert card.reject is not None
    assert kept.names(0) == asked.names(0)
    # What is frozen has learned from no training picture either, which so sets the rule with the others.
    assert (card.reject.pictures, rule.pictures) == (36, 12)
    assert card.reject.threshold is not None
    assert rule.threshold is None
    for ours, theirs in zip(kept.of_split(1), asked.of_split(1), strict=True):
        assert_allclose(ours.mean, theirs.mean, rtol=0.02, atol=1e-4)


@pytest.mark.parametrize("file", ["model.onnx", "model.onnx.data"])
def test_an_exported_model_that_is_not_its_cards_is_refused(
    trained: tuple[Path, Path, Card, list[Event]], tmp_path: Path, file: str
) -> None:
    output = shutil.copytree(trained[1], tmp_path / "model")
    with (output / file).open("r+b") as opened:
        opened.seek(-1, 2)
        last = opened.read(1)
        opened.seek(-1, 2)
        opened.write(bytes([last[0] ^ 1]))
    with pytest.raises(CardMismatchError, match=rf"{file} is not the model that card\.json describes"):
        load_exported(UPath(output))
    (output / file).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{file} is missing"):
        load_exported(UPath(output))


def test_a_model_from_before_there_were_exports_has_none(
    trained: tuple[Path, Path, Card, list[Event]], tmp_path: Path
) -> None:
    output = shutil.copytree(trained[1], tmp_path / "model")
    card = json.loads((output / "card.json").read_text())
    del card["export"]
    (output / "card.json").write_text(json.dumps(card))
    assert load_exported(UPath(output)) is None
    assert load_model(UPath(output))[1].export is None


def test_a_remote_model_is_loaded_too(trained: tuple[Path, Path, Card, list[Event]]) -> None:
    _, output, card, _ = trained
    remote = UPath("memory://models/small")
    for file in output.iterdir():
        (remote / file.name).parent.mkdir(parents=True, exist_ok=True)
        (remote / file.name).write_bytes(file.read_bytes())
    loaded = load_exported(remote)
    assert loaded is not None
    pictures = golden_pictures(card.preprocessing.input_size)
    expected = np.asarray(load_model(remote)[0](pictures))
    assert_allclose(loaded[0].probabilities(pictures), expected, atol=1e-5)


def test_a_model_that_is_not_its_cards_is_refused(
    trained: tuple[Path, Path, Card, list[Event]], tmp_path: Path
) -> None:
    output = shutil.copytree(trained[1], tmp_path / "model")
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


@pytest.mark.parametrize(
    ("settings", "sixteen_bits"),
    short_or_long(
        [(SMALL, False), (SMALL_PEETZ_NET.model_copy(update=ONE_STAGE), True)],
        list(itertools.product([SMALL, SMALL_PEETZ_NET], [False, True])),
    ),
)
def test_trained_with_16_bits_saved_and_judged_with_32(
    make_dataset: MakeDataset, tmp_path: Path, settings: ModelSettings, sixteen_bits: bool
) -> None:
    dataset, accelerator = make_dataset(), AcceleratorSettings(mixed_precision=sixteen_bits)
    card = train(spec_for(dataset, tmp_path, settings, accelerator=accelerator))
    assert card.precision == ("bfloat16" if sixteen_bits else "float32")
    assert card.scores["test"].accuracy > 0.9
    model, _ = load_model(UPath(tmp_path))
    assert {layer.compute_dtype for layer in model.layers[1:]} == {"float32"}  # the first holds bytes
    predictions = pd.read_parquet(tmp_path / "predictions.parquet")
    rows = predictions[predictions["split"] == "test"].set_index("sha256")
    manifest = pd.read_parquet(dataset / "manifest.parquet").set_index("sha256").loc[rows.index]
    pictures = fit_to_side(np.load(dataset / "test.npy")[manifest["row"]], settings.input_size)
    assert_allclose(np.asarray(model(pictures)), rows[["p_car", "p_tank"]], atol=1e-5)


@pytest.mark.parametrize("settings", short_or_long([SMALL], [SMALL, SMALL_MODERN]))
def test_seeds_make_two_trainings_equal(make_dataset: MakeDataset, tmp_path: Path, settings: ModelSettings) -> None:
    dataset, short = make_dataset(), settings.model_copy(update={"epochs": 2})
    cards = [train(spec_for(dataset, tmp_path / name, short)) for name in ("one", "two")]
    other = short.model_copy(update={"seed": 1})
    train(spec_for(dataset, tmp_path / "three", other))
    for first, second in zip(weights_of(tmp_path / "one"), weights_of(tmp_path / "two"), strict=True):
        assert_array_equal(first, second)
    assert cards[0].scores == cards[1].scores
    assert not np.array_equal(weights_of(tmp_path / "one")[0], weights_of(tmp_path / "three")[0])


def test_block_14_waits_for_the_head(make_dataset: MakeDataset, tmp_path: Path, no_weights: None) -> None:
    settings = FAST_XCEPTION.model_copy(update={"epochs": 2, "head_epochs": 2})
    dataset = make_dataset(side=71)
    kernels = []
    for name, head_epochs in (("head", 2), ("both", 1)):
        given = settings.model_copy(update={"head_epochs": head_epochs, "fine_tuning_rate": 1e-3})
        train(spec_for(dataset, tmp_path / name, given, allow_random_weights=True))
        model = load_model(UPath(tmp_path / name))[0]
        kernels.append([np.asarray(model.get_layer(f"block14_sepconv{i}").pointwise_kernel) for i in (1, 2)])
    from cic_assets.domain.models.networks import build_classifier

    drawn = [
        np.asarray(build_classifier(settings, 2).model.get_layer(f"block14_sepconv{i}").pointwise_kernel)
        for i in (1, 2)
    ]
    for before, head, both in zip(drawn, *kernels, strict=True):
        assert_array_equal(head, before)
        assert not np.array_equal(both, before)


@pytest.mark.parametrize("settings", short_or_long([SMALL_MODERN], [SMALL_MODERN, SMALL_PEETZ_NET]))
def test_a_modern_training_learns_and_judges_the_average(
    make_dataset: MakeDataset, tmp_path: Path, settings: ModelSettings
) -> None:
    dataset = make_dataset(3, side=48, counts={"train": 120, "validation": 30, "test": 30})
    settings = settings.model_copy(update={"epochs": 16, "progressive_resizing": (0.8,)})
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


def test_a_loss_that_is_no_number_stops_with_what_to_do(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset = make_dataset()
    about = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(about | {"class_weights": {"car": 1e38, "tank": 1e38}}))
    with pytest.raises(
        TrainingDivergedError, match=r"the loss is (nan|inf) in epoch 1, batch \d+: lower learning_rate"
    ):
        train(spec_for(dataset, tmp_path / "model"))
    assert not (tmp_path / "model").exists()


def test_class_weights_count(make_dataset: MakeDataset, tmp_path: Path) -> None:
    """A class of weight zero is not learned: everything is called the other one."""
    dataset = make_dataset()
    about = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(about | {"class_weights": {"car": 0.0, "tank": 2.0}}))
    train(spec_for(dataset, tmp_path / "model", FAST))
    assert set(pd.read_parquet(tmp_path / "model" / "predictions.parquet")["predicted"]) == {"tank"}


def test_of_pictures_that_tell_nothing_it_says_how_frequent_classes_are(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    dataset = make_dataset(counts={"train": 80, "validation": 40, "test": 40}, rare=5)
    card = train(spec_for(dataset, tmp_path / "model", FAST))
    predictions = pd.read_parquet(tmp_path / "model" / "predictions.parquet")
    assert predictions["p_tank"].mean() == pytest.approx(0.2, abs=0.1)
    assert card.scores["validation"].loss == pytest.approx(0.5, abs=0.1)  # the entropy of 1 in 5


def test_early_stopping_gives_the_best_weights_back(make_dataset: MakeDataset, tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"epochs": 40, "patience": 1, "label_smoothing": 0.1})
    same_as_judged = AcceleratorSettings(mixed_precision=False)
    card = train(spec_for(make_dataset(), tmp_path / "model", settings, accelerator=same_as_judged))
    assert card.stopped_early
    assert card.epochs < 40
    best = max(card.history, key=lambda row: (row["val_accuracy"], -row["val_loss"]))
    assert card.best_epoch == best["epoch"]
    assert card.scores["validation"].accuracy == pytest.approx(best["val_accuracy"])
    assert card.scores["validation"].loss == pytest.approx(best["val_loss"], rel=1e-4)
    assert [row["epoch"] for row in card.history if row["best"]][-1] == card.best_epoch


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


def test_a_gpu_that_is_required_and_absent_is_an_error_at_once(make_dataset: MakeDataset, tmp_path: Path) -> None:
    import keras

    if keras.distribution.list_devices("gpu"):
        pytest.skip("there is a GPU here")
    for accelerator in (AcceleratorSettings(device="gpu"), AcceleratorSettings(require=True)):
        with pytest.raises(AcceleratorUnavailableError, match="a GPU is required"):
            train(spec_for(make_dataset(version=accelerator.device), tmp_path / "model", accelerator=accelerator))
