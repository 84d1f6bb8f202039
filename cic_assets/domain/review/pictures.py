"""Pictures as they are shown: encoded again, so that nothing that came with a file goes out, and of a bounded size."""

from cic_assets.domain.images import decode, encode_jpeg, read_header, shrink

SIDE = 1024
"""Pixels of the longer side at most: what fills a screen, and is a tenth of what came."""
QUALITY = 85


def shown_copy(data: bytes) -> bytes:
    """A JPEG of a picture, upright, its longer side at most `SIDE` pixels.

    Raises:
        UnreadableImage: as `decode`.
        TooManyPixels: likewise.
    """
    header = read_header(data)
    shorter = max(1, round(SIDE * header.shorter_side / max(header.width, header.height)))
    return encode_jpeg(shrink(decode(data, shortest_side=shorter), SIDE), QUALITY)
