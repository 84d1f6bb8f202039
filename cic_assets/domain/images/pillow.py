"""Pillow, kept from what hostile bytes make it do, and its many modes turned into 8-bit RGB."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import AvifImagePlugin, Image, TiffImagePlugin, WebPImagePlugin

from cic_assets.domain.images.formats.common import Header, TruncatedImage, UnreadableImage
from cic_assets.domain.images.pixels import Rgb

# Pillow imports its plugins when it first opens a picture: all forty, if one that it is asked for is not there yet.
Image.preinit()
_PLUGINS = (AvifImagePlugin, TiffImagePlugin, WebPImagePlugin)

_WHITE = (255, 255, 255)
_BAND = 250_000  # pixels that are turned into RGB at a time, so that what this takes on the way is little


@contextmanager
def loaded(data: bytes, header: Header, *, reduced: bool = False) -> Iterator[Image.Image]:
    """A picture, opened and decoded, of an animation the first frame.

    Only the plugin of the header's format is asked. Pillow's bomb warning, a process-wide setting, is out of reach as
    long as the header has at most `PIXEL_CEILING` pixels.

    Args:
        data: what `only_pixels` of its format left of the file.
        header: what `read_header` said of it; its size is for the caller to check.
        reduced: decode a JPEG as grey at 1/8: the cheapest proof that it can be decoded.

    Raises:
        TruncatedImage: pixels are missing.
        UnreadableImage: the decoder refuses it, or whatever else it or the block raised.
        MemoryError: this machine is short of memory, which is not the file's fault.
    """
    try:
        with Image.open(io.BytesIO(data), formats=[header.format.upper()]) as image:
            if reduced:
                image.draft("L", (1, 1))
            image.load()
            yield image
    except (UnreadableImage, MemoryError):
        raise
    except Exception as error:  # on hostile bytes Pillow's plugins raise nearly anything
        if _is_short_of(header.inspecting_bytes):  # some decoders say so in no way of their own
            raise MemoryError(str(error)) from error
        kind = TruncatedImage if "truncated" in str(error).lower() else UnreadableImage
        raise kind(f"the {header.format} decoder says: {error}") from error


def _is_short_of(size: int) -> bool:
    try:
        np.empty(size, np.uint8)
    except MemoryError:
        return True
    return False


def to_rgb(image: Image.Image, bits: int = 16) -> Rgb:
    """(height, width, 3) in 8 bit from any of Pillow's modes, alpha laid on white.

    Args:
        image: decoded.
        bits: of what is deeper than 8 bits and stored in 16: the brightest value has all of them.
    """
    rows = max(1, _BAND // image.width)
    bands = [(0, top, image.width, min(top + rows, image.height)) for top in range(0, image.height, rows)]
    scale = _scale_of(image, bands, bits)
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for band in bands:
        rgb[band[1] : band[3]] = _band_to_rgb(image.crop(band) if len(bands) > 1 else image, scale)
    return rgb


def _band_to_rgb(image: Image.Image, scale: tuple[float, float] | None) -> NDArray[np.generic]:
    if scale is not None:
        return _to_8_bit(np.asarray(image), *scale)[:, :, np.newaxis]
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, _WHITE)
        white.paste(image, mask=image.getchannel("A"))
        image = white
    return np.asarray(image.convert("RGB"))


def _scale_of(image: Image.Image, bands: list[tuple[int, int, int, int]], bits: int) -> tuple[float, float] | None:
    """What becomes black and white of deep grey: of 32-bit integers and floats their own range. None of other modes."""
    if image.mode.startswith("I;16"):
        return 0.0, float((1 << min(max(bits, 9), 16)) - 1)
    if image.mode not in ("I", "F"):
        return None
    ranges = [(values.min(), values.max()) for values in (_finite(np.asarray(image.crop(band))) for band in bands)]
    return float(min(low for low, _ in ranges)), float(max(high for _, high in ranges))


def _finite(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)


def _to_8_bit(deep: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    scaled = np.round((_finite(deep) - low) * (255 / max(high - low, 1e-12)))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)
