"""Photos that every clone has, and copies of them in other sizes."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from cic_assets.domain.images import decode

from .conftest import encode


def _folder(package):
    """Where a package lies, which is not imported for that."""
    return Path(find_spec(package).origin).parent


SHIPPED = [
    _folder("sklearn") / "datasets" / "images" / "china.jpg",
    _folder("sklearn") / "datasets" / "images" / "flower.jpg",
    _folder("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg",
]
"""640 by 427, 640 by 427 and 512 by 600 pixels."""

WAYS = {
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST,
}


def shipped(number):
    """Pixels of one of them."""
    return decode(SHIPPED[number].read_bytes())


def resized(rgb, scale, way="area"):
    return cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=WAYS[way])


def sharpened(rgb, radius=1.0, amount=1.0):
    soft = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), radius)
    return np.clip(rgb + amount * (rgb - soft), 0, 255).astype(np.uint8)


def noisy(rgb, levels):
    return np.clip(rgb + np.random.default_rng(1).normal(0, levels, rgb.shape), 0, 255).astype(np.uint8)


def stored(rgb, quality=None):
    """A PNG, or a JPEG where there is a quality."""
    if quality:
        return encode(rgb, quality)
    return cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR))[1].tobytes()
