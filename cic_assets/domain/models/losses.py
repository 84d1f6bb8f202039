"""What answers are worth, in plain numpy: softmax, the log-loss that it leads to, and right answers. No Keras."""

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.card import Scores

Floats = NDArray[np.floating]

KERAS_FLOOR = 1e-7
"""Below which Keras' cross-entropy takes a probability for this, so that a loss stays finite."""


def softmax(logits: Floats) -> NDArray[np.float64]:
    """Probabilities, rows that sum to 1, of logits (N, K); of large ones, too."""
    shifted = logits.astype(np.float64)
    exponentials = np.exp(shifted - shifted.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def log_loss(probabilities: Floats, labels: NDArray[np.integer], floor: float) -> float:
    """Mean of -ln of the probability given to the true class, in nats; NaN without rows.

    Args:
        probabilities: (N, K), rows that sum to 1.
        labels: (N,), of the true classes.
        floor: probabilities are clipped to floor and 1 - floor, so that one sure error is not infinitely bad.
    """
    if not len(labels):
        return float("nan")
    given = np.clip(probabilities[np.arange(len(labels)), labels], floor, 1 - floor)
    return float(-np.log(given).mean())


def scores(probabilities: Floats, labels: NDArray[np.integer]) -> Scores:
    """Cross-entropy and accuracy of probabilities (N, K) against labels (N,)."""
    right = probabilities.argmax(axis=1) == labels
    return Scores(loss=log_loss(probabilities, labels, KERAS_FLOOR), accuracy=float(right.mean()), count=len(labels))
