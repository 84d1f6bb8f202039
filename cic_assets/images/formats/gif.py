"""GIF: its blocks (GIF89a). Of an animation the first picture counts."""

from cic_assets.images.formats.common import Header, TruncatedImage, UnreadableImage, make_header, unpack

MAGICS = (b"GIF87a", b"GIF89a")
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_MAX_BLOCKS = 100_000  # of pictures and extensions: hours of animation


def read_header(data: bytes) -> Header:
    """Size of the logical screen."""
    width, height = unpack("<HH", data, 6, "the gif header")
    return make_header("gif", width, height, "palette")


def missing_end(data: bytes) -> str:
    """What is missing at the end; empty if the trailer is reached."""
    try:
        _walk(data)
    except TruncatedImage as error:
        return str(error)
    return ""


def _walk(data: bytes) -> None:
    (flags,) = unpack("B", data, 10, "the gif header")
    position = 13 + _colour_table(flags)
    for _ in range(_MAX_BLOCKS):
        (kind,) = unpack("B", data, position, "a gif without a trailer")
        if kind == _TRAILER:
            return
        if kind == _IMAGE:
            (flags,) = unpack("B", data, position + 9, "a gif picture")
            position += 11 + _colour_table(flags)
        elif kind == _EXTENSION:
            position += 2
        else:
            raise UnreadableImage(f"gif with an unknown block {kind:#04x}")
        position = _after_sub_blocks(data, position)
    raise UnreadableImage(f"gif with more than {_MAX_BLOCKS} blocks")


def _colour_table(flags: int) -> int:
    """Bytes of the colour table that flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(data: bytes, position: int) -> int:
    size = 1
    while size:
        (size,) = unpack("B", data, position, "a gif block")
        position += 1 + size
    return position
