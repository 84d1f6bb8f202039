"""Trainings with several seeds: what they are judged on, what a kill leaves, and what the model itself owes to them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from upath import UPath

from cic_assets.domain.models import Card, Event, Message, Progress, TrainingSpec, read_card, train
from cic_assets.domain.models.folds import labels_of

from .conftest import MakeDataset
from .small_trainings import FAST, spec_for, weights_of
from .test_out_of_fold import FOLDS, interrupt_at, recipe_of_heads

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("graphs_as_they_are"),
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

THREE = FAST.model_copy(update={"seeds": 3, "seed": 7})


@pytest.fixture(scope="module")
def trained(
    make_shared_dataset: MakeDataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingSpec, Card, list[Event]]:
    """A net from scratch with three seeds, judged by its test pictures."""
    folder, events = tmp_path_factory.mktemp("seeds"), list[Event]()
    dataset = make_shared_dataset(counts={"train": 24, "validation": 12, "test": 40})
    spec = spec_for(dataset, folder / "model", THREE, scratch=str(folder / "scratch"))
    return spec, train(spec, events.append), events


def test_each_seed_is_a_training_of_its_own_on_the_same_pictures(
    trained: tuple[TrainingSpec, Card, list[Event]], tmp_path: Path
) -> None:
    """What the card says of a further seed is what a training with that seed says of itself."""
    spec, card, events = trained
    assert card.seeds is not None
    assert (card.seeds.seeds, card.seeds.where) == ([7, 8, 9], "test")
    assert card.seeds.scores[0] == card.scores["test"]
    tables = [pd.read_parquet(Path(spec.output) / "predictions.parquet")]
    for number, seed in enumerate((8, 9), 1):
        output = str(tmp_path / str(seed))
        settings = THREE.model_copy(update={"seed": seed, "seeds": 1})
        alone = train(spec.model_copy(update={"settings": settings, "output": output, "scratch": None}))
        assert alone.seeds is None
        assert card.seeds.scores[number].accuracy == alone.scores["test"].accuracy
        assert card.seeds.scores[number].loss == pytest.approx(alone.scores["test"].loss, rel=1e-6)
        tables.append(pd.read_parquet(Path(output) / "predictions.parquet"))
    answers = pd.concat([table[table["split"] == "test"].set_index("sha256")["predicted"] for table in tables], axis=1)
    assert card.seeds.changed == (answers.nunique(axis=1) > 1).sum() > 0

    assert card.seeds.wall_seconds > 0
    told = [event.text for event in events if isinstance(event, Message) and event.text.startswith("seed ")]
    assert [text.partition(",")[0] for text in told] == ["seed 2 of 3", "seed 3 of 3"]
    assert {event.stage for event in events if isinstance(event, Progress)} <= {"training", "seeds"}


def test_the_model_itself_is_that_of_a_training_with_one_seed(
    trained: tuple[TrainingSpec, Card, list[Event]], tmp_path: Path
) -> None:
    spec, card, _ = trained
    output = str(tmp_path / "plain")
    settings = THREE.model_copy(update={"seeds": 1})
    alone = train(spec.model_copy(update={"settings": settings, "output": output, "scratch": None}))
    for one, other in zip(weights_of(Path(spec.output)), weights_of(Path(output)), strict=True):
        assert_array_equal(one, other)
    assert (alone.scores, alone.folds) == (card.scores, card.folds)
    assert alone.content_version != card.content_version  # of which the report shows more
    assert [row["epoch"] for row in card.history] == [1, 2]
    assert read_card(UPath(spec.output)) == card
    assert not (Path(str(spec.scratch)) / "folds").exists()


def test_a_training_that_was_stopped_in_its_seeds_goes_on(
    trained: tuple[TrainingSpec, Card, list[Event]], tmp_path: Path
) -> None:
    spec, card, _ = trained
    again = spec.model_copy(update={"output": str(tmp_path / "model"), "scratch": str(tmp_path / "scratch")})
    with pytest.raises(KeyboardInterrupt):
        train(again, interrupt_at("seed 2 of 3"))
    assert not (tmp_path / "model" / "card.json").exists()
    assert (tmp_path / "scratch" / "folds" / "seeds" / "8" / "fold-0.npz").exists()
    resumed = train(again)
    assert resumed.seeds is not None
    assert card.seeds is not None
    seconds = {"wall_seconds", "cpu_seconds"}
    assert resumed.seeds.model_dump(exclude=seconds) == card.seeds.model_dump(exclude=seconds)
    assert not (tmp_path / "scratch" / "folds").exists()


def test_heads_on_known_features_are_judged_in_the_same_folds(tmp_path: Path) -> None:
    from cic_assets.domain.models.out_of_fold import answer_in_folds
    from cic_assets.domain.models.seeds import train_with_seeds

    recipe, divisions = recipe_of_heads(known_units=True)
    own = [one.test for one in answer_in_folds(recipe, divisions, tmp_path / "own", "key", lambda _: None)]
    events: list[Event] = []
    seeds = train_with_seeds(recipe, divisions, own, tmp_path / "seeds", "key", events.append)
    assert (seeds.seeds, seeds.where) == ([0, 1, 2], "folds")
    labels = labels_of(recipe.data)[np.concatenate([one.test for one in divisions])]
    assert seeds.scores[0].accuracy == (np.concatenate(own).argmax(axis=1) == labels).mean()
    assert {one.count for one in seeds.scores} == {len(labels)}
    assert len({one.loss for one in seeds.scores}) == 3
    done = [(event.done, event.total) for event in events if isinstance(event, Progress)]
    assert all(was <= total for was, total in done)
    assert len(list((tmp_path / "seeds").glob("*/fold-*.npz"))) == 2 * FOLDS
