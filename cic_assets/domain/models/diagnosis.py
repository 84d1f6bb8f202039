"""What a person should be told about a training that ended without an error."""

from collections.abc import Sequence

import numpy as np

from cic_assets.domain.models.checkpoints import best_of
from cic_assets.domain.models.data import Labels
from cic_assets.domain.models.events import EpochEnd
from cic_assets.domain.models.losses import KERAS_FLOOR, log_loss
from cic_assets.domain.models.settings import ModelSettings

OVERFIT_GAP = 0.15
"""Training accuracy this far above validation accuracy: more than chance explains on some hundred pictures."""
OVERFIT_LOSS = 1.5
"""Validation loss at the end, over its lowest: with accuracy unchanged, certainty about wrong answers has grown."""
OVERFIT_RISE = 0.02
"""By how much, in nats, it must have risen besides: half as much again of next to nothing is nothing."""
DIVERGED_LOSS = 1.25
"""Training loss at the end, over its lowest: more than pictures drawn anew make it rise."""


def diagnose(history: Sequence[EpochEnd], settings: ModelSettings, validation_labels: Labels) -> list[str]:
    """Warnings in plain words, none for a training as it should be.

    Args:
        history: all epochs.
        settings: of the training.
        validation_labels: (N,) labels of the validation split, to know what guessing would reach.
    """
    best = best_of(history, settings)
    shares = np.bincount(validation_labels) / len(validation_labels)
    majority = float(shares.max())
    guessing = log_loss(np.tile(shares, (len(validation_labels), 1)), validation_labels, KERAS_FLOOR)
    warnings = []
    if _diverges(history):
        warnings.append(
            f"diverges: the training loss rose from {min(epoch.loss for epoch in history):.3f} to "
            f"{history[-1].loss:.3f}: lower learning_rate (it is {settings.learning_rate:g})"
        )
    if best.val_accuracy <= majority and best.val_loss >= guessing:
        warnings.append(
            f"learned nothing: validation accuracy {best.val_accuracy:.1%} and loss {best.val_loss:.3f}; saying of "
            f"each picture how frequent the classes are gives {majority:.1%} and {guessing:.3f}: more pictures, more "
            "epochs or a lower learning_rate may help"
        )
    elif reason := _overfits(history, best):
        warnings.append(f"overfits: {reason}: more pictures or stronger augmentation help")
    return warnings


def _diverges(history: Sequence[EpochEnd]) -> bool:
    """Where validation is at its best in the end, pictures drawn anew or another part of the training made it rise."""
    last = history[-1]
    is_worse = last.val_accuracy < max(epoch.val_accuracy for epoch in history)
    return is_worse and last.loss > DIVERGED_LOSS * min(epoch.loss for epoch in history)


def _overfits(history: Sequence[EpochEnd], best: EpochEnd) -> str | None:
    """The reason to say so, by the epoch whose weights are kept: what came after it harms nobody."""
    if best.accuracy - best.val_accuracy > OVERFIT_GAP:
        return f"accuracy {best.accuracy:.1%} in training, {best.val_accuracy:.1%} in validation"
    lowest = min(epoch.val_loss for epoch in history)
    if best.val_loss > max(OVERFIT_LOSS * lowest, lowest + OVERFIT_RISE):
        return f"the validation loss rose from {lowest:.3f} to {best.val_loss:.3f} while training went on"
    return None
