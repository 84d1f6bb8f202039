"""What every format's reader gives and raises, and the orientation tag that several of them carry.

Readers work on bytes that nobody vouches for: they index only inside the data, loop at most once over it, and allocate
nothing in proportion to a number found in it.
"""

import re
import struct
from dataclasses import dataclass
from typing import Any, Literal

Mode = Literal["grey", "grey+alpha", "rgb", "rgba", "palette", "cmyk", "lab", "ycc"]
ORIENTATION_TAG = 0x0112
PILLOW_PIXEL_BYTES = 4
"""Pillow keeps a pixel in four bytes, however many channels it has, unless it has one channel only."""
PILLOW_GREY_PIXEL_BYTES = 2
"""Of one channel, in 8 or 16 bits; palettes too."""
RGB_BYTES = 3
"""Of a pixel as `decode` gives it."""
USED_BYTES = RGB_BYTES + 1 + 4
"""Of a pixel whose fingerprint is taken: its grey is there too, in 8 bits and as a float."""
XMP = b"http://ns.adobe.com/xap/1.0/\0"
"""What XMP begins with in a JPEG."""
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)\s*([1-8])\b")
_SHORT = 3
_IFD_ENTRY = 12


class UnreadableImage(ValueError):  # noqa: N818 - reads as what it is where it is caught: `except UnreadableImage`
    """These bytes are not a picture that this project reads; the message says why in a few words."""


class TruncatedImage(UnreadableImage):
    """The bytes begin as a picture and end too soon."""


class TooManyPixels(UnreadableImage):
    """The header announces more pixels than may be decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header of a picture says; nothing was decoded, so it may still be damaged.

    Attributes:
        format: a key of `cic_assets.storage.EXTENSIONS`, told by the magic bytes.
        width: pixels, as displayed: after the EXIF orientation.
        height: likewise.
        mode: what a stored pixel is made of.
        bits: per channel: 1 to 64.
        orientation: the EXIF orientation, 1 to 8; 1 where there is none or it is nonsense.
        inspecting_bytes: the memory, copies of the file in it, that the proof takes which `inspect` makes: that of its
            decoder, of a JPEG at an eighth of its size.
        decoding_bytes: the most that anything takes which is done with its pixels: decoding in full, turning,
            fingerprints.
    """

    format: str
    width: int
    height: int
    mode: Mode
    bits: int = 8
    orientation: int = 1
    inspecting_bytes: int
    decoding_bytes: int

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def shorter_side(self) -> int:
        """Pixels of the shorter side."""
        return min(self.width, self.height)

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height as stored: before the EXIF orientation."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)  # noqa: PLR2004 - EXIF


def make_header(  # the one place where sizes are checked and turned
    image_format: str,
    stored_width: int,
    stored_height: int,
    mode: Mode,
    *,
    bits: int = 8,
    orientation: int = 1,
    loading_bytes: float = PILLOW_PIXEL_BYTES,
    loaded_bytes: float = PILLOW_PIXEL_BYTES,
    proof_bytes: float | None = None,
    used_bytes: float = USED_BYTES,
    more_bytes: int = 0,
) -> Header:
    """A header from the sizes as stored.

    Args:
        image_format: a key of `cic_assets.storage.EXTENSIONS`.
        stored_width: in pixels.
        stored_height: in pixels.
        mode: what a pixel is made of.
        bits: per channel.
        orientation: the EXIF orientation.
        loading_bytes: what its decoder takes for each pixel, the result in it.
        loaded_bytes: what is left of that beside the RGB that is made of it.
        proof_bytes: what its decoder takes for each pixel when it is only to prove that it can.
        used_bytes: what is taken for each pixel of the RGB, that included, once its decoder is done; a second RGB that
            is upright is less than what fingerprints take.
        more_bytes: what its decoder takes besides.

    Raises:
        UnreadableImage: a side is not positive.
    """
    if stored_width < 1 or stored_height < 1:
        raise UnreadableImage(f"{image_format} of {stored_width} x {stored_height} pixels")
    swapped = orientation >= 5  # noqa: PLR2004 - EXIF: 5 to 8 lie on their side
    width, height = (stored_height, stored_width) if swapped else (stored_width, stored_height)
    decoding = max(loading_bytes, loaded_bytes + RGB_BYTES, used_bytes)
    proof = loading_bytes if proof_bytes is None else proof_bytes
    return Header(
        format=image_format,
        width=width,
        height=height,
        mode=mode,
        bits=bits,
        orientation=orientation,
        inspecting_bytes=int(width * height * proof) + more_bytes,
        decoding_bytes=int(width * height * decoding) + more_bytes,
    )


def unpack(layout: str, data: bytes, offset: int, what: str) -> tuple[Any, ...]:
    """`struct.unpack_from`: what stands at an offset.

    Raises:
        TruncatedImage: the data ends before them.
    """
    try:
        return struct.unpack_from(layout, data, offset)
    except (struct.error, OverflowError):
        raise TruncatedImage(f"ends inside {what}, after {len(data)} bytes") from None


def orientation_of(exif: bytes, xmp: bytes) -> int:
    """The orientation, 1 to 8, that EXIF names, or where it names none XMP; 1 if neither does.

    Broken metadata is common in good pictures, so nothing here is an error.
    """
    return exif_orientation(exif) or xmp_orientation(xmp) or 1


def xmp_orientation(xmp: bytes) -> int:
    """The orientation that a packet of XMP names; 0 if it names none."""
    found = _XMP_ORIENTATION.search(xmp)
    return int(found[1]) if found else 0


def exif_orientation(exif: bytes) -> int:
    """The orientation that a block of EXIF (a TIFF header and its first directory) names; 0 if it names none."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:  # noqa: PLR2004 - the TIFF header
        return 0
    (directory,) = struct.unpack_from(order + "I", exif, 4)
    if directory + 2 > len(exif):
        return 0
    (count,) = struct.unpack_from(order + "H", exif, directory)
    entries = exif[directory + 2 : directory + 2 + count * _IFD_ENTRY]
    entries = entries[: len(entries) // _IFD_ENTRY * _IFD_ENTRY]
    for tag, kind, _, value, _ in struct.iter_unpack(order + "HHIHH", entries):
        if tag == ORIENTATION_TAG:
            return value if kind == _SHORT and 1 <= value <= 8 else 0  # noqa: PLR2004 - EXIF
    return 0
