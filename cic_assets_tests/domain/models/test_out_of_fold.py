"""Networks that are trained once more a fold: what they know, and what a kill leaves."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from upath import UPath

from cic_assets.domain.models import (
    Card,
    Event,
    Message,
    ModelSettings,
    OnEvent,
    Progress,
    TrainingSpec,
    read_card,
    train,
)
from cic_assets.domain.models.data import SplitName, SplitPictures, TrainingData
from cic_assets.domain.models.folds import Division, JudgedInFolds, divide, folds_table

from .conftest import COUNTS, MakeDataset
from .small_trainings import FAST, spec_for, weights_of

if TYPE_CHECKING:  # Keras comes with them, for which every worker would wait
    from cic_assets.domain.models.features import BackboneFeatures
    from cic_assets.domain.models.out_of_fold import Recipe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("graphs_as_they_are"),
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

HEAD = ModelSettings(architecture="xception", epochs=12, head_epochs=12, learning_rate=0.02)
UNITS, EACH, WIDTH, FOLDS = 40, 5, 128, 3
IN_TWO = FAST.model_copy(update={"folds": 2})


def pictures_to_be_memorised(*, known_units: bool) -> tuple[TrainingData, "BackboneFeatures"]:
    """Units of pictures that are all but equal, their classes drawn: nothing but a look at its unit tells a picture's.

    Args:
        known_units: whether the manifest says what is in one unit.
    """
    from cic_assets.domain.models.features import BackboneFeatures

    random = np.random.default_rng(3)
    of_unit = random.permutation(np.arange(UNITS) % 2)
    split = np.array(["validation" if unit % 6 == 0 else "test" if unit % 6 == 1 else "train" for unit in range(UNITS)])
    unit = np.repeat(np.arange(UNITS), EACH)
    rows = pd.DataFrame({"unit_id": [f"u{one}" for one in unit], "label": of_unit[unit], "split": split[unit]})
    rows["sha256"] = [f"{i:04}" for i in random.permutation(len(rows))]
    rows["klass"] = rows["label"].map({0: "car", 1: "tank"})
    rows["row"] = rows.groupby("split").cumcount()
    features = (random.normal(size=(UNITS, WIDTH))[unit] + random.normal(size=(len(rows), WIDTH)) / 20).astype(
        np.float16
    )
    splits: dict[SplitName, SplitPictures] = {}
    parts = {}
    for name in ("train", "validation", "test"):
        is_in = (rows["split"] == name).to_numpy()
        labels = rows["label"].to_numpy()[is_in]
        splits[name] = SplitPictures(np.zeros((len(labels), 4, 4, 3), np.uint8), labels)
        parts[name] = features[is_in]
    manifest = rows if known_units else rows.drop(columns="unit_id")
    data = TrainingData(splits, ["car", "tank"], {0: 1.0, 1: 1.0}, "v", manifest)
    return data, BackboneFeatures([parts["train"]], parts["validation"], parts["test"], 0.0)


def answers_of(
    folder: Path, *, known_units: bool = True, on_event: OnEvent = lambda _: None
) -> tuple[JudgedInFolds, pd.DataFrame]:
    """Heads on such pictures, in folds."""
    from cic_assets.domain.models.out_of_fold import answer_in_folds

    recipe, divisions = recipe_of_heads(known_units=known_units)
    outputs = answer_in_folds(recipe, divisions, folder, "key", on_event)
    judged = JudgedInFolds(divisions, outputs)
    return judged, folds_table(recipe.data, judged)


def recipe_of_heads(*, known_units: bool) -> tuple["Recipe", list[Division]]:
    """Heads on such pictures, and the folds."""
    import keras

    from cic_assets.domain.models.networks import Classifier
    from cic_assets.domain.models.out_of_fold import Recipe

    data, features = pictures_to_be_memorised(known_units=known_units)
    pooled = keras.Input((WIDTH,))
    head = keras.Model(pooled, keras.layers.Dense(2, name="logits")(keras.layers.Dropout(0.2)(pooled)))
    network = Classifier(head, None, head)
    recipe = Recipe(
        settings=HEAD, data=data, network=network, features=features, weights=None, workers=1, jit=False, exporting=None
    )
    return recipe, divide(data, FOLDS, 0)


def accuracy_of(table: pd.DataFrame) -> float:
    return float((table["predicted"] == table["klass"]).mean())


def test_what_can_only_be_memorised_is_guessed_out_of_fold(tmp_path: Path) -> None:
    """Were one picture of its unit learned from, each would be known: as where nobody knows of units."""
    _, leaking = answers_of(tmp_path / "leaking", known_units=False)
    _, table = answers_of(tmp_path / "apart")
    assert accuracy_of(leaking) > 0.9
    assert abs(accuracy_of(table) - 0.5) < 2 * 0.5 / UNITS**0.5


def interrupt_at(text: str) -> OnEvent:
    def interrupt(event: Event) -> None:
        if isinstance(event, Message) and event.text.startswith(text):
            raise KeyboardInterrupt

    return interrupt


def test_folds_that_are_done_are_kept_and_the_rest_comes_out_as_it_would_have(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        answers_of(tmp_path / "killed", on_event=interrupt_at("fold 2 of 3"))
    assert sorted(file.name for file in (tmp_path / "killed").glob("*.npz")) == [f"fold-{i}.npz" for i in range(2)]
    events: list[Event] = []
    resumed, _ = answers_of(tmp_path / "killed", on_event=events.append)
    straight, _ = answers_of(tmp_path / "straight")
    for one, other in zip(resumed.outputs, straight.outputs, strict=True):
        assert_array_equal(one.test, other.test)
        assert_array_equal(one.validation, other.validation)
    told = [event.text.partition(":")[0] for event in events if isinstance(event, Message)]
    assert told == [f"fold {i} of 3" for i in range(1, 4)]


@pytest.fixture(scope="module")
def judged(
    make_shared_dataset: MakeDataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingSpec, Card, list[Event]]:
    """A net from scratch that is judged in two folds, as a person may set."""
    folder, events = tmp_path_factory.mktemp("judged"), list[Event]()
    dataset = make_shared_dataset(counts={"train": 40, "validation": 12, "test": 12})
    spec = spec_for(dataset, folder / "model", IN_TWO, scratch=str(folder / "scratch"))
    return spec, train(spec, events.append), events


def test_every_picture_is_judged_once(judged: tuple[TrainingSpec, Card, list[Event]]) -> None:
    spec, card, events = judged
    table = pd.read_parquet(Path(spec.output) / "folds.parquet")
    manifest = pd.read_parquet(Path(spec.dataset) / "manifest.parquet")
    assert sorted(table["sha256"]) == sorted(manifest["sha256"])
    assert table["fold"].value_counts().to_dict() == {0: 32, 1: 32}
    assert card.folds is not None
    assert card.folds.count == len(card.folds.calibrations) == 2
    assert (card.folds.scores.accuracy, card.folds.scores.count) == (accuracy_of(table), 64)
    assert read_card(UPath(spec.output)) == card
    assert not (Path(str(spec.scratch)) / "folds").exists()

    # The model's own history and costs are as if there had been no folds.
    assert [row["epoch"] for row in card.history] == [1, 2]
    assert card.folds.wall_seconds > 0
    told = [event.text for event in events if isinstance(event, Message)]
    assert sum(text.startswith("fold ") for text in told) == 2
    assert {event.stage for event in events if isinstance(event, Progress)} <= {"training", "folds"}


def test_the_model_itself_is_that_of_a_training_without_folds(
    judged: tuple[TrainingSpec, Card, list[Event]], tmp_path: Path
) -> None:
    spec, card, _ = judged
    plain = spec.model_copy(update={"settings": FAST, "output": str(tmp_path / "plain"), "scratch": None})
    alone = train(plain)
    for one, other in zip(weights_of(Path(spec.output)), weights_of(tmp_path / "plain"), strict=True):
        assert_array_equal(one, other)
    assert alone.folds is None
    assert alone.scores == card.scores
    assert not (tmp_path / "plain" / "folds.parquet").exists()
    assert alone.content_version != card.content_version
    assert alone.content_version == alone.sha256[:16]


def test_folds_of_a_model_of_before_go(judged: tuple[TrainingSpec, Card, list[Event]], tmp_path: Path) -> None:
    spec, _, _ = judged
    folder = Path(shutil.copytree(spec.output, tmp_path / "model"))
    train(spec.model_copy(update={"settings": FAST, "output": str(folder), "scratch": None}))
    assert not (folder / "folds.parquet").exists()
    assert read_card(UPath(folder)).folds is None


def test_a_training_that_was_stopped_in_its_folds_goes_on(
    judged: tuple[TrainingSpec, Card, list[Event]], tmp_path: Path
) -> None:
    spec, _, _ = judged
    again = spec.model_copy(update={"output": str(tmp_path / "model"), "scratch": str(tmp_path / "scratch")})
    with pytest.raises(KeyboardInterrupt):
        train(again, interrupt_at("fold 1 of 2"))
    assert not (tmp_path / "model" / "card.json").exists()
    epochs: list[Event] = []
    card = train(again, epochs.append)
    assert not [event for event in epochs if event.kind == "epoch"]  # of the model, whose checkpoint is whole
    assert (tmp_path / "model" / "folds.parquet").read_bytes() == (Path(spec.output) / "folds.parquet").read_bytes()
    assert card.folds is not None
    assert not (tmp_path / "scratch" / "folds").exists()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            lambda rows: rows.assign(unit_id=rows["klass"]),
            "judged by the test pictures alone, not in folds: a class has",
        ),
        (
            lambda rows: rows.assign(unit_id=rows["sha256"].where(rows["label"] > 0, rows["row"].astype(str).str[-1])),
            "",
        ),
    ],
    ids=["one unit", "enough units"],
)
def test_where_a_class_has_too_few_units_a_line_says_so(
    make_dataset: MakeDataset, tmp_path: Path, labels: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    dataset = make_dataset(counts=COUNTS)
    labels(pd.read_parquet(dataset / "manifest.parquet")).to_parquet(dataset / "manifest.parquet")
    events: list[Event] = []
    card = train(spec_for(dataset, tmp_path / "model", IN_TWO), events.append)
    told = [event.text for event in events if isinstance(event, Message) and "not in folds" in event.text]
    assert (card.folds is None) == bool(said)
    assert [text[: len(said)] for text in told] == ([said] if said else [])
