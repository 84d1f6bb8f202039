"""Whether one of two files was enlarged from the other: how they lie on each other, and whether it can be told.

It cannot where the smaller shows less than the larger: where it was cut, has a border that the other has not, or is
without its colours. Then the larger is worth its pixels, however soft they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from cic_assets.domain.duplicates.alignment import Picture, laid, picture_of_pixels
from cic_assets.domain.duplicates.registration import Plane, Warp, in_pixels, refined
from cic_assets.domain.duplicates.sharpness import LARGEST_SCALE, SMALLEST_SCALE, Compression, Evidence, compare
from cic_assets.domain.duplicates.windows import Box, Guess
from cic_assets.domain.images import Rgb, decode, quantization_steps, read_header

_CUT = 0.02  # of a side that the smaller may lack: an edge is known to about half of this
_BORDERED = 0.97  # of what of the larger is no border: with less the smaller is bordered, or bordered more
_COLOURFUL, _FADED = 3.0, 0.5  # mean levels from grey that are colour, and the share of them that the smaller needs
_MOST_PIXELS = 20_000_000  # of the larger: comparing them takes some twenty bytes of memory each
_AS_IS = 1.02  # times `LARGEST_SCALE` that is left as it is


@dataclass(frozen=True, slots=True)
class Copy:
    """One of two pictures that show the same.

    Attributes:
        pixels: (rows, columns, 3).
        content: what of it is no border.
        compression: of a JPEG.
    """

    pixels: Rgb
    content: Box
    compression: Compression | None = None


def opened(data: bytes, content: Box, beside: Copy | None = None) -> Copy:
    """A file to be compared.

    Args:
        data: the file.
        content: what of it is no border.
        beside: the smaller one that it is to be compared with: more than about twice its pixels are not needed.

    Raises:
        UnreadableImage: see `images.decode`.
    """
    pixels = decode(data, shortest_side=2 * min(beside.pixels.shape[:2]) if beside else None)
    steps = quantization_steps(data)
    scale = read_header(data).shorter_side / min(pixels.shape[:2])
    return Copy(pixels, content, None if steps is None else Compression(steps, scale))


def evidence_of(larger: Copy, smaller: Copy, guesses: Iterable[Guess]) -> Evidence | None:
    """What the pixels of two copies say about whether the larger was enlarged from the smaller.

    Args:
        larger: the one with more pixels.
        smaller: the other.
        guesses: how they may lie on each other, the larger first; the first that holds counts.

    Returns:
        None where nothing can be said: they cannot be laid on each other, the smaller shows less, its scale is nearly
        that of the larger, or they have more pixels than any usual copies.
    """
    if max(larger.pixels.size, smaller.pixels.size) > 3 * _MOST_PIXELS:
        return None
    one, other = (picture_of_pixels(copy.pixels, copy.content) for copy in (larger, smaller))
    if not _may_replace(one, other):
        return None
    for guess in guesses:
        if (found := laid(one, other, guess)) is not None:
            shares = found.astype(np.float64)
            is_whole = _covers(other.content.oriented(guess.orientation), one.content, shares)
            small = guess.orientation.held(smaller.pixels)
            return _measured(larger.pixels, small, shares, larger.compression) if is_whole else None
    return None


def _may_replace(larger: Picture, smaller: Picture) -> bool:
    """Whether the smaller has no more border than the larger, and its colours."""
    strengths = [float(np.hypot(*np.moveaxis(one.colour, -1, 0)).mean()) for one in (larger, smaller)]
    has_colours = strengths[0] < _COLOURFUL or strengths[1] >= _FADED * strengths[0]
    return has_colours and smaller.content.area >= _BORDERED * larger.content.area


def _covers(held: Box, content: Box, shares: Warp) -> bool:
    """Whether all that is no border of the larger is in the smaller."""
    edges = np.array([(x, y, 1) for x in (content.left, content.right) for y in (content.top, content.bottom)])
    x, y = shares @ edges.T
    return bool(
        x.min() >= held.left - _CUT and y.min() >= held.top - _CUT
        and x.max() <= held.right + _CUT and y.max() <= held.bottom + _CUT
    )  # fmt: skip


def _measured(large: Rgb, small: Rgb, shares: Warp, compression: Compression | None) -> Evidence | None:
    larger, smaller = _grey(large), _grey(small)
    lies = in_pixels(shares, larger.shape, smaller.shape)
    scales = 1 / lies[0, 0], 1 / lies[1, 1]
    if min(scales) < SMALLEST_SCALE * 0.97:  # shares are known to so much
        return None
    if max(scales) > _AS_IS * LARGEST_SCALE:
        by = [min(1.0, LARGEST_SCALE / scale) for scale in scales]
        shrunk = cv2.resize(larger, None, fx=by[0], fy=by[1], interpolation=cv2.INTER_AREA)
        larger = np.asarray(shrunk, np.float32)
        compression = compression and compression._replace(scale=compression.scale / min(by))
        lies = in_pixels(shares, larger.shape, smaller.shape)
    better = refined(larger, smaller, lies)
    return None if better is None else compare(larger, smaller, better, compression)


def _grey(rgb: Rgb) -> Plane:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)
