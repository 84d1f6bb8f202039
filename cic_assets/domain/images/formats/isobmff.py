"""AVIF and HEIC: boxes (ISO/IEC 14496-12), whose size is checked here and whose content Pillow's plugins read.

AVIF is in Pillow; HEIC, which telephones take, is read where the extra `heic` is installed.
"""

import importlib.util
import io
from collections.abc import Iterator

from PIL import AvifImagePlugin, Image

from cic_assets.domain.images.formats.common import (
    Header,
    Mode,
    TruncatedImage,
    UnreadableImage,
    make_header,
    orientation_of,
    unpack,
)

assert AvifImagePlugin  # registered by being imported
_AVIF = frozenset([b"avif", b"avis"])
_HEIF = frozenset([b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"])
_MAX_BOXES = 10_000
_WITHOUT_HEIF = "heic, which is read once the extra heic is installed: pip install 'cic-assets[heic]'"
_LOADING_BYTES = {"avif": 16.0, "heif": 9.0}
"""Measured, and of AVIF four more for deeper planes: these, the RGB made of them, and Pillow's own copy of that."""
_LOADED_BYTES = {"avif": 16.0, "heif": 6.0}
_MODES: dict[str, Mode] = {"L": "grey", "LA": "grey+alpha", "RGBA": "rgba"}


def format_of(data: bytes) -> str | None:
    """`avif` or `heif`, by the brands that the first box names; None if it names neither."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4]), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    return "avif" if brands & _AVIF else "heif" if brands & _HEIF else None


def read_header(data: bytes) -> Header:
    """Size, channels and orientation, as the plugin says without decoding a pixel.

    Raises:
        TruncatedImage: a box ends too soon.
        UnreadableImage: the plugin refuses it, or is not installed.
    """
    image_format = str(format_of(data))
    whole = only_pixels(data)
    if image_format == "heif":
        _register_heif()
    try:
        with Image.open(io.BytesIO(whole), formats=[image_format.upper()]) as image:
            size, mode, info = image.size, image.mode, image.info
    except MemoryError:
        raise
    except Exception as error:  # on hostile bytes Pillow's plugins raise nearly anything
        kind = TruncatedImage if "truncated" in str(error).lower() else UnreadableImage
        raise kind(f"the {image_format} decoder says: {error}") from error
    # libheif turns what it decodes.
    orientation = orientation_of(info.get("exif", b""), info.get("xmp", b"")) if image_format == "avif" else 1
    return make_header(
        image_format,
        *size,
        _MODES.get(mode, "rgb"),
        orientation=orientation,
        loading_bytes=_LOADING_BYTES[image_format],
        loaded_bytes=_LOADED_BYTES[image_format],
    )


def only_pixels(data: bytes) -> bytes:
    """The file up to the last box that is whole.

    Raises:
        TruncatedImage: the description or the pixels are not in it.
    """
    seen, end = set(), 0
    try:
        for name, end in _boxes(data):  # noqa: B007 - the last one counts
            seen.add(name)
    except TruncatedImage:
        if not {b"meta", b"mdat"} <= seen:
            raise
    if not {b"meta", b"mdat"} <= seen:
        raise TruncatedImage(f"{format_of(data)} that ends before its pixels, after {len(data):,} bytes")
    return data[:end]


def _boxes(data: bytes) -> Iterator[tuple[bytes, int]]:
    """The name and the end of each box."""
    position = 0
    for _ in range(_MAX_BOXES):
        if position == len(data):
            return
        size, name = unpack(">I4s", data, position, "a box")
        if size == 1:
            (size,) = unpack(">Q", data, position + 8, "a box")
        end = position + size if size else len(data)
        if size in range(1, 8) or end > len(data):
            raise TruncatedImage(f"{len(data):,} of {end:,} bytes")
        position = end
        yield name, position
    raise UnreadableImage(f"a picture of more than {_MAX_BOXES} boxes")


def reads_heic() -> bool:
    """Whether the extra `heic` is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def _register_heif() -> None:
    try:
        import pillow_heif
    except ImportError:
        raise UnreadableImage(_WITHOUT_HEIF) from None
    if "HEIF" not in Image.OPEN:
        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
