"""GIF: its blocks (GIF89a). Of an animation the first picture counts."""

from collections.abc import Iterator

from cic_assets.domain.images.formats.common import (
    PILLOW_GREY_PIXEL_BYTES,
    Header,
    UnreadableImage,
    make_header,
    unpack,
)

MAGICS = (b"GIF87a", b"GIF89a")
_EXTENSION, _PICTURE, _TRAILER = 0x21, 0x2C, 0x3B
_MAX_BLOCKS = 100_000  # of pictures and extensions: hours of animation


def read_header(data: bytes) -> Header:
    """Size of the logical screen, or of the first picture where that is larger: decoders make room for both."""
    screen_width, screen_height = unpack("<HH", data, 6, "the gif header")
    left, top, width, height = unpack("<HHHH", data, _first_picture(data) + 1, "a gif picture")
    full_width, full_height = max(screen_width, left + width), max(screen_height, top + height)
    return make_header(
        "gif",
        full_width,
        full_height,
        "palette",
        loading_bytes=PILLOW_GREY_PIXEL_BYTES,
        loaded_bytes=PILLOW_GREY_PIXEL_BYTES,
    )


def only_pixels(data: bytes) -> bytes:
    """The file, if its trailer is reached, or what is no block of a GIF after a picture."""
    for _ in _blocks(data):
        pass
    return data


def _first_picture(data: bytes) -> int:
    for kind, position in _blocks(data):
        if kind == _PICTURE:
            return position
    raise UnreadableImage("gif without a picture")


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """The kind and position of every block up to the trailer; viewers take what no block begins with for one."""
    (flags,) = unpack("B", data, 10, "the gif header")
    position, has_picture = 13 + _colour_table(flags), False
    for _ in range(_MAX_BLOCKS):
        (kind,) = unpack("B", data, position, "a gif without a trailer")
        if kind == _TRAILER or (has_picture and kind not in (_PICTURE, _EXTENSION)):
            return
        has_picture |= kind == _PICTURE
        if kind not in (_PICTURE, _EXTENSION):
            raise UnreadableImage(f"gif with an unknown block {kind:#04x}")
        yield kind, position
        position = _after_sub_blocks(data, position + _block_header(data, kind, position))
    raise UnreadableImage(f"gif with more than {_MAX_BLOCKS} blocks")


def _block_header(data: bytes, kind: int, position: int) -> int:
    """Bytes of a block before its sub-blocks."""
    if kind == _EXTENSION:
        return 2
    (flags,) = unpack("B", data, position + 9, "a gif picture")
    return 11 + _colour_table(flags)


def _colour_table(flags: int) -> int:
    """Bytes of the colour table that flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(data: bytes, position: int) -> int:
    size = 1
    while size:
        (size,) = unpack("B", data, position, "a gif block")
        position += 1 + size
    return position
