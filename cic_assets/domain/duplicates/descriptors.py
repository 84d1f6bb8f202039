"""What is kept of a picture besides its fingerprint, by which crops, letterboxes and repaints are recognised.

Even borders are found and left out of the content; the whole and the content are kept as thumbnails with evened tones,
and the colours as a coarse grid. No hashing and no comparing here.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.images import Rgb

Grey = NDArray[np.uint8]

SIDE = 32
"""Pixels of a thumbnail's side, the size from which pHash computes 64 bits."""
COLOUR_SIDE = 8
"""Cells of the colour grid's side: coarse enough not to see recompression, fine enough to see a car."""
_COLOUR_SAMPLES = 12  # to a cell's side
_GREY_SAMPLES = 4  # to a thumbnail pixel's side, each of four pixels
_CLIP = 4  # times the mean count; from 2 to 8 copies were found equally well
_BORDER_LEVELS = 8  # JPEG noise in a border stays within this many of 256 levels of its colour
_BORDER_SHARE = 0.98  # of a line; ringing from the picture reaches into some of it
_BORDER_STEP = 10  # mean levels by which the picture differs where it begins: a sky fades, a border ends
_SMALLEST_CONTENT = 0.4  # of a side: what leaves less is no border but a subject on an even ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """What the crops are made of, kept with a picture's fingerprint.

    Attributes:
        content_left, content_top, content_right, content_bottom: an edge of the picture without even borders, as a
            share of its side.
        thumbnail: 32 x 32 bytes, row by row: the whole in grey, each tone replaced by its rank (see `even_tones`).
        content_thumbnail: the same of the content, which is the whole again where there is no border.
        colours: 8 x 8 x 2 bytes: Cr and Cb of the whole picture's cells, as uint8 around 128.
    """

    content_left: float
    content_top: float
    content_right: float
    content_bottom: float
    thumbnail: bytes
    content_thumbnail: bytes
    colours: bytes


def descriptors_of(rgb: Rgb, grey: Grey) -> Descriptors:
    """The look of a picture.

    Args:
        rgb: its pixels, (height, width, 3).
        grey: a preview, as of `images.examine`: large enough that a border of 2 % is some lines.
    """
    top, bottom = _borders(grey)
    left, right = _borders(grey[top : len(grey) - bottom].T)
    height, width = grey.shape
    content = grey[top : height - bottom, left : width - right]
    whole = _thumbnail(grey)
    return Descriptors(
        content_left=left / width,
        content_top=top / height,
        content_right=1 - right / width,
        content_bottom=1 - bottom / height,
        thumbnail=whole,
        content_thumbnail=whole if content.shape == grey.shape else _thumbnail(content),
        colours=_colours(rgb),
    )


def _colours(rgb: Rgb) -> bytes:
    cells = _means(rgb, COLOUR_SIDE, _COLOUR_SAMPLES)
    return np.asarray(cv2.cvtColor(cells, cv2.COLOR_RGB2YCrCb), np.uint8)[..., 1:].tobytes()


def _thumbnail(grey: Grey) -> bytes:
    return even_tones(_means(grey, SIDE, _GREY_SAMPLES)).tobytes()


def _means(pixels: NDArray[np.uint8], side: int, samples: int) -> NDArray[np.uint8]:
    """A square of means, each of so many evenly spread samples to a side: to average all takes five times as long."""
    spread = cv2.resize(pixels, (side * samples, side * samples), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(spread, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def even_tones(grey: Grey) -> Grey:
    """Each level replaced by its rank, 0 to 255, which brightening, gamma and contrast hardly change.

    The histogram is clipped, as in contrast-limited equalisation: else the noise of a white ground would be spread
    over half of all levels.
    """
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    limit = _CLIP * grey.size / len(counts)
    for _ in range(3):  # what is cut off is given to all levels, which lifts some over the limit again, by less
        counts = np.minimum(counts, limit) + np.maximum(counts - limit, 0).sum() / len(counts)
    ranks = (np.cumsum(counts) - counts / 2) / grey.size
    return np.round(ranks * 255).astype(np.uint8)[grey]


def _borders(grey: Grey) -> tuple[int, int]:
    """Lines of an even border before the first and after the last line of the picture; 0 where there is none."""
    before, after = _border(grey), _border(grey[::-1])
    too_much = before + after > (1 - _SMALLEST_CONTENT) * len(grey)
    return (0, 0) if too_much else (before, after)


def _border(lines: Grey) -> int:
    """Lines of one colour from the first on, and one that may be so in part; 0 if no picture begins at once."""
    colour = _median(lines[0])
    if not _are_even(lines[:1], colour).all():  # as of most pictures, without a look at the rest
        return 0
    even = _are_even(lines, colour)
    if even.all():
        return 0
    count = int(even.argmin())
    begins = np.abs(lines[count : count + 3].astype(np.float32) - lines[count - 1])
    return count + 1 if begins.mean() >= _BORDER_STEP else 0


def _median(levels: Grey) -> float:
    middle = np.sort(levels)[(len(levels) - 1) // 2 : len(levels) // 2 + 1]
    return float(middle.mean())


def _are_even(lines: Grey, colour: float) -> NDArray[np.bool_]:
    """Whether each line is of a colour, but for some of its pixels."""
    darkest, brightest = math.ceil(colour - _BORDER_LEVELS), math.floor(colour + _BORDER_LEVELS)
    like = (lines >= darkest) & (lines <= brightest)
    return np.asarray(np.count_nonzero(like, axis=1) >= _BORDER_SHARE * lines.shape[1])
