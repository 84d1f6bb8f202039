"""Pictures: what bytes are, their pixels, their fingerprint, their size for training, and sheets of them.

Bytes come from anybody. Nothing here downloads, stores, or knows what a picture is used for.
"""

from cic_assets.images.contact_sheet import Tile, contact_sheet, pair_sheet
from cic_assets.images.decode import Rgb, decode
from cic_assets.images.encode import encode_jpeg
from cic_assets.images.fingerprint import Fingerprint, fingerprint, fingerprint_pixels
from cic_assets.images.formats.common import Header, TooManyPixels, TruncatedImage, UnreadableImage
from cic_assets.images.header import read_header
from cic_assets.images.inspect import Inspection, inspect
from cic_assets.images.resize import prepare, resize_and_crop
from cic_assets.images.settings import PIXEL_CEILING, ImageLimits

__all__ = [
    "PIXEL_CEILING",
    "Fingerprint",
    "Header",
    "ImageLimits",
    "Inspection",
    "Rgb",
    "Tile",
    "TooManyPixels",
    "TruncatedImage",
    "UnreadableImage",
    "contact_sheet",
    "decode",
    "encode_jpeg",
    "fingerprint",
    "fingerprint_pixels",
    "inspect",
    "pair_sheet",
    "prepare",
    "read_header",
    "resize_and_crop",
]
