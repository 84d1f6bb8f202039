"""Pictures: what bytes are, their pixels, their fingerprint, their size for training, and sheets of them.

Bytes come from anybody. Nothing here downloads, stores, or knows what a picture is used for.
"""

from cic_assets.domain.images.contact_sheets import Tile, contact_sheet, pair_sheet
from cic_assets.domain.images.decoding import decode
from cic_assets.domain.images.encoding import encode_jpeg, is_encoded_here
from cic_assets.domain.images.fingerprints import Examined, Fingerprint, examine, fingerprint, hash_pixels
from cic_assets.domain.images.formats.common import Header, TooManyPixels, TruncatedImage, UnreadableImage
from cic_assets.domain.images.formats.isobmff import reads_heic
from cic_assets.domain.images.headers import read_header
from cic_assets.domain.images.inspection import Inspection, inspect, inspect_header, judge_size
from cic_assets.domain.images.leaving_out import CANNOT_BE_READ, OnLeftOut, why_left_out
from cic_assets.domain.images.pixels import Rgb
from cic_assets.domain.images.quantization import quantization_steps
from cic_assets.domain.images.resizing import prepare, prepared_jpeg, prepared_pixels, resize_and_crop, shrink
from cic_assets.domain.images.settings import PIXEL_CEILING, ImageLimits

__all__ = [
    "CANNOT_BE_READ", "PIXEL_CEILING", "Examined", "Fingerprint", "Header", "ImageLimits", "Inspection", "OnLeftOut",
    "Rgb", "Tile", "TooManyPixels", "TruncatedImage", "UnreadableImage", "contact_sheet", "decode", "encode_jpeg",
    "examine", "fingerprint", "hash_pixels", "inspect", "inspect_header", "is_encoded_here", "judge_size", "pair_sheet",
    "prepare", "prepared_jpeg", "prepared_pixels", "quantization_steps", "read_header", "reads_heic", "resize_and_crop",
    "shrink", "why_left_out",
]  # fmt: skip
