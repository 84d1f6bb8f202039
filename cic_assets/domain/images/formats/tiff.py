"""TIFF (revision 6): its first directory. Further pages are not looked at."""

import struct
from collections.abc import Mapping

from cic_assets.domain.images.formats.common import (
    ORIENTATION_TAG,
    PILLOW_PIXEL_BYTES,
    Header,
    Mode,
    TruncatedImage,
    UnreadableImage,
    make_header,
    unpack,
)
from cic_assets.domain.images.settings import PIXEL_CEILING

MAGICS = (b"II*\0", b"MM\0*")
_WIDTH, _HEIGHT, _BITS, _COLOUR = 256, 257, 258, 262
_COMPRESSION, _STRIP_OFFSETS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES = 259, 273, 277, 278, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_SIZES = (
    _WIDTH, _HEIGHT, _BITS, _COLOUR, _COMPRESSION, _SAMPLES, _STRIP_ROWS, ORIENTATION_TAG, _TILE_WIDTH, _TILE_HEIGHT,
)  # fmt: skip
_JPEG = 7
_JPEG_PIXEL_BYTES = 8
"""A strip or tile that is a progressive JPEG keeps two bytes for each of up to four channels until its last scan."""
_WANTED = frozenset((*_SIZES, _STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES))
_ENTRY = 12
_LETTERS = {1: "B", 3: "H", 4: "I"}
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MODES: dict[int, Mode] = {0: "grey", 1: "grey", 2: "rgb", 3: "palette", 5: "cmyk", 6: "ycc", 8: "lab"}


def read_header(data: bytes) -> Header:
    """Size, channels, depth and orientation of the first page."""
    tags = _directory(data)
    colour = _first(tags, _COLOUR, 1)
    if colour not in _MODES:
        raise UnreadableImage(f"tiff with an unknown colour space {colour}")
    if _first(tags, _TILE_WIDTH, 1) * _first(tags, _TILE_HEIGHT, 1) > PIXEL_CEILING:
        raise UnreadableImage("tiff with tiles larger than any picture")
    orientation = _first(tags, ORIENTATION_TAG, 1)
    return make_header(
        "tiff",
        _first(tags, _WIDTH, 0),
        _first(tags, _HEIGHT, 0),
        _mode(colour, _first(tags, _SAMPLES, 1)),
        bits=_first(tags, _BITS, 1),
        orientation=orientation if 1 <= orientation <= 8 else 1,  # noqa: PLR2004 - EXIF
        more_bytes=_part_bytes(tags),
    )


def missing_end(data: bytes) -> str:
    """What is missing at the end; empty if every strip or tile of the first page lies inside the data."""
    tags = _directory(data)
    for offsets, sizes in ((_STRIP_OFFSETS, _STRIP_BYTES), (_TILE_OFFSETS, _TILE_BYTES)):
        parts = zip(tags.get(offsets, ()), tags.get(sizes, ()), strict=False)
        needed = max((offset + size for offset, size in parts), default=0)
        if needed > len(data):
            return f"{len(data)} of {needed} bytes"
    return ""


def _part_bytes(tags: Mapping[int, tuple[int, ...]]) -> int:
    """What a strip or a tile takes beside the picture: each is decoded as a whole."""
    width, height = _first(tags, _WIDTH, 0), _first(tags, _HEIGHT, 0)
    across, down = _first(tags, _TILE_WIDTH, width), _first(tags, _TILE_HEIGHT, 0)
    rows = down or min(_first(tags, _STRIP_ROWS, height), height)
    sample_bytes = _first(tags, _SAMPLES, 1) * _first(tags, _BITS, 1) / 8
    pixel_bytes = max(PILLOW_PIXEL_BYTES, sample_bytes)
    if _first(tags, _COMPRESSION, 1) == _JPEG:
        pixel_bytes += _JPEG_PIXEL_BYTES
    return int(across * rows * pixel_bytes)


def _mode(colour: int, samples: int) -> Mode:
    with_alpha: dict[tuple[int, int], Mode] = {(0, 2): "grey+alpha", (1, 2): "grey+alpha", (2, 4): "rgba"}
    return with_alpha.get((colour, samples), _MODES[colour])


def _first(tags: Mapping[int, tuple[int, ...]], tag: int, default: int) -> int:
    values = tags.get(tag) or (default,)
    return values[0]


def _directory(data: bytes) -> dict[int, tuple[int, ...]]:
    """The wanted integer tags of the first directory.

    Of a tag that is there twice the first counts: each is read once, so that the work is bounded by the data.

    Raises:
        TruncatedImage: the directory, or a value that it points to, lies outside the data.
    """
    order = "<" if data[:2] == b"II" else ">"
    (start,) = unpack(order + "I", data, 4, "the tiff header")
    (count,) = unpack(order + "H", data, start, "the tiff directory")
    tags: dict[int, tuple[int, ...]] = {}
    end = start + 2 + count * _ENTRY
    for entry in range(start + 2, end, _ENTRY):
        tag, kind, length = unpack(order + "HHI", data, entry, "the tiff directory")
        offset = _value_offset(data, entry + 8, order, length * _TYPE_BYTES.get(kind, 0))
        if tag in _WANTED and tag not in tags and kind in _LETTERS:
            tags[tag] = struct.unpack_from(f"{order}{length}{_LETTERS[kind]}", data, offset)
    unpack(order + "I", data, end, "the tiff directory")  # where the next page is
    return tags


def _value_offset(data: bytes, field: int, order: str, size: int) -> int:
    """Where the value of an entry is: in its own four bytes if it fits, else at the offset that stands there."""
    (offset,) = (field,) if size <= 4 else unpack(order + "I", data, field, "the tiff directory")  # noqa: PLR2004
    if offset + size > len(data):
        raise TruncatedImage(f"{len(data):,} of {offset + size:,} bytes")
    return int(offset)
