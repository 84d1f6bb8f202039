"""Pictures as they are trained on and asked about: shortest side to N, then the centre (AlexNet, 2012, section 2)."""

import cv2
import numpy as np

from cic_assets.domain.images.decoding import decode_encoded_here, decode_stored, reduction_for
from cic_assets.domain.images.encoding import encode_jpeg, is_encoded_here
from cic_assets.domain.images.formats.common import Header
from cic_assets.domain.images.headers import read_header
from cic_assets.domain.images.pixels import Rgb, require_rgb, upright

_MAX_ASPECT = 4
_FILTER_REACH = 3.0
_VARIANCES = {cv2.INTER_CUBIC: -1 / 15, cv2.INTER_LINEAR: 1 / 6}  # of the kernels, in old pixels


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
    require_rgb(rgb)
    _check_side(side)
    height, width = rgb.shape[:2]
    return _centre(_resize(rgb, width, height, side), side)


def prepare(data: bytes, side: int = 256, header: Header | None = None) -> Rgb:
    """Decode, shortest side to `side`, centre square.

    The same as `resize_and_crop(decode(data), side)`, but for what a reduced decode changes.

    Args:
        data: the file.
        side: pixels of the square, from 1. The original and AlexNet use 256.
        header: what `read_header` said of the file, where it was asked before.

    Returns:
        (side, side, 3), uint8, RGB.

    Raises:
        UnreadableImage: see `decode`.
        ValueError: a side under 1.
    """
    _check_side(side)
    header = header or read_header(data)
    reduction = reduction_for(header, side)
    resized = resize_stored(decode_stored(data, header, reduction), header, reduction, side)
    return _centre(upright(resized, header.orientation), side)


def prepared_jpeg(data: bytes, side: int, quality: int) -> bytes:
    """The one preprocessing for training and prediction: `prepare`, kept as a JPEG, which is what is decoded then.

    Training sees it in the data set, and a JPEG is not quite what it was made of: so prediction makes one, too. A
    picture that is such a copy itself (out of an export) is taken as it is.

    Raises:
        UnreadableImage: see `decode`.
        ValueError: see `prepare` and `encode_jpeg`.
    """
    return _prepared_jpeg(data, side, quality)


def prepared_pixels(data: bytes, side: int, quality: int, header: Header | None = None) -> Rgb:
    """What decoding `prepared_jpeg` gives: as it was encoded here, nothing about it has to be found out.

    Args:
        data: the file.
        side: as of `prepare`.
        quality: as of `encode_jpeg`.
        header: as of `prepare`.

    Raises:
        UnreadableImage: see `decode`.
        ValueError: see `prepare` and `encode_jpeg`.
    """
    return decode_encoded_here(_prepared_jpeg(data, side, quality, header))


def _prepared_jpeg(data: bytes, side: int, quality: int, header: Header | None = None) -> bytes:
    return data if is_encoded_here(data, side, side, quality) else encode_jpeg(prepare(data, side, header), quality)


def shrink(rgb: Rgb, side: int) -> Rgb:
    """The picture in its own shape, its longer side at most `side` pixels."""
    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(scale * width)), max(1, round(scale * height))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _check_side(side: int) -> None:
    if side < 1:
        raise ValueError(f"the side of a prepared picture is {side} pixels, expected 1 or more")


def resize_stored(stored: Rgb, header: Header, reduction: int, side: int) -> Rgb:
    """Resize what `decode_stored` gave, or a grey version of it, so that the shorter side becomes `side`.

    It is not turned upright: that is cheaper, and as exact, afterwards.
    """
    width, height = header.stored_size
    method = _resize if reduction == 1 else _resize_reduced
    return method(stored, width / reduction, height / reduction, side)


def preview_stored(stored: Rgb, header: Header, reduction: int, side: int) -> Rgb:
    """As `resize_stored`, in a third of the time for a full decode of up to three times the side.

    It is as sharp as `resize_stored` makes reduced decodes: 1 to 1.6 times, by the variance of the Laplacian, what the
    mean of areas leaves. From three times the side on, a full decode is averaged.
    """
    width, height = header.stored_size
    return _resize_reduced(stored, width / reduction, height / reduction, side, cv2.INTER_LINEAR)


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
    if min(width, height) == side:
        return rgb
    return _interpolate(rgb, width, height, side, cv2.INTER_AREA if min(width, height) > side else cv2.INTER_CUBIC)


def _resize_reduced(rgb: Rgb, width: float, height: float, side: int, method: int = cv2.INTER_CUBIC) -> Rgb:
    """As `_resize`, for what a reduced decode left: nearer to the whole picture than INTER_AREA, and much faster.

    A new pixel should be the mean over f old ones, which are means over eight (four, two) themselves. OpenCV's cubic
    interpolation (A = -0.75) is exact and vectorised, but does not average; a filter of three taps a, 1 - 2a, a before
    it does. The variances of kernels add up: a box of f has f^2 / 12, a box of 1 has 1/12, the cubic kernel -1/15, the
    filter 2a. So 2a = (f^2 - 1) / 12 + 1/15. On photos it comes 2 dB nearer to INTER_AREA of the whole picture than
    INTER_AREA of the reduced one, for f under 3; beyond, three taps are too few.

    Linear interpolation is faster, and blurs a little: its kernel adds 1/6.
    """
    rgb, width, height = _without_far_ends(rgb, width, height)
    factor = min(width, height) / side
    if factor >= _FILTER_REACH:
        return _interpolate(rgb, width, height, side, cv2.INTER_AREA)
    tap = max(0.0, (factor**2 - 1) / 12 - _VARIANCES[method]) / 2
    if tap:
        taps = np.array([tap, 1 - 2 * tap, tap])
        rgb = np.asarray(cv2.sepFilter2D(rgb, -1, taps, taps, borderType=cv2.BORDER_REPLICATE), np.uint8)
    return _interpolate(rgb, width, height, side, method)


def _interpolate(rgb: Rgb, width: float, height: float, side: int, method: int) -> Rgb:
    scale = side / min(width, height)
    new_width, new_height = max(side, round(width * scale)), max(side, round(height * scale))
    # Factors instead of a size: OpenCV then maps by exactly these, and rounds only the number of pixels, up by one.
    resized = cv2.resize(rgb, None, fx=new_width / width, fy=new_height / height, interpolation=method)
    return np.asarray(resized[:new_height, :new_width], np.uint8)


def _without_far_ends(rgb: Rgb, width: float, height: float) -> tuple[Rgb, float, float]:
    """Cut a long strip to 4:1 around its centre: the result is the same, and one of 1 x 3,000,000 stays affordable."""
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
    return rgb[top : top + side, left : left + side].copy(order="C")
