"""Whether an exported model says what its Keras model says."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.errors import ExportError

TOLERANCE = 1e-4
"""Of a probability. Networks of ours differ by 3e-6 at most: the order in which 32-bit numbers are summed up."""

PIXELS_AT_ONCE = 299 * 299
"""Of the pictures that Keras is asked about together: of Xception's size one. Of smaller ones, each would take as long
again, for a call of Keras that is not compiled takes a millisecond a layer."""


class Exported(Protocol):
    """What a model was exported to, loaded."""

    def probabilities(self, pictures: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """Class probabilities (N, K) of pictures (N, side, side, 3)."""


def golden_pictures(side: int) -> NDArray[np.uint8]:
    """Pictures (6, side, side, 3) that every export is tried with: the extremes, slopes, edges, and noise."""
    rows, columns = np.mgrid[:side, :side]
    slope = columns * 255 // max(1, side - 1)
    board = (rows // 4 + columns // 4) % 2 * 255
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3))
    planes = [np.zeros_like(slope), np.full_like(slope, 255), slope, board]
    pictures = [np.stack([plane] * 3, axis=-1) for plane in planes]
    pictures += [np.stack([slope, slope.T, 255 - slope], axis=-1), noise]  # as grey ones, confused channels are right
    return np.stack(pictures).astype(np.uint8)


def check_parity(model: Any, exported: Exported, pictures: NDArray[np.uint8]) -> float:
    """The largest difference between probabilities of a keras.Model and of what it was exported to.

    Args:
        model: from bytes (N, side, side, 3) to probabilities.
        exported: the same, exported.
        pictures: to ask both about.

    Raises:
        ExportError: they differ by more than `TOLERANCE`, or one of them says nothing.
    """
    theirs = _asked(model, pictures)
    difference = float(np.abs(theirs - exported.probabilities(pictures)).max())
    if not difference <= TOLERANCE:  # also where it is not a number
        raise ExportError(
            f"the exported {model.name} differs from its Keras model by {difference:.2g} in a probability of "
            f"{len(pictures)} pictures, expected at most {TOLERANCE:g}: a fault of the export, which another training "
            "will not mend"
        )
    return difference


def largest_difference(
    model: Any, exported: Callable[[NDArray[np.uint8]], NDArray[np.float32]], pictures: NDArray[np.uint8]
) -> float:
    """The largest difference between maps of a keras.Model and of what it was exported to.

    As a share of the largest number that Keras says, whatever its sign; not a number where one of them is not.
    """
    theirs = _asked(model, pictures)
    return float(np.abs(theirs - exported(pictures)).max() / np.abs(theirs).max())


def _asked(model: Any, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Few at once: all that a large model computes on the way to its answers is in memory together."""
    import keras

    _, height, width, _ = pictures.shape
    count = max(1, PIXELS_AT_ONCE // (height * width))
    parts = (pictures[first : first + count] for first in range(0, len(pictures), count))
    return np.concatenate([np.asarray(keras.ops.convert_to_numpy(model(part, training=False))) for part in parts])
