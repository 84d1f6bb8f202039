"""Whether two pictures show the same pixels once one is laid on the other: for crops, letterboxes, mirrors and turns.

A guess of which part of one is which part of the other is refined by maximising their correlation (Evangelidis and
Psarakis, "Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization", 2008). Then both are
compared in small blocks, each on its own: another car before the same wall fails in the blocks of the car, however well
the wall agrees, and brightness, contrast and recompression leave the correlation within a block as it is.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.duplicates.windows import Box, Guess, Orientation
from cic_assets.domain.images import Rgb, decode

SIDE = 128
"""Pixels of the square on which pictures are compared."""

Plane = NDArray[np.float32]
Warp = NDArray[np.float32]

_COARSE = SIDE // 2
_BLOCK = SIDE // 8
_BLUR = 5  # pixels, of the alignment: wide enough to pull from where a window of the grid was off
_ITERATIONS = 20  # copies need 5 to 10
_SMALLEST_CORRELATION = 0.5  # of all that overlaps, blurred: copies have 0.9, and most others not this
_BLOCK_COVER = 0.7  # share of a block's pixels that both pictures must have
_TEXTURE = 4.0  # levels of standard deviation: an evener block says nothing
_FEWEST_BLOCKS = 10  # of 64; on fewer, pictures of one kind (a car on white) are too easily alike
_SMALLEST_OVERLAP = 0.4
_LEFT_OUT = 0.2  # of the blocks: room for a watermark, a caption or a sticker, and not for another car


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on a square.

    Attributes:
        grey: (SIDE, SIDE), float32, 0 to 255.
        colour: (SIDE, SIDE, 2), float32, Cr and Cb around 0.
        content: the part that is no border: only that is compared.
    """

    grey: Plane
    colour: Plane
    content: Box

    def oriented(self, orientation: Orientation) -> "Picture":
        """Mirrored and turned."""
        planes = [plane[:, ::-1] if orientation.is_mirrored else plane for plane in (self.grey, self.colour)]
        grey, colour = (np.ascontiguousarray(np.rot90(plane, orientation.turns)) for plane in planes)
        return Picture(grey, colour, self.content.oriented(orientation))


def picture_of(data: bytes, content: Box) -> Picture:
    """Read a picture for comparison.

    Raises:
        UnreadableImage: see `images.decode`.
    """
    return picture_of_pixels(decode(data, shortest_side=SIDE), content)


def picture_of_pixels(rgb: Rgb, content: Box) -> Picture:
    """A picture for comparison from its pixels, (height, width, 3)."""
    square = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(square, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    return Picture(np.ascontiguousarray(planes[..., 0]), np.ascontiguousarray(planes[..., 1:] - 128), content)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two pictures where they overlap, the second laid on the first.

    Attributes:
        correlation: what all blocks but a fifth reach at least, -1 to 1.
        share: of the first picture that is covered, 0 to 1.
        same_colours: whether no part of it has another colour; always so where one is without colour.
    """

    correlation: float
    share: float
    same_colours: bool


def overlap(one: Picture, other: Picture, guess: Guess) -> Overlap | None:
    """How well two pictures agree where a guess lays them on each other, or None where there is nothing to compare."""
    other = other.oriented(guess.orientation)
    warp = _aligned(one, other, _warp_of(guess.one, guess.other.oriented(guess.orientation)))
    if warp is None:
        return None
    covered = (_warped(_inside(other.content, SIDE), warp) > _ALL) & (_inside(one.content, SIDE) > 0)
    if covered.mean() < _SMALLEST_OVERLAP:
        return None
    correlations = _block_correlations(one.grey, _warped(other.grey, warp), covered)
    if len(correlations) < _FEWEST_BLOCKS:
        return None
    colours = _block_means(one.colour), _block_means(_warped(other.colour, warp))
    return Overlap(
        correlation=float(np.quantile(correlations, _LEFT_OUT)),
        share=float(covered.mean()),
        same_colours=not other_colours(*(cells[_covered_blocks(covered)] for cells in colours)),
    )


_ALL = 0.999  # but for rounding
_COLOURFUL = 1.5  # mean levels from grey: below, a picture is black and white, which copies may be
_OTHER_COLOUR = 12.0  # levels of Cr and Cb between two cells, beyond what a tint and another saturation explain
_SATURATION = 0.45  # of the stronger colour, which may be twice as saturated as the other
_FADED = 3.0  # times, over the whole picture
_OTHER_SHARE = (
    0.06  # of the cells: copies of all kinds have 0, a car that fills a quarter of the picture four times this
)


def other_colours(one: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    """Whether parts of two pictures have different colours: the same drawing, say, with a car in another paint.

    Args:
        one: (cells, 2) means of Cr and Cb around 0.
        other: the same cells of the other picture.
    """
    strength = np.hypot(one[:, 0], one[:, 1]), np.hypot(other[:, 0], other[:, 1])
    if min(side.mean() for side in strength) < _COLOURFUL:
        return False
    # A faded copy is brought to the other's strength, within reason.
    strongest = max(side.mean() for side in strength)
    gains = [min(strongest / side.mean(), _FADED) for side in strength]
    one, other, strength = one * gains[0], other * gains[1], (strength[0] * gains[0], strength[1] * gains[1])
    difference = one - other
    apart = np.hypot(*(difference - np.median(difference, axis=0)).T)
    return bool((apart > _OTHER_COLOUR + _SATURATION * np.maximum(*strength)).mean() > _OTHER_SHARE)


def laid(one: Picture, other: Picture, guess: Guess) -> Warp | None:
    """Where two pictures lie on each other: from shares of the first to shares of the second, as a guess holds it.

    None where they have nothing in common there.
    """
    held = other.oriented(guess.orientation)
    warp = _aligned(one, held, _warp_of(guess.one, guess.other.oriented(guess.orientation)))
    return None if warp is None else _to_shares(warp, SIDE)


def _warp_of(one: Box, other: Box) -> Warp:
    """The affine map from shares of the first picture to shares of the second."""
    scale_x = (other.right - other.left) / (one.right - one.left)
    scale_y = (other.bottom - other.top) / (one.bottom - one.top)
    return np.array(
        [[scale_x, 0, other.left - scale_x * one.left], [0, scale_y, other.top - scale_y * one.top]], np.float32
    )


def _aligned(one: Picture, other: Picture, shares: Warp) -> Warp | None:
    """The refined map, in pixels of the square: first on half the pixels, which forgives more, then on all."""
    coarse = _refined(_halved(one.grey), _halved(other.grey), other.content, _to_pixels(shares, _COARSE))
    if coarse is None:
        return None
    return _refined(one.grey, other.grey, other.content, _to_pixels(_to_shares(coarse, _COARSE), SIDE))


def _halved(plane: Plane) -> Plane:
    return np.asarray(cv2.resize(plane, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA), np.float32)


def _refined(one: Plane, other: Plane, content: Box, warp: Warp) -> Warp | None:
    mask = _inside(content, len(one)).astype(np.uint8)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _ITERATIONS, 1e-4)
    try:
        correlation, refined = cv2.findTransformECC(
            one, other, warp, cv2.MOTION_AFFINE, criteria, inputMask=mask, gaussFiltSize=_BLUR
        )
    except cv2.error:  # it does not converge where pictures have nothing in common
        return None
    return np.asarray(refined, np.float32) if correlation >= _SMALLEST_CORRELATION else None


def _to_pixels(shares: Warp, side: int) -> Warp:
    """From shares to pixels, whose centres are at whole numbers: the middle of the first one is half a pixel in."""
    pixels = shares.copy()
    pixels[:, 2] = shares[:, 2] * side + (shares[:, 0] + shares[:, 1]) / 2 - 0.5
    return pixels


def _to_shares(pixels: Warp, side: int) -> Warp:
    shares = pixels.copy()
    shares[:, 2] = (pixels[:, 2] + 0.5 - (pixels[:, 0] + pixels[:, 1]) / 2) / side
    return shares


def _inside(box: Box, side: int) -> Plane:
    """1 in the pixels of a square that are wholly in a box, 0 elsewhere."""
    inside = np.zeros((side, side), np.float32)
    left, top = math.ceil(box.left * side), math.ceil(box.top * side)
    inside[top : math.floor(box.bottom * side), left : math.floor(box.right * side)] = 1
    return inside


def _warped(plane: Plane, warp: Warp) -> Plane:
    """The second picture as it lies on the first; 0 where there is nothing of it."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, warp, (SIDE, SIDE), flags=flags), np.float32)


def _block_correlations(one: Plane, other: Plane, covered: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The correlation of each block that is covered and has texture in either picture."""
    weights = _blocks(covered.astype(np.float64))
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1)

    def deviations(plane: Plane) -> NDArray[np.float64]:
        values = _blocks(plane.astype(np.float64))
        means = (values * weights).sum(axis=1, keepdims=True) / total
        return np.asarray((values - means) * weights)

    first, second = deviations(one), deviations(other)
    energies = (first**2).sum(axis=1), (second**2).sum(axis=1)
    textured = np.sqrt(np.maximum(*energies) / total[:, 0]) > _TEXTURE
    compared = textured & (weights.mean(axis=1) >= _BLOCK_COVER)
    products = (first * second).sum(axis=1) / np.sqrt(energies[0] * energies[1] + 1e-6)
    return np.asarray(products[compared])


def _covered_blocks(covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(_blocks(covered.astype(np.float64)).mean(axis=1) >= _BLOCK_COVER)


def _block_means(colour: Plane) -> NDArray[np.float64]:
    """(blocks, 2) means of two planes."""
    return np.stack([_blocks(colour[..., plane].astype(np.float64)).mean(axis=1) for plane in range(2)], axis=1)


def _blocks(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """A square as its blocks: (blocks, pixels of one)."""
    count = SIDE // _BLOCK
    return np.asarray(plane.reshape(count, _BLOCK, count, _BLOCK).swapaxes(1, 2).reshape(count * count, -1))
