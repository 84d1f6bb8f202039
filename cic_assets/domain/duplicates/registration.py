"""Where each pixel of one copy lies on another, to a small part of a pixel.

`alignment` lays squares of 128 pixels on each other. That is some tenths of a pixel of a photo off: enough to see
whether two are one picture, too much to compare their finest detail.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""(rows, columns), grey, 0 to 255."""
Warp = NDArray[np.float64]
"""(2, 3), affine; a place in pixels is (x, y), and (0, 0) is the middle of the first one."""
Size = tuple[int, int]
"""Rows and columns."""

_TILE = 64  # pixels of the smaller
_TILES = 24
_NUDGES, _NUDGED = 2, 12  # times, and by so many of the tiles
_BLUR = 1.0  # pixels: what differs in sharpness is not to be taken for what lies beside
_FEWEST = 6
_FARTHEST = 8.0  # pixels that a tile may lie beside where it was thought to be
_STRAY = 0.35  # pixels from where the others say that it is: it has moved, or nothing in it tells
_WHOLE = 0.1  # pixels: nearer than this to where it lies if nothing was cut, nothing was


def in_pixels(shares: Warp, of: Size, on: Size) -> Warp:
    """A map between shares of sides as one between pixels.

    Args:
        shares: from shares of the first picture to shares of the second.
        of: size of the first.
        on: size of the second.
    """
    sides, others = np.array(of[::-1]), np.array(on[::-1])
    linear = shares[:, :2] * others[:, np.newaxis] / sides
    return np.column_stack([linear, others * shares[:, 2] + linear @ [0.5, 0.5] - 0.5])


def whole_on_whole(of: Size, on: Size) -> Warp:
    """From pixels of a picture to those of another size of it."""
    return in_pixels(np.eye(2, 3), of, on)


def inverse(warp: Warp) -> Warp:
    """The way back."""
    return np.asarray(cv2.invertAffineTransform(warp), np.float64)


def refined(larger: Plane, smaller: Plane, lies: Warp) -> Warp | None:
    """A better map from pixels of the larger to pixels of the smaller; None where tiles do not agree on one.

    Small tiles are laid on each other, each by itself, and the map is fitted to where they lie.
    """
    side = min(_TILE, *(length // 2 for length in smaller.shape))
    corners = _textured(smaller, side)
    there = _laid(larger, smaller, lies)
    window = cv2.createHanningWindow((side, side), cv2.CV_32F)
    shifts = []
    for y, x in corners.tolist():
        tile = np.s_[y : y + side, x : x + side]
        one, other = np.ascontiguousarray(smaller[tile]), np.ascontiguousarray(there[tile])
        shifts.append(cv2.phaseCorrelate(one, other, window)[0])
    moved, middles = np.array(shifts), corners[:, ::-1] + (side - 1) / 2
    kept = np.abs(moved).max(axis=1) < _FARTHEST
    for _ in range(3):
        if kept.sum() < min(_FEWEST, len(corners)):
            return None
        shift = _fitted(middles[kept], moved[kept])
        off = np.abs(_with_ones(middles) @ shift.T - moved).max(axis=1)
        kept = off < max(_STRAY, float(np.median(off)))
    if np.median(off) > _STRAY:
        return None
    # What the smaller has at p was found at p + shift(p): the larger has it where the old map leads from there.
    better = inverse(_then(np.eye(2, 3) + shift, inverse(lies)))
    for _ in range(_NUDGES):
        better = _nudged(larger, smaller, better, corners[:_NUDGED], side)
    whole = whole_on_whole(larger.shape, smaller.shape)
    edges = np.array([(x, y) for x in (0, larger.shape[1]) for y in (0, larger.shape[0])], np.float64)
    is_whole = np.abs(_with_ones(edges) @ (better - whole).T).max() < _WHOLE
    return whole if is_whole else better


def _nudged(larger: Plane, smaller: Plane, lies: Warp, corners: NDArray[np.int64], side: int) -> Warp:
    """A map that is right to some hundredths of a pixel, from one that is to a part of one (Lucas and Kanade, 1981)."""
    there, here = (cv2.GaussianBlur(plane, (0, 0), _BLUR) for plane in (_laid(larger, smaller, lies), smaller))
    slopes = [cv2.Sobel(there, cv2.CV_32F, *order, ksize=3) / 8 for order in ((1, 0), (0, 1))]
    within = np.zeros(smaller.shape, bool)
    for y, x in corners.tolist():
        within[y : y + side, x : x + side] = True
    y, x = np.nonzero(within)
    across, down, value = (plane[within].astype(np.float64) for plane in (*slopes, there))
    parts = np.column_stack([across * x, across, down * y, down, value, np.ones(len(x))])
    # Of the smaller: the larger where it lies, as bright, and what a shift that grows along each axis adds to it.
    products = parts.T @ parts
    products += np.diag(np.diag(products)) * 1e-9
    found = np.linalg.solve(products, parts.T @ here[within].astype(np.float64))
    stretch_x, shift_x, stretch_y, shift_y = found[:4] / found[4]
    return inverse(_then(np.array([[1 + stretch_x, 0, shift_x], [0, 1 + stretch_y, shift_y]]), inverse(lies)))


def _laid(larger: Plane, smaller: Plane, lies: Warp) -> Plane:
    """The larger, as it lies on the smaller."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = smaller.shape[::-1]
    return np.asarray(cv2.warpAffine(larger, inverse(lies), size, flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _fitted(places: NDArray[np.float64], moved: NDArray[np.float64]) -> Warp:
    """The shift that grows evenly along each axis and is nearest to some: copies are neither sheared nor askew."""
    shift = np.zeros((2, 3))
    for axis in range(2):
        along = np.column_stack([places[:, axis], np.ones(len(places))])
        shift[axis, [axis, 2]], *_ = np.linalg.lstsq(along, moved[:, axis], rcond=None)
    return shift


def _then(first: Warp, second: Warp) -> Warp:
    """One map after another."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])


def _with_ones(places: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([places, np.ones(len(places))])


def _textured(plane: Plane, side: int) -> NDArray[np.int64]:
    """(n, 2): y and x of tiles that have most texture."""
    edges = cv2.absdiff(plane, cv2.GaussianBlur(plane, (0, 0), 1.5))
    texture = cv2.boxFilter(edges, -1, (side, side), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    rows, columns = (np.unique(np.linspace(0, length - side, 9).astype(int)) for length in plane.shape)
    corners = np.array([(y, x) for y in rows for x in columns])
    return corners[np.argsort(-texture[corners[:, 0], corners[:, 1]], kind="stable")[:_TILES]]
