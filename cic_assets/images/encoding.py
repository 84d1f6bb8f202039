"""From pixels to a JPEG."""

import cv2
import numpy as np

from cic_assets.images.decoding import Rgb


def encode_jpeg(rgb: Rgb, quality: int = 95) -> bytes:
    """A JPEG of some pixels.

    Args:
        rgb: (height, width, 3), uint8, red first.
        quality: 1 to 100; at 95 a second generation of JPEG does not show.
    """
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    written, buffer = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not written:
        raise ValueError(f"no jpeg could be made of pixels of shape {rgb.shape}")
    return buffer.tobytes()
