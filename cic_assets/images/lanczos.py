"""Pillow's Lanczos resizing of grey pictures to small squares, to the bit, at a third of its cost.

Pillow sums six times the reduction of pixels for each new one, in whole numbers and one after another. The same sums
are products of matrices. They are exact in float64, as Pillow's weights are whole numbers of 22 bits and pixels of 8.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WEIGHT_BITS = 22
_TAPS = 3.0  # of the filter to either side, in new pixels
_AT_ONCE = 2  # new pixels of one product: more waste more zeros, and are put on several threads, which costs more
_LEAST_REDUCTION = 2
_TALLEST = 1.4  # height over width: beyond, Pillow resizes the columns first, which rounds in another place
_KNOWN_SIZES = 256


class _Product(NamedTuple):
    """New pixels from `first` on: `weights` (`_AT_ONCE`, stop - start) times the old pixels from `start` to `stop`."""

    first: int
    start: int
    stop: int
    weights: NDArray[np.float64]


def lanczos_squares(
    grey: NDArray[np.uint8], width: float, height: float, sides: tuple[int, ...]
) -> list[NDArray[np.uint8]]:
    """As Pillow's `resize((side, side), LANCZOS, box=(0, 0, width, height))` for each of some sides.

    Args:
        grey: (rows, columns).
        width: how many of its columns count, the last in part.
        height: likewise of rows.
        sides: pixels of the squares' sides, even.
    """
    if min(width, height) < _LEAST_REDUCTION * max(sides) or height > _TALLEST * width:
        image, box = Image.fromarray(grey), (0, 0, width, height)
        return [np.asarray(image.resize((side, side), Image.Resampling.LANCZOS, box=box)) for side in sides]
    columns = grey.T.astype(np.float64)
    return [_square(columns, width, height, side).astype(np.uint8) for side in sides]


def _square(columns: NDArray[np.float64], width: float, height: float, side: int) -> NDArray[np.float64]:
    """Both axes, the horizontal first, as Pillow does; from (width, height) to (side, side) with rows first."""
    narrow = _shrunk(columns, width, side)
    return _shrunk(np.ascontiguousarray(narrow.T), height, side)


def _shrunk(lines: NDArray[np.float64], length: float, side: int) -> NDArray[np.float64]:
    """The first axis resized, rounded to levels."""
    shrunk = np.empty((side, lines.shape[1]))
    for product in _products(len(lines), length, side):
        np.matmul(product.weights, lines[product.start : product.stop], out=shrunk[product.first :][:_AT_ONCE])
    shrunk += 1 << (_WEIGHT_BITS - 1)
    shrunk /= 1 << _WEIGHT_BITS
    return np.clip(np.floor(shrunk), 0, 255)


@lru_cache(_KNOWN_SIZES)
def _products(size: int, length: float, side: int) -> list[_Product]:
    """What `size` pixels, of which `length` count, are multiplied with to become `side`, as Pillow computes it."""
    scale = float(np.float32(length)) / side  # Pillow takes its box in single precision
    centres = (np.arange(side) + 0.5) * scale
    starts = np.maximum((centres - _TAPS * scale + 0.5).astype(np.int64), 0)
    stops = np.minimum((centres + _TAPS * scale + 0.5).astype(np.int64), size)
    first_starts = np.repeat(starts[::_AT_ONCE], _AT_ONCE)  # of all that are made at once
    pixels = first_starts[:, np.newaxis] + np.arange((stops - first_starts).max())
    counts = (pixels >= starts[:, np.newaxis]) & (pixels < stops[:, np.newaxis])
    weights = _filter((pixels - centres[:, np.newaxis] + 0.5) / scale) * counts
    weights *= (1 << _WEIGHT_BITS) / weights.sum(axis=1, keepdims=True)
    whole = np.trunc(weights + np.copysign(0.5, weights))
    lengths = np.minimum(first_starts + whole.shape[1], size) - first_starts
    return [
        _Product(first, int(start), int(start + length), whole[first : first + _AT_ONCE, :length])
        for first, start, length in zip(range(0, side, _AT_ONCE), starts[::_AT_ONCE], lengths[::_AT_ONCE], strict=True)
    ]


def _filter(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lanczos' window sinc(x) sinc(x / 3) at distances of at most three lobes, by sin(3 x) = 3 sin(x) - 4 sin(x)^3."""
    angle = (np.pi / _TAPS) * np.where(distance == 0, 1e-9, distance)  # so near, the window is 1 to the last bit
    sine = np.sin(angle)
    return np.asarray(sine**2 * (3 - 4 * sine**2) / (3 * angle**2))
