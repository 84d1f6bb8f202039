"""Pillow's own test pictures, which are not ours to ship: what we accept is what Pillow shows, or is listed here.

`CIC_PILLOW_IMAGES` names the folder `Tests/images` of Pillow's source distribution.
"""

import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from cic_assets.domain.images import ImageLimits, decode, inspect, prepare
from cic_assets.domain.media import Outcome

FOLDER = os.environ.get("CIC_PILLOW_IMAGES")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="CIC_PILLOW_IMAGES names no folder of pictures"),
    pytest.mark.filterwarnings("ignore"),
]
READ = {"JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF"}
REFUSED = {
    "tiff_wrong_bits_per_sample.tiff": "most of what its header promises is not there",
}
"""What Pillow opens in a format that we read, and we refuse; and why."""
OTHERWISE = {
    "exif_imagemagick_orientation.png": "ImageMagick's own text of EXIF is not read",
}
"""What we show otherwise."""
OURS_ALONE = {
    "png_decompression_dos.png": "its packed text, which Pillow refuses, is not unpacked",
    "unknown_compression_method.png": "likewise of its colour profile",
    "apng/chunk_no_fctl.png": "of an animation the first picture counts",
}
"""What Pillow refuses, and why we do not."""


def as_pillow_shows(data):
    """Upright RGB on white, or deep grey as it is stored; and the format."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
            return np.asarray(upright).astype(float), image.format
        if upright.has_transparency_data:
            white = Image.new("RGBA", upright.size, "white")
            white.alpha_composite(upright.convert("RGBA"))
            upright = white
        return np.asarray(upright.convert("RGB")), image.format


def is_same(ours, theirs):
    if theirs.ndim == 3:
        return ours.shape == theirs.shape and int(np.abs(ours.astype(int) - theirs.astype(int)).max()) <= 1
    # Deep grey has no one way to 8 bits, but what is darker there is not brighter here.
    order = np.argsort(theirs, axis=None, kind="stable")
    return ours.shape[:2] == theirs.shape and (np.diff(ours[..., 0].ravel()[order].astype(int)) >= 0).all()


def verdict(data):
    """What is to be said of one file: same, otherwise, refused or ours alone; nothing of what both refuse."""
    inspection = inspect(data, ImageLimits(min_side=1))
    try:
        theirs, image_format = as_pillow_shows(data)
    except Exception:  # noqa: BLE001 - whatever Pillow says
        return "ours alone" if inspection.outcome is Outcome.OK else ""
    if inspection.outcome is not Outcome.OK:
        return "refused" if image_format in READ else ""
    ours = decode(data)
    assert prepare(data, 32).shape == (32, 32, 3)
    return "same" if is_same(ours, theirs) else "otherwise"


@pytest.mark.timeout(900)
def test_what_is_accepted_is_what_pillow_shows_or_is_listed():
    found = {word: set() for word in ("same", "otherwise", "refused", "ours alone", "")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted(Path(FOLDER).rglob("*.*")):
            found[verdict(path.read_bytes())].add(path.relative_to(FOLDER).as_posix())
    assert found["refused"] == set(REFUSED)
    assert found["otherwise"] == set(OTHERWISE)
    assert found["ours alone"] == set(OURS_ALONE)
    assert len(found["same"]) > 650
