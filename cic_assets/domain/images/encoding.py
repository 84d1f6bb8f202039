"""From pixels to a JPEG."""

import re
from functools import cache

import cv2
import numpy as np

from cic_assets.domain.images.pixels import Rgb, require_rgb


def encode_jpeg(rgb: Rgb, quality: int = 95) -> bytes:
    """A JPEG of some pixels.

    Args:
        rgb: (height, width, 3), uint8, red first.
        quality: 1 to 100; at 95 a second generation of JPEG does not show.

    Raises:
        ValueError: not such pixels, or a quality outside that range.
    """
    require_rgb(rgb)
    if not 1 <= quality <= 100:  # noqa: PLR2004 - libjpeg's scale
        raise ValueError(f"the quality of a jpeg is {quality}, expected 1 to 100")
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    written, buffer = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not written:
        raise ValueError(f"no jpeg could be made of pixels of shape {rgb.shape}")
    return buffer.tobytes()


def is_encoded_here(data: bytes, width: int, height: int, quality: int = 95) -> bool:
    """Whether a file is, byte for byte, what `encode_jpeg` writes for some picture of this size and quality.

    Its header, tables and all, is the same for all pictures; after it come coded pixels and nothing else. So such a
    file holds no metadata, and encoding its pixels again would only lose some.
    """
    header = _jpeg_header(width, height, quality)
    if not data.startswith(header):
        return False
    # Within coded pixels FF is followed by 00; the first other one must be the end of the picture and of the file.
    end = _MARKER.search(data, len(header))
    return end is not None and data[end.start() :] == _END


_MARKER = re.compile(rb"\xff[^\x00]")
_END = b"\xff\xd9"
_START_OF_SCAN = b"\xff\xda"


@cache
def _jpeg_header(width: int, height: int, quality: int) -> bytes:
    jpeg = encode_jpeg(np.zeros((height, width, 3), np.uint8), quality)
    start = jpeg.index(_START_OF_SCAN)
    return jpeg[: start + 2 + int.from_bytes(jpeg[start + 2 : start + 4])]
