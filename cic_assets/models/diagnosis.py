"""What a person should be told about a training that ended without an error."""

from collections.abc import Sequence

import numpy as np

from cic_assets.models.checkpoints import best_of
from cic_assets.models.data import Labels
from cic_assets.models.events import EpochEnd

OVERFIT_GAP = 0.15
"""Training accuracy this far above validation accuracy: more than chance explains on some hundred pictures."""


def diagnose(history: Sequence[EpochEnd], validation_labels: Labels) -> list[str]:
    """Warnings in plain words, none for a training as it should be.

    Args:
        history: all epochs.
        validation_labels: (N,) labels of the validation split, to know what guessing would reach.
    """
    best = best_of(history)
    majority = float(np.bincount(validation_labels).max() / len(validation_labels))
    warnings = []
    if best.val_accuracy <= majority:
        warnings.append(
            f"learned nothing: validation accuracy {best.val_accuracy:.1%}, always naming the most frequent class "
            f"gives {majority:.1%}: more pictures, more epochs or a lower learning_rate may help"
        )
    elif best.accuracy - best.val_accuracy > OVERFIT_GAP:
        warnings.append(
            f"overfits: accuracy {best.accuracy:.1%} in training, {best.val_accuracy:.1%} in validation: "
            "more pictures or stronger augmentation help"
        )
    return warnings
