"""BMP: the Windows bitmap in its versions 1 (OS/2) to 5."""

from cic_assets.domain.images.formats.common import Header, Mode, TruncatedImage, UnreadableImage, make_header, unpack

MAGIC = b"BM"
_OS2_HEADER = 12
_UNCOMPRESSED = frozenset([0, 3, 6])
_HEADER_SIZES = frozenset([12, 16, 40, 52, 56, 64, 108, 124])


def read_header(data: bytes) -> Header:
    """Size and depth; a negative height means that the rows stand in reading order."""
    _, width, height, bits, _ = _fields(data)
    mode: Mode = "palette" if bits <= 8 else "rgb"  # noqa: PLR2004 - what has a palette
    return make_header("bmp", width, abs(height), mode, bits=min(bits, 8))


def only_pixels(data: bytes) -> bytes:
    """The file, if its end is there; run-length coded pixels are left for the decoder to judge."""
    offset, width, height, bits, compression = _fields(data)
    stride = (width * bits + 31) // 32 * 4
    needed = offset + stride * abs(height)
    if compression in _UNCOMPRESSED and needed > len(data):
        raise TruncatedImage(f"{len(data)} of {needed} bytes")
    return data


def _fields(data: bytes) -> tuple[int, int, int, int, int]:
    """Offset of the pixels, width, height, bits a pixel, compression."""
    offset, size = unpack("<II", data, 10, "the bmp header")
    if size not in _HEADER_SIZES:
        raise UnreadableImage(f"bmp with a header of {size} bytes")
    if size == _OS2_HEADER:
        width, height, _, bits = unpack("<HHHH", data, 18, "the bmp header")
        return offset, width, height, bits, 0
    width, height, _, bits, compression = unpack("<iiHHI", data, 18, "the bmp header")
    return offset, width, height, bits, compression
