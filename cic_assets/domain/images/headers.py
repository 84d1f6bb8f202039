"""The header of a picture: format, size, channels, orientation, without decoding a pixel.

The readers are our own (`formats/`), not Pillow's lazy open: that one sets up whole decoders for some formats, unpacks
compressed text for others, makes numbers of whatever a TIFF points to, and guards itself by process-wide settings and
warnings, which threads cannot share. AVIF and HEIC alone are opened by their plugins, once their boxes are found whole.
"""

from dataclasses import replace
from types import ModuleType

from cic_assets.domain.images.formats import bmp, gif, isobmff, jpeg, png, tiff, webp
from cic_assets.domain.images.formats.common import Header, UnreadableImage

READERS: dict[str, ModuleType] = {
    "jpeg": jpeg, "png": png, "gif": gif, "webp": webp, "bmp": bmp, "tiff": tiff, "avif": isobmff, "heif": isobmff,
}  # fmt: skip
"""By format what reads its header, and gives its pixels alone."""
_COPIES = 2
"""Of the file: what is left of it without metadata, and what its decoder holds."""


def read_header(data: bytes) -> Header:
    """What the header of a picture says. The magic bytes decide on the format; names and content types do not count.

    Raises:
        UnreadableImage: not a picture in one of these formats, or its header is broken.
        TruncatedImage: the data ends inside the header.
    """
    image_format = sniff(data)
    if image_format is None:
        raise UnreadableImage(describe(data))
    header: Header = READERS[image_format].read_header(data)
    return replace(
        header,
        inspecting_bytes=header.inspecting_bytes + _COPIES * len(data),
        decoding_bytes=header.decoding_bytes + _COPIES * len(data),
    )


def sniff(data: bytes) -> str | None:
    """The format that the first bytes tell, a key of `cic_assets.storage.EXTENSIONS`; None for any other."""
    if data.startswith(jpeg.MAGIC):
        return "jpeg"
    if data.startswith(png.MAGIC):
        return "png"
    if data.startswith(gif.MAGICS):
        return "gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith(tiff.MAGICS):
        return "tiff"
    return "bmp" if data.startswith(bmp.MAGIC) else isobmff.format_of(data)


def describe(data: bytes) -> str:
    """What bytes that are no picture of ours seem to be, in a few words for a person."""
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not data:
        return "no bytes"
    if data[4:8] == b"ftyp":
        return f"a video (kind {data[8:12].decode('ascii', 'replace')!r})"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page"
    if start.startswith((b"<?xml", b"<svg")):
        return "XML or SVG"
    if start.startswith((b"{", b"[")):
        return "JSON"
    return f"unknown: begins with {data[:8].hex(' ')}"
