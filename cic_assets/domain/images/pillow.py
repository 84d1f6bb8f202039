"""Pillow, kept from what hostile bytes make it do, and its many modes turned into 8-bit RGB."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, WebPImagePlugin

from cic_assets.domain.images.formats import jpeg, png
from cic_assets.domain.images.formats.common import Header, TruncatedImage, UnreadableImage
from cic_assets.domain.images.pixels import Rgb

# Pillow imports its plugins when it first opens a picture: all forty, if one that it is asked for is not there yet.
Image.preinit()
_PLUGINS = (TiffImagePlugin, WebPImagePlugin)

_WHITE = (255, 255, 255)
_PIXELS_ONLY = {"jpeg": jpeg.only_pixels, "png": png.only_pixels}


@contextmanager
def loaded(data: bytes, header: Header, *, reduced: bool = False) -> Iterator[Image.Image]:
    """A picture, opened and decoded, of an animation the first frame.

    Only the plugin of the header's format is asked, and metadata is taken out first where it is dangerous. Pillow's
    bomb warning, a process-wide setting, is out of reach as long as the header has at most `PIXEL_CEILING` pixels.

    Args:
        data: the file.
        header: what `read_header` said of it; its size is for the caller to check.
        reduced: decode a JPEG as grey at 1/8: the cheapest proof that it can be decoded.

    Raises:
        TruncatedImage: pixels are missing.
        UnreadableImage: the decoder refuses it, or whatever else it or the block raised.
    """
    try:
        if pixels_only := _PIXELS_ONLY.get(header.format):
            data = pixels_only(data)
        with Image.open(io.BytesIO(data), formats=[header.format.upper()]) as image:
            if reduced:
                image.draft("L", (1, 1))
            image.load()
            yield image
    except UnreadableImage:
        raise
    except Exception as error:  # on hostile bytes Pillow's plugins raise nearly anything
        kind = TruncatedImage if "truncated" in str(error) else UnreadableImage
        raise kind(f"the {header.format} decoder says: {error}") from error


def to_rgb(image: Image.Image) -> Rgb:
    """(height, width, 3) in 8 bit from any of Pillow's modes, alpha laid on white."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return np.repeat(_to_8_bit(np.asarray(image))[:, :, np.newaxis], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, _WHITE)
        white.paste(image, mask=image.getchannel("A"))
        image = white
    return np.array(image.convert("RGB"), np.uint8)


def _to_8_bit(deep: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale deep grey to 8 bit: 16-bit values by 1/257, rounded; 32-bit integers and floats from their own range."""
    if deep.dtype.itemsize == 2:  # noqa: PLR2004 - bytes
        return np.asarray((deep.astype(np.uint32) + 128) // 257, np.uint8)
    values = np.nan_to_num(deep.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    return np.asarray(np.round((values - low) * (255 / max(high - low, 1e-12))), np.uint8)
