"""JPEG: its segments, from the first to the end-of-image marker (ITU T.81)."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from cic_assets.domain.images.formats.common import (
    PILLOW_PIXEL_BYTES,
    RGB_BYTES,
    USED_BYTES,
    XMP,
    Header,
    Mode,
    TruncatedImage,
    UnreadableImage,
    make_header,
    orientation_of,
    unpack,
)

MAGIC = b"\xff\xd8\xff"
_SOI, _EOI, _SOS, _TEM, _COM = 0xD8, 0xD9, 0xDA, 0x01, 0xFE
_APP0, _APP1, _APP14, _APP15 = 0xE0, 0xE1, 0xEE, 0xEF
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SEQUENTIAL = frozenset([0xC0, 0xC1])
# What decoders need of these is JFIF (APP0) and Adobe's colour transform (APP14).
_METADATA = frozenset({*range(_APP0, _APP15 + 1), _COM} - {_APP0, _APP14})
_MODES: dict[int, Mode] = {1: "grey", 3: "rgb", 4: "cmyk"}
_FOR_OPENCV = frozenset([1, 3])  # channels that it decodes into the very RGB that we give
# Real files have tens of segments, some hundreds with a large colour profile or XMP; a bomb has millions of empty ones.
_MAX_SEGMENTS = 10_000
# A progressive file has about ten scans. Each costs a pass over all pixels however short it is, so that thousands of
# empty ones in a small file keep a decoder busy for minutes.
_MAX_SCANS = 100
# Inside a scan FF 00 is a stuffed byte, FF D0 to FF D7 a restart, FF FF a fill byte: the scan ends at any other marker.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Pillow's four bytes at an eighth of both sides.
_REDUCED_PIXEL_BYTES = 4 / 64
_REDUCED_FROM = 768  # pixels of the shorter side: such a one is decoded in full for no fingerprint
_PADDING = bytes(64)  # some decoders read this far ahead of what they use


class _Segment(NamedTuple):
    """One marker and its content, as offsets. A scan's content is its header; its pixels belong to no segment."""

    marker: int
    at: int
    start: int
    end: int


class _Frame(NamedTuple):
    """The frame header: its marker, where its content starts, and what it says."""

    marker: int
    start: int
    bits: int
    height: int
    width: int
    channels: int


def read_header(data: bytes) -> Header:
    """Size, channels and orientation, from the segments before the first scan.

    Raises:
        TruncatedImage: the data ends before the scan.
        UnreadableImage: no frame before the scan, or one with two or five channels or sampled in fractions.
    """
    frame: _Frame | None = None
    exif, xmp, in_scan = b"", b"", 1
    for marker, _, start, end in _segments(data):
        if marker in _START_OF_FRAME:
            frame = frame or _Frame(marker, start, *unpack(">BHHB", data, start, "the frame header"))
        elif marker == _APP1 and data.startswith(b"Exif\0\0", start):
            exif = data[start:end]
        elif marker == _APP1 and data.startswith(XMP, start):
            xmp = data[start:end]
        elif marker == _SOS:
            (in_scan,) = unpack("B", data, start, "the scan header")
            break
    if frame is None:
        raise UnreadableImage("jpeg without a frame header")
    if frame.channels not in _MODES:
        raise UnreadableImage(f"jpeg with {frame.channels} channels")
    across, down = _sampling(data, frame)
    in_one_pass = frame.marker in _SEQUENTIAL and in_scan == frame.channels
    coefficients = 0 if in_one_pass else _coefficient_bytes(across, down)
    is_for_opencv = frame.channels in _FOR_OPENCV
    decoded = RGB_BYTES if is_for_opencv else PILLOW_PIXEL_BYTES  # OpenCV's own, of which Python gets a copy
    is_reduced = is_for_opencv and min(frame.width, frame.height) >= _REDUCED_FROM
    return make_header(
        "jpeg",
        frame.width,
        frame.height,
        _MODES[frame.channels],
        bits=frame.bits,
        orientation=orientation_of(exif, xmp),
        loading_bytes=decoded + coefficients,
        loaded_bytes=decoded,
        proof_bytes=_REDUCED_PIXEL_BYTES + coefficients,
        used_bytes=2 * RGB_BYTES if is_reduced else USED_BYTES,
    )


def _sampling(data: bytes, frame: _Frame) -> tuple[list[int], list[int]]:
    """How often each channel is sampled across and down, 1 to 4; the one that has most samples sets the scale.

    Raises:
        UnreadableImage: a channel is to be stretched by a fraction, which libjpeg, so every decoder of ours, refuses
            (JERR_FRACT_SAMPLE_NOTIMPL), if only when it decodes in full.
    """
    factors = unpack("xBx" * frame.channels, data, frame.start + 6, "the frame header")
    across, down = [factor >> 4 for factor in factors], [factor & 15 for factor in factors]
    if 0 in (*across, *down) or any(max(axis) % factor for axis in (across, down) for factor in axis):
        told = ", ".join(f"{x}x{y}" for x, y in zip(across, down, strict=True))
        raise UnreadableImage(f"jpeg with channels sampled {told}: decoders stretch them by whole factors alone")
    return across, down


def _coefficient_bytes(across: list[int], down: list[int]) -> float:
    """Memory for each pixel where its coefficients come in several scans: all of them are kept until the last.

    Two bytes a coefficient, of channels that may be stored at a half or a quarter of the width and height.
    """
    samples: int = sum(x * y for x, y in zip(across, down, strict=True))
    return 2 * samples / float(max(across) * max(down))


def only_pixels(data: bytes) -> bytes:
    """The file without what does not make its pixels, and such that a strict decoder sees gaps.

    The segments are walked, not searched: the thumbnail inside the EXIF has an end-of-image marker of its own. EXIF,
    XMP, profiles and thumbnails go, for decoders parse them unasked, and so do stray bytes between segments. In a file
    of one sequential scan the end-of-image marker goes too, for some zeros: at a marker every decoder fills what is
    missing with grey and calls it done, but at the end of the data Pillow complains if pixels, and only if pixels, are
    missing.

    Raises:
        TruncatedImage: the end-of-image marker is not reached. Bytes after it do not matter.
        UnreadableImage: more segments or scans than any real file has.
    """
    segments = list(_segments(data))
    parts = [data[:2]]
    for segment, following in pairwise(segments):
        if segment.marker not in _METADATA:
            parts.append(data[segment.at : following.at if segment.marker == _SOS else segment.end])
    parts.append(_PADDING if _is_one_sequential_scan(data, segments) else b"\xff\xd9")
    return b"".join(parts)


def _is_one_sequential_scan(data: bytes, segments: list[_Segment]) -> bool:
    frames = [segment for segment in segments if segment.marker in _START_OF_FRAME]
    scans = [segment for segment in segments if segment.marker == _SOS]
    if len(frames) != 1 or len(scans) != 1 or frames[0].marker not in _SEQUENTIAL:
        return False
    (in_frame,) = unpack("B", data, frames[0].start + 5, "the frame header")
    (in_scan,) = unpack("B", data, scans[0].start, "the scan header")
    return bool(in_frame == in_scan)


def _segments(data: bytes) -> Iterator[_Segment]:
    """Every segment up to the end-of-image marker.

    Raises:
        TruncatedImage: the data ends, or another picture starts, before that marker.
        UnreadableImage: more segments or scans than any real file has.
    """
    position, scans = 2, 0
    for _ in range(_MAX_SEGMENTS):
        marker, at, position = _next_marker(data, position)
        if marker == _TEM:
            continue
        end = position if marker == _EOI else _segment_end(data, position)
        yield _Segment(marker, at, min(position + 2, end), end)
        if marker == _EOI:
            return
        position = end
        scans += marker == _SOS
        if scans > _MAX_SCANS:
            raise UnreadableImage(f"jpeg with more than {_MAX_SCANS} scans")
    raise UnreadableImage(f"jpeg with more than {_MAX_SEGMENTS} segments")


def _next_marker(data: bytes, position: int) -> tuple[int, int, int]:
    """The next marker, where it stands and where its content starts.

    What stands before it, the pixels of a scan or stray bytes, is skipped, as every decoder does.
    """
    found = _MARKER.search(data, position)
    if found is None:
        raise TruncatedImage(f"no end-of-image marker in {len(data):,} bytes")
    marker = data[found.end() - 1]
    if marker == _SOI:
        raise TruncatedImage(f"another picture starts at byte {found.start():,}, before this one ends")
    return marker, found.start(), found.end()


def _segment_end(data: bytes, position: int) -> int:
    (length,) = unpack(">H", data, position, "a jpeg segment")
    end: int = position + max(length, 2)
    if end > len(data):
        raise TruncatedImage(f"ends inside a jpeg segment, after {len(data):,} bytes")
    return end
