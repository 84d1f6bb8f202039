from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cic_assets.domain.models.checkpoints import Checkpoints, best_of, has_stopped_early
from cic_assets.domain.models.diagnosis import diagnose
from cic_assets.domain.models.events import EpochEnd
from cic_assets.domain.models.measures import Stopwatch
from cic_assets.domain.models.settings import ModelSettings

STOPS = ModelSettings(architecture="vgg", variant="original", patience=2)
STOPS_BY_LOSS = ModelSettings(architecture="vgg", patience=2)
GOES_ON = ModelSettings(architecture="vgg", patience=None)


def epochs(*figures: tuple[float, float], loss: float = 1) -> list[EpochEnd]:
    """By validation accuracy and loss; `loss` is that of training in the last one."""
    return [
        EpochEnd(
            epoch=i, epochs=9, loss=loss if i == len(figures) else 1, accuracy=0.9, val_loss=val_loss,
            val_accuracy=accuracy, learning_rate=1e-3, seconds=1, images_per_second=1, best=False,
        )
        for i, (accuracy, val_loss) in enumerate(figures, start=1)
    ]  # fmt: skip


def test_best_is_by_accuracy_then_loss_then_first() -> None:
    assert best_of(epochs((0.5, 1), (0.8, 2), (0.7, 0.1)), STOPS).epoch == 2
    assert best_of(epochs((0.8, 2), (0.8, 1), (0.8, 1)), STOPS).epoch == 2


def test_modern_goes_by_loss() -> None:
    assert best_of(epochs((0.5, 0.6), (0.8, 0.7), (0.7, 0.5)), STOPS_BY_LOSS).epoch == 3
    assert best_of(epochs((0.5, 0.6), (0.8, 0.6)), STOPS_BY_LOSS).epoch == 1
    at_one_class = epochs(*[(0.55, 0.7 - 0.02 * i) for i in range(1, 7)])
    assert not has_stopped_early(at_one_class, STOPS_BY_LOSS)  # it learns, though not enough for another answer yet
    assert has_stopped_early(at_one_class, STOPS)  # as the notebooks would
    assert has_stopped_early(epochs((0.5, 0.6), (0.8, 0.7), (0.9, 0.7)), STOPS_BY_LOSS)


def test_without_early_stopping_the_last_is_kept() -> None:
    assert best_of(epochs((0.5, 1), (0.8, 2), (0.7, 0.1)), GOES_ON).epoch == 3


def test_patience_counts_from_the_last_rise_in_accuracy() -> None:
    assert not has_stopped_early([], STOPS)
    assert not has_stopped_early(epochs((0.8, 1), (0.5, 1)), STOPS)
    assert not has_stopped_early(epochs((0.5, 1), (0.8, 1), (0.8, 0.5)), STOPS)
    falling = epochs((0.5, 1), (0.8, 1), (0.8, 0.5), (0.7, 1))
    assert has_stopped_early(falling, STOPS)
    assert not has_stopped_early(falling, GOES_ON)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (epochs((0.3, 2), (0.89, 1)), []),
        (epochs((0.3, 2), (0.7, 1)), ["overfits"]),
        (epochs((0.89, 0.5), (0.89, 1)), ["overfits"]),  # more and more certain of its mistakes
        (epochs((0.89, 0.001), (0.89, 0.0019)), []),  # of next to nothing
        (epochs((0.89, 0.001), (0.89, 0.03)), ["overfits"]),
        (epochs((0.3, 2), (0.5, 1)), ["learned nothing"]),
        (epochs((0.3, 2), (0.4, 1)), ["learned nothing"]),
        (epochs((0.3, 2), (0.5, 0.6)), ["overfits"]),  # it answers as a guess would, but knows more
        (epochs((0.3, 2), (0.89, 1), loss=1.2), []),
        (epochs((0.3, 2), (0.89, 1), loss=1.3), []),
        (epochs((0.89, 1), (0.85, 1), loss=1.3), ["diverges"]),
        (epochs((0.5, 1), (0.4, 1), loss=1.3), ["diverges", "learned nothing"]),
    ],
)
def test_diagnosis(history: list[EpochEnd], expected: list[str]) -> None:
    labels = np.array([0, 1] * 10)
    assert [text.split(":")[0] for text in diagnose(history, GOES_ON, labels)] == expected


def test_what_early_stopping_left_behind_is_no_overfitting() -> None:
    labels = np.array([0, 1] * 10)
    assert diagnose(epochs((0.89, 0.5), (0.85, 1)), STOPS, labels) == []


def test_a_training_that_goes_on_counts_the_seconds_of_before(tmp_path: Path) -> None:
    watch = Stopwatch()
    watch.add(wall=100, cpu=50)
    model = SimpleNamespace(variables=[], optimizer=SimpleNamespace(variables=[]))
    Checkpoints(tmp_path, "a key", watch).save(model, epochs((0.5, 1)), 1, [])
    for key, low, high in (("a key", (100, 50), (160, 110)), ("another", (0, 0), (60, 60))):
        again = Stopwatch()
        Checkpoints(tmp_path, key, again)
        assert low <= (again.wall, again.cpu) <= high
