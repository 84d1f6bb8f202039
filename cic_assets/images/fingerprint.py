"""Everything that duplicate search and quality checks ask of a picture, from one reduced decode.

The perceptual hash is pHash as the `imagehash` library defines it (`phash(hash_size=8 or 16, highfreq_factor=4)`), of
the upright picture: grey, Lanczos to 32 x 32 (64 x 64), the 8 x 8 (16 x 16) lowest frequencies of its cosine transform,
each bit whether one is above their median. Ours computes those frequencies alone, and gets the mirrored picture's hash
from the same ones: a mirror only changes the sign of every odd column.
"""

import hashlib
from dataclasses import asdict, dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cic_assets.images.decode import Rgb, decode_stored, reduction_for, upright
from cic_assets.images.header import read_header

PREVIEW_SIDE = 256
"""Shortest side, in pixels, at which pixels are compared and quality is measured, so that sizes are comparable."""

_HIGH_FREQUENCY_FACTOR = 4  # imagehash's default: the transform is of a square four times the hash's side
_FLAT_LEVELS = 2  # JPEG noise moves a flat area by about this many of 256 levels


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What identifies one picture, and how good it is.

    Attributes:
        phash: 64 bits; bit 63 is the lowest frequency, as `int(str(imagehash.phash(image)), 16)`.
        phash_mirrored: the same of the picture mirrored left to right.
        phash256: 256 bits as 32 bytes, first byte first, as `bytes.fromhex(str(imagehash.phash(image, 16)))`;
            `np.frombuffer(phash256, ">u8")` gives four words.
        phash256_mirrored: likewise.
        pixels_sha256: hexadecimal SHA-256 of the pixels at preview size: equal for copies that differ in metadata only.
        width: true pixels, upright.
        height: likewise.
        sharpness: variance of the Laplacian of the grey preview: under about 50 blurred, over 1000 crisp.
        flatness: share (0 to 1) of the preview within two grey levels of its commonest: near 1 a single colour.
        brightness: mean grey level, 0 (black) to 1 (white).
        contrast: standard deviation of the grey levels, 0 to 0.5.
    """

    phash: int
    phash_mirrored: int
    phash256: bytes
    phash256_mirrored: bytes
    pixels_sha256: str
    width: int
    height: int
    sharpness: float
    flatness: float
    brightness: float
    contrast: float

    def row(self) -> dict[str, int | bytes | str | float]:
        """One row of a table; the column names are the attributes' names. `phash` fits numpy's and Parquet's uint64."""
        return asdict(self)


def fingerprint(data: bytes) -> Fingerprint:
    """The fingerprint of a file.

    Raises:
        UnreadableImage: see `decode`.
    """
    header = read_header(data)
    stored = decode_stored(data, header, reduction_for(header, PREVIEW_SIDE))
    return _fingerprint(np.ascontiguousarray(upright(stored, header.orientation)), header.width, header.height)


def fingerprint_pixels(rgb: Rgb) -> Fingerprint:
    """The fingerprint of pixels, (height, width, 3) in uint8, that were decoded already."""
    return _fingerprint(np.ascontiguousarray(rgb), rgb.shape[1], rgb.shape[0])


def _fingerprint(rgb: Rgb, width: int, height: int) -> Fingerprint:
    grey = Image.fromarray(rgb).convert("L")
    preview = _preview(rgb)
    preview_grey = cv2.cvtColor(preview, cv2.COLOR_RGB2GRAY)
    phash, phash_mirrored = _phashes(grey, 8)
    phash256, phash256_mirrored = _phashes(grey, 16)
    return Fingerprint(
        phash=int.from_bytes(phash),
        phash_mirrored=int.from_bytes(phash_mirrored),
        phash256=phash256,
        phash256_mirrored=phash256_mirrored,
        pixels_sha256=hashlib.sha256(preview.tobytes()).hexdigest(),
        width=width,
        height=height,
        sharpness=float(cv2.Laplacian(preview_grey, cv2.CV_64F).var()),
        flatness=_flatness(preview_grey),
        brightness=float(preview_grey.mean()) / 255,
        contrast=float(preview_grey.std()) / 255,
    )


def _preview(rgb: Rgb) -> Rgb:
    """Shortest side to `PREVIEW_SIDE`; a smaller picture as it is."""
    height, width = rgb.shape[:2]
    scale = PREVIEW_SIDE / min(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _flatness(grey: NDArray[np.generic]) -> float:
    levels = np.bincount(grey.ravel(), minlength=256)
    around = np.convolve(levels, np.ones(2 * _FLAT_LEVELS + 1, np.int64), mode="same")
    return float(around.max() / grey.size)


def _phashes(grey: Image.Image, hash_size: int) -> tuple[bytes, bytes]:
    """The pHash of a grey picture and of its mirror image, each `hash_size` squared bits, most significant first."""
    side = hash_size * _HIGH_FREQUENCY_FACTOR
    pixels = np.asarray(grey.resize((side, side), Image.Resampling.LANCZOS), np.float64)
    basis = _cosines(hash_size, side)
    frequencies = basis @ pixels @ basis.T
    mirrored = frequencies * (-1.0) ** np.arange(hash_size)
    return _bits(frequencies), _bits(mirrored)


def _bits(frequencies: NDArray[np.float64]) -> bytes:
    return np.packbits(frequencies > np.median(frequencies)).tobytes()


@cache
def _cosines(rows: int, side: int) -> NDArray[np.float64]:
    """The first rows of the type-II cosine transform in scipy's scale: `y[k] = 2 sum x[n] cos(pi k (2n+1) / 2N)`."""
    k, n = np.arange(rows)[:, np.newaxis], np.arange(side)
    return 2 * np.cos(np.pi * k * (2 * n + 1) / (2 * side))
