"""JPEG: its segments, from the first to the end-of-image marker (ITU T.81)."""

import re
from collections.abc import Iterator

from cic_assets.images.formats.common import (
    Header,
    Mode,
    TruncatedImage,
    UnreadableImage,
    exif_orientation,
    make_header,
    unpack,
)

MAGIC = b"\xff\xd8\xff"
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_APP1 = 0xE1
_STANDALONE = frozenset([0x01, *range(0xD0, 0xD9)])
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_MODES: dict[int, Mode] = {1: "grey", 3: "rgb", 4: "cmyk"}
# Real files have tens of segments, some hundreds with a large colour profile or XMP; a bomb has millions of empty ones.
_MAX_SEGMENTS = 10_000
# Inside a scan FF 00 is a stuffed byte, FF D0 to FF D7 a restart, FF FF a fill byte: the scan ends at any other marker.
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def read_header(data: bytes) -> Header:
    """Size, channels and orientation, from the segments before the first scan.

    Raises:
        TruncatedImage: the data ends before the scan.
        UnreadableImage: no frame before the scan, or one with two or five channels.
    """
    frame: tuple[int, ...] | None = None
    orientation = 1
    for marker, start, end in _segments(data):
        if marker in _START_OF_FRAME:
            frame = frame or unpack(">BHHB", data, start, "the frame header")
        elif marker == _APP1 and data.startswith(b"Exif\0\0", start):
            orientation = exif_orientation(data[start:end])
        elif marker == _START_OF_SCAN:
            break
    if frame is None:
        raise UnreadableImage("jpeg without a frame header")
    bits, height, width, channels = frame
    if channels not in _MODES:
        raise UnreadableImage(f"jpeg with {channels} channels")
    return make_header("jpeg", width, height, _MODES[channels], bits=bits, orientation=orientation)


def missing_end(data: bytes) -> str:
    """What is missing at the end; empty if the end-of-image marker is reached. Bytes after it do not matter.

    The segments are walked, not searched: the thumbnail inside the EXIF has an end-of-image marker of its own.
    """
    try:
        for marker, _, _ in _segments(data):
            if marker == _END_OF_IMAGE:
                return ""
    except TruncatedImage as error:
        return str(error)
    return f"no end-of-image marker in {len(data)} bytes"


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Every marker with the start and end of its content; a scan's content is its header, its pixels are skipped."""
    position = 2
    for _ in range(_MAX_SEGMENTS):
        marker, position = _next_marker(data, position)
        if marker == _END_OF_IMAGE:
            yield marker, position, position
            return
        if marker in _STANDALONE:
            continue
        (length,) = unpack(">H", data, position, "a jpeg segment")
        end = position + max(length, 2)
        if end > len(data):
            raise TruncatedImage(f"ends inside a jpeg segment, after {len(data)} bytes")
        yield marker, position + 2, end
        position = _scan_end(data, end) if marker == _START_OF_SCAN else end
    raise UnreadableImage(f"jpeg with more than {_MAX_SEGMENTS} segments")


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    """The next marker and where its content starts; stray bytes before it are skipped, as every decoder does."""
    found = _SCAN_END.search(data, position)
    if found is None:
        raise TruncatedImage(f"no end-of-image marker in {len(data)} bytes")
    return data[found.end() - 1], found.end()


def _scan_end(data: bytes, position: int) -> int:
    """Where the marker after a scan's pixels starts."""
    found = _SCAN_END.search(data, position)
    if found is None:
        raise TruncatedImage(f"no end-of-image marker in {len(data)} bytes")
    return found.start()
