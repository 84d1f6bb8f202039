"""What a training lowers. Imported only for training."""

from collections.abc import Mapping

import keras  # noqa: TID253 - this module is imported only for training
import numpy as np
from keras import ops  # noqa: TID253

from cic_assets.domain.models.losses import Floats


class WeightedCrossentropy(keras.losses.Loss):  # type: ignore[misc]  # keras has no types
    """Cross-entropy of (B, K) logits in which each part of a target has the weight of its class.

    A picture of two classes counts as its parts would. A net that learns by weights says what would be so if classes
    were as frequent as they weigh; the logits here are those of the pictures as they come, and `shifts_of` is what
    lies in between (M. Saerens et al., "Adjusting the outputs of a classifier to new a priori probabilities", 2002).
    """

    def __init__(self, weights: Mapping[int, float], label_smoothing: float) -> None:
        """Take the factor of each label, and the share of each label that is spread over all classes."""
        super().__init__(name="weighted_crossentropy")
        self._weights = _in_order(weights)
        self._shifts = shifts_of(weights)
        self._smoothing = label_smoothing

    def call(self, targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        """The loss of each picture, (B,)."""
        parts = targets * ops.cast(self._weights, logits.dtype)
        total = ops.sum(parts, axis=-1, keepdims=True)
        smoothed = (1 - self._smoothing) * parts + self._smoothing * total / len(self._weights)
        weighted = ops.log_softmax(logits - ops.cast(self._shifts, logits.dtype), axis=-1)
        return -ops.sum(smoothed * weighted, axis=-1)


def shifts_of(weights: Mapping[int, float]) -> Floats:
    """(K,) by how much the logits of pictures as they come are above those of pictures that count by their weights.

    Nothing where a class has weight 0: how frequent it is cannot be learned then.
    """
    factors = _in_order(weights)
    return -np.log(factors) if factors.all() else np.zeros_like(factors)


def _in_order(weights: Mapping[int, float]) -> Floats:
    return np.array([weights[label] for label in range(len(weights))], np.float32)
