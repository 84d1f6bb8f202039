"""Pillow's Lanczos resizing of grey pictures to small squares, at a quarter of its cost.

Pillow sums six times the reduction of pixels for each new one, in whole numbers and one after another. The same sums
are products of matrices: its weights are whole numbers of 22 bits, which single precision holds, and only the sums are
rounded otherwise, by another processor too. That makes 2 to 4 in 100,000 new pixels another by one level.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WEIGHT_BITS = 22
_TAPS = 3.0  # of the filter to either side, in new pixels
_AT_ONCE = 16  # new pixels of one product: more waste more zeros, fewer cost more calls
# Multiplications of one product: above 2^18 OpenBLAS divides it among threads, which takes twenty times as long.
_MOST_PER_PRODUCT = 2**18
_LEAST_REDUCTION = 2
_TALLEST = 1.4  # height over width: beyond, Pillow resizes the columns first, which rounds in another place
_KNOWN_SIZES = 1024  # 60 MB at most
_LARGEST_KNOWN = 1024  # pixels: beyond are few, and take up to 2 MB each

Plane = NDArray[np.float32]


class _Band(NamedTuple):
    """New pixels from `first` on: the old ones from `start` to `stop` times `weights` (stop - start, `_AT_ONCE`)."""

    first: int
    start: int
    stop: int
    weights: Plane


def lanczos_squares(
    grey: NDArray[np.uint8], width: float, height: float, sides: tuple[int, ...]
) -> list[NDArray[np.uint8]]:
    """As Pillow's `resize((side, side), LANCZOS, box=(0, 0, width, height))` for each of some sides.

    Args:
        grey: (rows, columns).
        width: how many of its columns count, the last in part.
        height: likewise of rows.
        sides: pixels of the squares' sides, multiples of 16.
    """
    if min(width, height) < _LEAST_REDUCTION * max(sides) or height > _TALLEST * width:
        image, box = Image.fromarray(grey), (0, 0, width, height)
        return [np.asarray(image.resize((side, side), Image.Resampling.LANCZOS, box=box)) for side in sides]
    rows = grey.astype(np.float32)
    return [_square(rows, width, height, side).astype(np.uint8) for side in sides]


def _square(rows: Plane, width: float, height: float, side: int) -> Plane:
    """Both axes, the horizontal first, as Pillow does; from (height, width) to (side, side)."""
    narrow = _shrunk(rows, width, side)
    return _shrunk(np.ascontiguousarray(narrow.T), height, side).T


def _shrunk(lines: Plane, length: float, side: int) -> Plane:
    """The second axis resized, rounded to levels."""
    shrunk = np.empty((len(lines), side), np.float32)
    bands = _bands if lines.shape[1] <= _LARGEST_KNOWN else _bands.__wrapped__
    for first, start, stop, weights in bands(lines.shape[1], length, side):
        old, new = lines[:, start:stop], shrunk[:, first : first + _AT_ONCE]
        at_once = max(1, _MOST_PER_PRODUCT // weights.size)
        for line in range(0, len(lines), at_once):
            np.matmul(old[line : line + at_once], weights, out=new[line : line + at_once])
    np.floor(shrunk + np.float32(0.5), out=shrunk)
    return np.clip(shrunk, 0, 255, out=shrunk)


@lru_cache(_KNOWN_SIZES)
def _bands(size: int, length: float, side: int) -> list[_Band]:
    """What `size` pixels, of which `length` count, are multiplied with to become `side`, as Pillow computes it."""
    scale = float(np.float32(length)) / side  # Pillow takes its box in single precision
    centres = (np.arange(side) + 0.5) * scale
    starts = np.maximum((centres - _TAPS * scale + 0.5).astype(np.int64), 0)
    stops = np.minimum((centres + _TAPS * scale + 0.5).astype(np.int64), size)
    pixels = starts[:, np.newaxis] + np.arange((stops - starts).max())
    weights = _filter((pixels - centres[:, np.newaxis] + 0.5) / scale) * (pixels < stops[:, np.newaxis])
    whole = np.rint(weights * (2**_WEIGHT_BITS / weights.sum(axis=1, keepdims=True)))
    dense = np.zeros((pixels.max() + 1, side), np.float32)
    dense[pixels, np.arange(side)[:, np.newaxis]] = whole / 2**_WEIGHT_BITS
    edges = zip(
        range(0, side, _AT_ONCE), starts[::_AT_ONCE].tolist(), stops[_AT_ONCE - 1 :: _AT_ONCE].tolist(), strict=True
    )
    return [
        _Band(first, start, stop, dense[start:stop, first : first + _AT_ONCE].copy()) for first, start, stop in edges
    ]


def _filter(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lanczos' window sinc(x) sinc(x / 3) at distances of at most three lobes, by sin(3 x) = 3 sin(x) - 4 sin(x)^3."""
    angle = (np.pi / _TAPS) * np.where(distance == 0, 1e-9, distance)  # so near, the window is 1 to the last bit
    sine = np.sin(angle)
    return np.asarray(sine**2 * (3 - 4 * sine**2) / (3 * angle**2))
