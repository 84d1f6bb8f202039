"""The epochs: what is told of a batch that is compiled, and that a step is traced once."""

from pathlib import Path

import pytest

from cic_assets.domain.models import Event, ModelSettings, Progress, train
from cic_assets_tests.fixtures.effort import short_or_long

from .conftest import MakeDataset
from .small_trainings import FAST, SMALL_MODERN, spec_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("graphs_as_they_are"),
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


def test_the_batch_that_is_compiled_estimates_nothing(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cic_assets.domain.models import loop

    monkeypatch.setattr(loop, "PROGRESS_SECONDS", 0)
    events: list[Event] = []
    train(spec_for(make_dataset(), tmp_path / "model", FAST), events.append)
    told = [event.done for event in events if isinstance(event, Progress) and event.stage == "training"]
    assert told == [2, 3, 5, 6]  # of three batches an epoch, the first has nothing to compare with
    events.clear()
    at_once = FAST.model_copy(update={"batch_size": 24})
    train(spec_for(make_dataset(version="v2"), tmp_path / "model", at_once), events.append)
    assert [event.done for event in events if isinstance(event, Progress)] == [1, 2]


FAST_MODERN = SMALL_MODERN.model_copy(update={"progressive_resizing": (1.0,), "epochs": 2})


@pytest.mark.parametrize("settings", short_or_long([FAST_MODERN], [FAST, FAST_MODERN]))
def test_a_step_is_traced_once(
    make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: ModelSettings
) -> None:
    import keras

    traced: list[object] = []
    step = keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda model, data: (traced.append(model), step(model, data))[1])
    train(spec_for(make_dataset(), tmp_path / "model", settings))
    assert len(traced) == 1
