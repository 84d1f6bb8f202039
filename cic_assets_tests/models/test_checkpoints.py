import numpy as np
import pytest

from cic_assets.models.checkpoints import best_of, epochs_without_gain
from cic_assets.models.diagnosis import diagnose
from cic_assets.models.events import EpochEnd


def epochs(*figures: tuple[float, float]) -> list[EpochEnd]:
    return [
        EpochEnd(
            epoch=i, epochs=9, loss=1, accuracy=0.9, val_loss=loss, val_accuracy=accuracy, learning_rate=1e-3,
            seconds=1, images_per_second=1, best=False,
        )
        for i, (accuracy, loss) in enumerate(figures, start=1)
    ]  # fmt: skip


def test_best_is_by_accuracy_then_loss_then_first() -> None:
    assert best_of(epochs((0.5, 1), (0.8, 2), (0.7, 0.1))).epoch == 2
    assert best_of(epochs((0.8, 2), (0.8, 1), (0.8, 1))).epoch == 2


def test_patience_counts_from_the_last_rise_in_accuracy() -> None:
    assert epochs_without_gain(epochs((0.5, 1))) == 0
    assert epochs_without_gain(epochs((0.5, 1), (0.8, 1), (0.8, 0.5), (0.7, 1))) == 2


@pytest.mark.parametrize(
    ("accuracy", "expected"), [(0.89, []), (0.7, ["overfits"]), (0.5, ["learned nothing"]), (0.4, ["learned nothing"])]
)
def test_diagnosis(accuracy: float, expected: list[str]) -> None:
    labels = np.array([0, 1] * 10)
    assert [text.split(":")[0] for text in diagnose(epochs((0.3, 2), (accuracy, 1)), labels)] == expected
