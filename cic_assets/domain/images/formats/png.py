"""PNG: its chunks (W3C PNG, third edition)."""

from collections.abc import Iterator

from cic_assets.domain.images.formats.common import (
    PILLOW_GREY_PIXEL_BYTES,
    PILLOW_PIXEL_BYTES,
    Header,
    Mode,
    TruncatedImage,
    UnreadableImage,
    make_header,
    orientation_of,
    unpack,
)

MAGIC = b"\x89PNG\r\n\x1a\n"
_MODES: dict[int, Mode] = {0: "grey", 2: "rgb", 3: "palette", 4: "grey+alpha", 6: "rgba"}
_XMP = b"XML:com.adobe.xmp\0\0"
_NEEDED = frozenset([b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
# Encoders write IDAT chunks of 8 kB and more: 100,000 of them are 800 MB. A bomb has millions of empty ones.
_MAX_CHUNKS = 100_000


def read_header(data: bytes) -> Header:
    """Size, channels and depth from IHDR; orientation from eXIf or XMP, wherever they stand."""
    length, name = unpack(">I4s", data, 8, "the png header")
    width, height, bits, colour = unpack(">IIBB", data, 16, "the png header")
    if name != b"IHDR" or length != 13 or colour not in _MODES:  # noqa: PLR2004 - IHDR has 13 bytes
        raise UnreadableImage("png without a valid IHDR")
    one_channel = _MODES[colour] in ("grey", "palette")
    pixel_bytes = PILLOW_GREY_PIXEL_BYTES if one_channel else PILLOW_PIXEL_BYTES
    return make_header(
        "png",
        width,
        height,
        _MODES[colour],
        bits=bits,
        orientation=_orientation(data),
        loading_bytes=pixel_bytes,
        loaded_bytes=pixel_bytes,
    )


def only_pixels(data: bytes) -> bytes:
    """The same picture without the chunks that do not make its pixels.

    Text and colour profiles are compressed, and decoders unpack them unasked: a few kB become gigabytes, or an honest
    picture with a long text is refused. None of it shows, so no decoder gets to see it.

    Raises:
        TruncatedImage: IEND is not reached.
        UnreadableImage: more chunks than any real file has.
    """
    kept = [data[start - 8 : end + 4] for name, start, end in _chunks(data) if name in _NEEDED]
    return MAGIC + b"".join(kept)


def _orientation(data: bytes) -> int:
    """Of XMP that is packed, as the specification of XMP says it must not be, nothing is read."""
    exif, xmp = b"", b""
    try:
        for name, start, end in _chunks(data):
            if name == b"eXIf":
                exif = data[start:end]
            elif name == b"iTXt" and data.startswith(_XMP, start):
                xmp = data[start:end]
    except UnreadableImage:
        pass  # whether the chunks are sound is asked elsewhere
    return orientation_of(exif, xmp)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The name of each chunk up to IEND, with the start and end of its content."""
    position = len(MAGIC)
    for _ in range(_MAX_CHUNKS):
        if position == len(data):
            raise TruncatedImage(f"no IEND chunk in {len(data)} bytes")
        length, name = unpack(">I4s", data, position, "a png chunk")
        end = position + 8 + length
        if end + 4 > len(data):
            raise TruncatedImage(f"ends inside a png chunk, after {len(data)} bytes")
        yield name, position + 8, end
        if name == b"IEND":
            return
        position = end + 4
    raise UnreadableImage(f"png with more than {_MAX_CHUNKS} chunks")
