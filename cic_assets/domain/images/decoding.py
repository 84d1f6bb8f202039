"""The one way from bytes to pixels: upright, RGB, 8 bit, whatever they were stored as.

JPEG in one or three channels, nearly everything that is posted, goes through OpenCV, which decodes at 1/2, 1/4 or 1/8
inside the JPEG's own transform; the rarer encodings go through Pillow, which knows their palettes, alpha and depths
(OpenCV drops alpha so that hidden colours appear). Colour profiles are not applied: classifiers are trained on, and
asked about, pixels as they are stored, and nearly all posted pictures are sRGB.
"""

import cv2
import numpy as np

from cic_assets.domain.images.formats.common import Header, TooManyPixels, UnreadableImage
from cic_assets.domain.images.headers import READERS, read_header
from cic_assets.domain.images.pillow import loaded, to_rgb
from cic_assets.domain.images.pixels import Rgb, upright
from cic_assets.domain.images.settings import PIXEL_CEILING

_OPENCV_FLAGS = {
    1: cv2.IMREAD_COLOR_RGB,
    2: cv2.IMREAD_COLOR_RGB | (cv2.IMREAD_REDUCED_COLOR_2 & ~cv2.IMREAD_COLOR),
    4: cv2.IMREAD_COLOR_RGB | (cv2.IMREAD_REDUCED_COLOR_4 & ~cv2.IMREAD_COLOR),
    8: cv2.IMREAD_COLOR_RGB | (cv2.IMREAD_REDUCED_COLOR_8 & ~cv2.IMREAD_COLOR),
}
# A reduced decode leaves at least this many times the wanted pixels. Against INTER_AREA of the whole picture, median
# over 60 sharp photos at 1/4: 35 dB at 1, 40 dB at 1.5, 42 dB at 2, which is where libvips stops.
_MARGIN = 1.5


def decode(data: bytes, *, shortest_side: int | None = None) -> Rgb:
    """The pixels of a picture: upright, alpha laid on white, of an animation the first frame.

    Safe with any bytes, but it does not judge: a cut JPEG comes out grey at the bottom. Ask `inspect` first.

    Args:
        data: the file.
        shortest_side: to how many pixels the shorter side will be resized. A JPEG is then decoded at 1/2, 1/4 or 1/8,
            several times faster than in full, where that leaves at least half as many again.

    Returns:
        (height, width, 3), uint8, RGB, C-contiguous.

    Raises:
        UnreadableImage: not a picture, or one that its decoder refuses.
        TooManyPixels: more than `PIXEL_CEILING`; told from the header.
        MemoryError: this machine is short of memory, which is not the file's fault.
    """
    header = read_header(data)
    stored = decode_stored(data, header, reduction_for(header, shortest_side))
    return np.ascontiguousarray(upright(stored, header.orientation))


def decode_encoded_here(jpeg: bytes) -> Rgb:
    """As `decode`, of what `encode_jpeg` wrote: it is upright, in three channels, and whole."""
    return _with_opencv(jpeg, 1)


def reduction_for(header: Header, shortest_side: int | None) -> int:
    """By how much (1, 2, 4, 8) a picture can be decoded smaller without its showing once resized to `shortest_side`."""
    if shortest_side is None or not _goes_through_opencv(header):
        return 1
    return max(n for n in _OPENCV_FLAGS if n == 1 or header.shorter_side >= n * _MARGIN * shortest_side)


def decode_stored(data: bytes, header: Header, reduction: int = 1) -> Rgb:
    """The pixels as they are stored, before the EXIF orientation.

    Args:
        data: the file.
        header: what `read_header` said of it.
        reduction: 1, or what `reduction_for` gave; sides come out divided by it, rounded up.
    """
    if header.pixels > PIXEL_CEILING:
        raise TooManyPixels(f"{header.width} x {header.height} pixels, at most {PIXEL_CEILING:,} are ever decoded")
    rgb = _with_opencv(data, reduction) if _goes_through_opencv(header) else _with_pillow(data, header)
    expected = tuple(-(-side // reduction) for side in reversed(header.stored_size))
    if rgb.shape[:2] != expected:
        raise UnreadableImage(f"the header says {expected[::-1]}, the pixels are {rgb.shape[1::-1]}")
    return rgb


def _goes_through_opencv(header: Header) -> bool:
    return header.format == "jpeg" and header.mode in ("grey", "rgb") and header.bits == 8  # noqa: PLR2004


def _with_opencv(data: bytes, reduction: int) -> Rgb:
    # The orientation is applied once, by us, for all formats alike, and after the reduction, where it is cheapest.
    flags = _OPENCV_FLAGS[reduction] | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        rgb = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.STS_NO_MEM:
            raise MemoryError(error.err) from error
        raise UnreadableImage(f"the jpeg decoder refuses it: {error.err}") from error
    if rgb is None:
        raise UnreadableImage("the jpeg decoder refuses it")
    return np.asarray(rgb, np.uint8)


def _with_pillow(data: bytes, header: Header) -> Rgb:
    with loaded(READERS[header.format].only_pixels(data), header) as image:
        return to_rgb(image, header.bits)
