"""WebP: a RIFF container of chunks (RFC 9649)."""

from collections.abc import Iterator

from cic_assets.domain.images.formats.common import (
    Header,
    Mode,
    TruncatedImage,
    UnreadableImage,
    make_header,
    orientation_of,
    unpack,
)

_RIFF_HEADER = 12
_MAX_CHUNKS = 100_000
_PIXEL_BYTES = 16.5
"""Measured. Pillow lets libwebp play every file as an animation: two canvases of four bytes, and copies of them."""
_ALPHA, _EXIF, _XMP = 0x10, 0x08, 0x04


def read_header(data: bytes) -> Header:
    """Size and alpha from the first chunk; orientation from an EXIF chunk, which may stand at the end.

    Own code, because Pillow sets up a decoder with two canvases (16383 x 16383: 2 GB) to answer the same question.
    """
    (name,) = unpack("4s", data, _RIFF_HEADER, "the webp header")
    if name == b"VP8 ":
        start, width, height = unpack("<3sHH", data, 23, "the webp header")
        if start != b"\x9d\x01\x2a":
            raise UnreadableImage("webp without a key frame")
        return make_header(
            "webp", width & 0x3FFF, height & 0x3FFF, "rgb", loading_bytes=_PIXEL_BYTES, loaded_bytes=_PIXEL_BYTES
        )
    if name == b"VP8L":
        signature, packed = unpack("<BI", data, 20, "the webp header")
        if signature != 0x2F:  # noqa: PLR2004 - the lossless signature
            raise UnreadableImage("webp without the lossless signature")
        mode: Mode = "rgba" if packed >> 28 & 1 else "rgb"
        return make_header(
            "webp",
            (packed & 0x3FFF) + 1,
            (packed >> 14 & 0x3FFF) + 1,
            mode,
            loading_bytes=_PIXEL_BYTES,
            loaded_bytes=_PIXEL_BYTES,
        )
    if name == b"VP8X":
        return _extended(data)
    raise UnreadableImage("webp with an unknown first chunk")


def only_pixels(data: bytes) -> bytes:
    """The file, if all is there that the RIFF header announces."""
    (size,) = unpack("<I", data, 4, "the webp header")
    if size + 8 > len(data):
        raise TruncatedImage(f"{len(data)} of {size + 8} bytes")
    return data


def _extended(data: bytes) -> Header:
    flags, low, width_high, height_low, high = unpack("<B3xHBBH", data, 20, "the webp header")
    width, height = (low | width_high << 16) + 1, (height_low | high << 8) + 1
    mode: Mode = "rgba" if flags & _ALPHA else "rgb"
    orientation = _orientation(data) if flags & (_EXIF | _XMP) else 1
    return make_header(
        "webp", width, height, mode, orientation=orientation, loading_bytes=_PIXEL_BYTES, loaded_bytes=_PIXEL_BYTES
    )


def _orientation(data: bytes) -> int:
    found = {name: data[start:end] for name, start, end in _chunks(data) if name in (b"EXIF", b"XMP ")}
    return orientation_of(found.get(b"EXIF", b""), found.get(b"XMP ", b""))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    position = _RIFF_HEADER
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            return
        name, size = unpack("<4sI", data, position, "a webp chunk")
        yield name, position + 8, position + 8 + size
        position += 8 + size + (size & 1)
