"""How pictures come back: copied, recompressed, shrunk, mirrored, cut.

A table of ways, each with what to expect of a finder of duplicates.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from cic_assets.domain.images import Rgb, decode, encode_jpeg


@dataclass(frozen=True, slots=True)
class Way:
    """A way to repeat a picture.

    Attributes:
        kind: its word in truth.csv.
        need: "must" or "should": see docs/archive-format.md.
        repeat: from the file to the file of the copy.
    """

    kind: str
    need: str
    repeat: Callable[[bytes], bytes]


def _again(change: Callable[[Rgb], Rgb], quality: int = 85) -> Callable[[bytes], bytes]:
    def repeat(data: bytes) -> bytes:
        return encode_jpeg(np.ascontiguousarray(change(decode(data))), quality)

    return repeat


def _half(picture: Rgb) -> Rgb:
    height, width = picture.shape[:2]
    return np.asarray(cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


def _cropped(share: float) -> Callable[[Rgb], Rgb]:
    def cut(picture: Rgb) -> Rgb:
        down, across = (round(side * share / 2) for side in picture.shape[:2])
        return picture[down : picture.shape[0] - down, across : picture.shape[1] - across]

    return cut


def _grey(picture: Rgb) -> Rgb:
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2).astype(np.uint8)


def _brighter(picture: Rgb) -> Rgb:
    return np.asarray(np.round(255 * (picture.astype(np.float32) / 255) ** 0.8), np.uint8)


def _watermarked(picture: Rgb) -> Rgb:
    marked = picture.copy()
    height, width = marked.shape[:2]
    spot = (round(width * 0.03), round(height * 0.96))
    cv2.putText(
        marked, "drawn by a friend", spot, cv2.FONT_HERSHEY_DUPLEX, width / 1200, (240, 240, 240), 1, cv2.LINE_AA
    )
    return marked


def _letterboxed(picture: Rgb) -> Rgb:
    bar = picture.shape[0] // 9
    return np.asarray(cv2.copyMakeBorder(picture, bar, bar, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0)), np.uint8)


WAYS: tuple[Way, ...] = (
    Way("byte_identical", "must", lambda data: data),
    Way("jpeg_q30", "must", _again(lambda picture: picture, 30)),
    Way("half_size", "must", _again(_half)),
    Way("grayscale", "must", _again(_grey)),
    Way("gamma", "must", _again(_brighter)),
    Way("watermark", "must", _again(_watermarked)),
    Way("mirror", "should", _again(lambda picture: picture[:, ::-1])),
    Way("crop_5", "should", _again(_cropped(0.05))),
    Way("crop_10", "should", _again(_cropped(0.10))),
    Way("letterbox", "should", _again(_letterboxed)),
)
"""All ways, in the order in which they are used."""

CONFLICT = Way("label_conflict", "conflict", _again(lambda picture: picture, 75))
"""The same picture posted under another class."""
