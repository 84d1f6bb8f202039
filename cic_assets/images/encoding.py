"""From pixels to a JPEG."""

import cv2
import numpy as np

from cic_assets.images.pixels import Rgb, require_rgb


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
