"""A training that was stopped goes on where it was."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from numpy.testing import assert_array_equal

from cic_assets.domain.models import (
    AcceleratorSettings,
    Card,
    EpochEnd,
    Event,
    ModelSettings,
    OnEvent,
    TrainingSpec,
    train,
)
from cic_assets_tests.fixtures.effort import short_or_long

from .conftest import MakeDataset
from .small_trainings import FAST, FAST_XCEPTION, SMALL, SMALL_MODERN, spec_for, weights_of

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


def kill_after_epoch(spec: TrainingSpec, folder: Path, epoch: int) -> None:
    """Train in a worker, and kill it the hard way when an epoch's checkpoint is on disk."""
    (folder / "spec.json").write_text(spec.model_dump_json())
    worker = subprocess.Popen(
        [sys.executable, "-m", "cic_assets.domain.models.worker", "train", str(folder / "spec.json")],
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
    # In the middle of a stage and at its end: average, schedule and side go on where they were.
    short_or_long(
        [(SMALL_MODERN, 1)],
        [(SMALL.model_copy(update={"epochs": 9, "patience": 9}), 2), (SMALL_MODERN, 1), (SMALL_MODERN, 3)],
    ),
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


@pytest.mark.long
@pytest.mark.usefixtures("graphs_as_they_are")
@pytest.mark.parametrize(("head_epochs", "interrupted_after"), short_or_long([(2, 2)], [(2, 2), (2, 3), (4, 2)]))
def test_a_transfer_goes_on_and_ends_where_it_would_have(
    make_dataset: MakeDataset, tmp_path: Path, no_weights: None, head_epochs: int, interrupted_after: int
) -> None:
    settings = FAST_XCEPTION.model_copy(update={"epochs": 4, "head_epochs": head_epochs})
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


@pytest.fixture(scope="module")
def stopped(make_shared_dataset: MakeDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training with 32 bits on `v1` left behind that was stopped after its first epoch."""
    folder = tmp_path_factory.mktemp("stopped")
    in_32 = AcceleratorSettings(mixed_precision=False)
    spec = spec_for(make_shared_dataset(), folder / "model", FAST, scratch=str(folder / "scratch"), accelerator=in_32)
    with pytest.raises(KeyboardInterrupt):
        train(spec, interrupt_after(1))
    assert (folder / "scratch" / "checkpoint" / "state.json").exists()
    return folder / "scratch"


@pytest.mark.parametrize(
    ("version", "settings", "sixteen_bits", "epochs"),
    [
        ("v1", FAST, False, [2]),
        ("v2", FAST, False, [1, 2]),
        ("v1", FAST.model_copy(update={"learning_rate": 1e-3}), False, [1, 2]),
        ("v1", FAST, True, [1, 2]),
    ],
    ids=["the same", "data", "settings", "precision"],
)
def test_a_checkpoint_is_taken_by_the_same_training_alone(
    make_dataset: MakeDataset,
    stopped: Path,
    tmp_path: Path,
    version: str,
    settings: ModelSettings,
    sixteen_bits: bool,
    epochs: list[int],
) -> None:
    scratch = shutil.copytree(stopped, tmp_path / "scratch")
    spec = spec_for(
        make_dataset(version=version),
        tmp_path / "model",
        settings,
        scratch=str(scratch),
        accelerator=AcceleratorSettings(mixed_precision=sixteen_bits),
    )
    events: list[Event] = []
    train(spec, events.append)
    assert [event.epoch for event in events if isinstance(event, EpochEnd)] == epochs
