import numpy as np
import pytest

from cic_assets.domain.models.checkpoints import best_of, has_stopped_early
from cic_assets.domain.models.diagnosis import diagnose
from cic_assets.domain.models.events import EpochEnd
from cic_assets.domain.models.settings import ModelSettings

STOPS = ModelSettings(architecture="vgg", patience=2)
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
        (epochs((0.3, 2), (0.5, 1)), ["learned nothing"]),
        (epochs((0.3, 2), (0.4, 1)), ["learned nothing"]),
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
