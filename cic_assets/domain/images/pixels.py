"""Pixels: what every function of this folder that takes or gives a decoded picture means by it."""

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
"""Pixels of shape (height, width, 3), red first, 0 to 255, neither side nought."""


def require_rgb(rgb: Rgb) -> None:
    """Refuse what a caller mistook for pixels: floats, grey, alpha, nothing.

    Raises:
        ValueError: says what was found.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:  # noqa: PLR2004 - RGB
        raise ValueError(f"expected pixels of shape (height, width, 3) in uint8, got {rgb.shape} in {rgb.dtype}")


def upright(stored: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn and mirror pixels, (height, width) or (height, width, 3), as an EXIF orientation (1 to 8) says; a view."""
    if orientation >= 5:  # noqa: PLR2004 - EXIF: 5 to 8 lie on their side
        stored = stored.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        stored = stored[:, ::-1]
    if orientation in (3, 4, 7, 8):
        stored = stored[::-1]
    return stored
