"""Pictures as they are trained on and asked about: shortest side to N, then the centre (AlexNet, 2012, section 2)."""

import cv2
import numpy as np

from cic_assets.images.decode import Rgb, decode_stored, reduction_for, upright
from cic_assets.images.header import read_header

REDUCTION_MARGIN = 1.0
"""A reduced decode has to leave this many times the wanted side."""
_MAX_ASPECT = 4


def resize_and_crop(rgb: Rgb, side: int) -> Rgb:
    """Shortest side to `side`, then the centre square.

    Down by areas (each new pixel is the mean of what it covers, so nothing aliases), up by cubic interpolation.

    Args:
        rgb: (height, width, 3), uint8, any size from 1 x 1.
        side: pixels of the square, from 1.

    Returns:
        (side, side, 3), uint8, C-contiguous.

    Raises:
        ValueError: not such an array, or a side under 1.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:  # noqa: PLR2004
        raise ValueError(f"expected pixels of shape (height, width, 3) in uint8, got {rgb.shape} in {rgb.dtype}")
    height, width = rgb.shape[:2]
    return _centre(_resize(rgb, width, height, side), side)


def prepare(data: bytes, side: int = 256) -> Rgb:
    """The one preprocessing for training, prediction and page: decode, shortest side to `side`, centre square.

    The same as `resize_and_crop(decode(data), side)`, but for what a reduced decode changes.

    Args:
        data: the file.
        side: pixels of the square, from 1. The original and AlexNet use 256.

    Returns:
        (side, side, 3), uint8, RGB.

    Raises:
        UnreadableImage: see `decode`.
    """
    header = read_header(data)
    reduction = reduction_for(header, round(side * REDUCTION_MARGIN))
    stored = decode_stored(data, header, reduction)
    width, height = header.stored_size
    resized = _resize(stored, width / reduction, height / reduction, side)
    return _centre(upright(resized, header.orientation), side)


def _resize(rgb: Rgb, width: float, height: float, side: int) -> Rgb:
    """Resize so that the shorter of `width` and `height` becomes `side`.

    Args:
        rgb: the pixels.
        width: how many of its columns are picture. A reduced decode of 1001 columns by 8 has 126 of which the last is
            only an eighth picture: 125.125. Were it taken for 126, the picture would shift by up to a pixel.
        height: likewise for rows.
        side: pixels of the shorter side afterwards.
    """
    rgb, width, height = _without_far_ends(rgb, width, height)
    scale = side / min(width, height)
    new_width, new_height = max(side, round(width * scale)), max(side, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    if rgb.shape[:2] == (new_height, new_width):
        return rgb
    # Factors instead of a size: OpenCV then maps by these exact factors, and rounds only the number of pixels.
    resized = cv2.resize(rgb, None, fx=new_width / width, fy=new_height / height, interpolation=method)
    return np.asarray(resized[:new_height, :new_width], np.uint8)


def _without_far_ends(rgb: Rgb, width: float, height: float) -> tuple[Rgb, float, float]:
    """Cut a long strip to 4:1 around its centre: the result is the same, and a strip of 1 x 50,000 stays affordable."""
    limit = _MAX_ASPECT * min(rgb.shape[:2])
    for axis in (0, 1):
        excess = rgb.shape[axis] - limit
        if excess > 1:
            start = excess // 2
            stop = rgb.shape[axis] - start  # the same at both ends, so that the centre stays the centre
            rgb = rgb[start:stop] if axis == 0 else rgb[:, start:stop]
            height, width = (stop - start, width) if axis == 0 else (height, stop - start)
    return rgb, width, height


def _centre(rgb: Rgb, side: int) -> Rgb:
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])
