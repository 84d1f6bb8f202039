"""A glance at the thumbnails of two pictures, before their pixels are read: tens of microseconds against milliseconds.

Hashes of a few low frequencies agree by chance, the more often the more pictures there are, and of photos of one kind
of subject more often than by chance. What is finer than they see agrees in copies alone. So the window of one that is
like the other is laid on it, shifted by whole pixels to where what is fine agrees best, and then shifted and stretched
by parts of a pixel, since a window of the grid is off by as much. What is left is compared in small blocks too: a
horizon, or a bright frame, makes two pictures agree on the whole that differ in most of their parts. All in numpy, for
many pairs at once.
"""

from functools import cache

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from cic_assets.domain.duplicates.descriptors import SIDE
from cic_assets.domain.duplicates.looks import Looks, Positions
from cic_assets.domain.duplicates.meetings import Meetings
from cic_assets.domain.duplicates.windows import ORIENTATIONS, WINDOWS
from cic_assets.engine import Threads

ROUGHLY_ALIKE = 0.25
"""Correlation, -1 to 1, of what is fine, shifted by whole pixels, from which a pair is laid more exactly."""
ALIKE = 0.5
"""The same, laid exactly, as a whole and in blocks, from which pictures are worth a look at their pixels. Of nine
thousand copies that only their pixels prove none is below; of pairs of two photos that meet, one in some hundred is
above (`benchmarks/results/glance.md`)."""

_AT_ONCE = 256  # pairs, of which all that is computed stays in the processor's cache
_BLUR = 1.5  # pixels: what 64 bits of a hash see is coarser
_SHIFT = 2  # pixels
_INNER = slice(_SHIFT, SIDE - _SHIFT)
_STEPS = 4  # of Gauss and Newton; a copy needs two or three
_LARGEST_STEP = 1.0  # pixels, of what a step moves an edge
_EVEN = 1.0  # levels of standard deviation of what is fine: an evener picture says nothing
_BLOCK = 8  # pixels, of which each block shares half with the next
_TEXTURE = 2.0  # levels, likewise of a block
_OF_MEDIAN = 0.9  # half the blocks of a copy agree better than it does as a whole, by more than this
_OF_ALL = 1.1  # and all of them less, by no more than this

Planes = NDArray[np.float32]
Shifted = tuple[NDArray[np.float32], NDArray[np.int64]]
"""(n,) correlations, and (n, 2) shifts down and across."""
_NONE: Shifted = np.empty(0, np.float32), np.empty((0, 2), np.int64)


def correlations(looks: Looks, meetings: Meetings, *, workers: int | None = None) -> NDArray[np.float32]:
    """Of each meeting how well what is fine agrees, -1 to 1: from `ALIKE` on the pictures are worth a look.

    Args:
        looks: of the pictures.
        meetings: of them.
        workers: threads; as many as there are processors unless told. numpy leaves Python's lock.
    """

    def planes(of: Meetings) -> tuple[Planes, Planes, NDArray[np.uint8]]:
        ours = looks.thumbnails(of.asked, content=of.asked_content)
        for number in np.unique(of.orientation).tolist():
            held, at = ORIENTATIONS[number], of.orientation == number
            ours[at] = np.rot90(ours[at][:, :, ::-1] if held.is_mirrored else ours[at], held.turns, (1, 2))
        theirs = looks.thumbnails(of.known, content=of.known_content)
        return ours.astype(np.float32), theirs.astype(np.float32), of.window

    def by_shifts(rows: slice) -> Shifted:
        return _by_shifts(*planes(meetings.at(rows)))

    threads = Threads(workers if len(meetings) > _AT_ONCE else 1)
    found, shifts = map(np.concatenate, zip(_NONE, *threads.map(by_shifts, _some(len(meetings))), strict=True))

    def exactly(rows: Positions) -> NDArray[np.float32]:
        return _exactly(*planes(meetings.at(rows)), shifts[rows])

    # All that are left together, for a few at a time cost as much as many.
    left = np.flatnonzero(found >= ROUGHLY_ALIKE)
    found[left] = np.concatenate([_NONE[0], *threads.map(exactly, (left[some] for some in _some(len(left))))])
    return found


def correlations_of(ours: Planes, theirs: Planes, window: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The same of thumbnails.

    Args:
        ours: (n, SIDE, SIDE), 0 to 255.
        theirs: (n, SIDE, SIDE) others.
        window: (n,) numbers in `WINDOWS`: which part of theirs is laid on the whole of ours.

    Returns:
        (n,): of those that are not even roughly alike, the highest over shifts by whole pixels; of those that are
        alike as a whole, the least of what they are as a whole and in blocks.
    """
    found, shifts = _by_shifts(ours, theirs, window)
    left = np.flatnonzero(found >= ROUGHLY_ALIKE)
    if len(left):
        found[left] = _exactly(ours[left], theirs[left], window[left], shifts[left])
    return found


def _some(count: int) -> list[slice]:
    return [slice(start, min(start + _AT_ONCE, count)) for start in range(0, count, _AT_ONCE)]


def _by_shifts(ours: Planes, theirs: Planes, window: NDArray[np.uint8]) -> Shifted:
    """Of each pair the highest correlation over shifts by whole pixels, and these."""
    down, across = (matrices[window] for matrices in _window_samplings())
    return _best_shift(_fine(ours), _fine(np.asarray(down @ theirs @ across.mT, np.float32)))


def _exactly(ours: Planes, theirs: Planes, window: NDArray[np.uint8], shifts: NDArray[np.int64]) -> NDArray[np.float32]:
    """How alike pairs are that are roughly alike when shifted so, once they are laid exactly."""
    edges = _window_pixels()[window]
    edges[:, [0, 2]] -= shifts * edges[:, [1, 3]] / SIDE
    exact = _fine(_laid(theirs, _refined(ours, theirs, edges)))[:, _INNER, _INNER]
    inner = _fine(ours)[:, _INNER, _INNER]
    found = _correlation(inner, exact)
    alike = np.flatnonzero(found >= ALIKE)
    found[alike] = np.minimum(found[alike], _in_blocks(inner[alike], exact[alike]))
    return found


@cache
def _window_pixels() -> NDArray[np.float32]:
    """(windows, 4): where the rows of each begin and how many there are, and the columns."""
    edges = [(box.top, box.bottom - box.top, box.left, box.right - box.left) for box in WINDOWS]
    return np.array(edges, np.float32) * SIDE


@cache
def _window_samplings() -> tuple[Planes, Planes]:
    edges = _window_pixels()
    return _sampling(edges[:, 0], edges[:, 1]), _sampling(edges[:, 2], edges[:, 3])


@cache
def _blurring() -> NDArray[np.float32]:
    """The matrix that blurs along one side."""
    return np.asarray(cv2.GaussianBlur(np.eye(SIDE, dtype=np.float32), (1, 0), sigmaX=1e-6, sigmaY=_BLUR))


def _fine(planes: Planes) -> Planes:
    """What a blur takes away."""
    blurring = _blurring()
    return np.asarray(planes - blurring @ planes @ blurring.T)


def _laid(planes: Planes, windows: NDArray[np.float32]) -> Planes:
    """Windows of planes (see `_window_pixels`), stretched to their size; what is beyond an edge is as the edge."""
    return np.asarray(_sampling(windows[:, 0], windows[:, 1]) @ planes @ _sampling(windows[:, 2], windows[:, 3]).mT)


def _sampling(start: NDArray[np.float32], length: NDArray[np.float32]) -> Planes:
    """(n, SIDE, SIDE): linear interpolation at evenly spread places of a line of pixels."""
    places = start[:, np.newaxis] + (np.arange(SIDE, dtype=np.float32) + 0.5) * (length[:, np.newaxis] / SIDE) - 0.5
    away = np.abs(np.clip(places, 0, SIDE - 1)[..., np.newaxis] - np.arange(SIDE, dtype=np.float32))
    return np.asarray(np.maximum(1 - away, 0), np.float32)


def _best_shift(ours: Planes, theirs: Planes) -> Shifted:
    """The highest correlation over shifts of up to `_SHIFT` pixels down and across, and these."""
    inner = np.ascontiguousarray(theirs[:, _INNER, _INNER])
    side = 2 * _SHIFT + 1
    products = np.empty((side * side, len(ours)), np.float32)
    for number in range(side * side):
        down, across = divmod(number, side)
        shifted = ours[:, down : down + inner.shape[1], across : across + inner.shape[2]]
        products[number] = np.einsum("nij,nij->n", shifted, inner)
    # Sums over all shifted squares at once.
    squares = sliding_window_view(np.eye(SIDE, dtype=np.float32), inner.shape[1], axis=0).sum(axis=-1)
    energies = (squares @ (ours * ours) @ squares.T).reshape(len(ours), -1).T
    found = _normalised(products, energies, inner)
    best = found.argmax(axis=0)
    return found[best, np.arange(len(ours))], np.stack(np.divmod(best, side), axis=1) - _SHIFT


def _correlation(ours: Planes, theirs: Planes) -> NDArray[np.float32]:
    """Of each two planes of what is fine, whose mean is about 0."""
    return _normalised(np.einsum("nij,nij->n", ours, theirs), np.einsum("nij,nij->n", ours, ours), theirs)


@cache
def _blocks() -> NDArray[np.float32]:
    """(blocks, pixels): 1 where a pixel of a line is in a block."""
    pixels = np.arange(SIDE - 2 * _SHIFT)
    starts = np.arange(0, len(pixels) - _BLOCK + 1, _BLOCK // 2)[:, np.newaxis]
    return np.asarray((pixels >= starts) & (pixels < starts + _BLOCK), np.float32)


def _in_blocks(ours: Planes, theirs: Planes) -> NDArray[np.float32]:
    """How well planes agree within small blocks, each less its mean: together, and the middle one of them."""

    def summed(planes: Planes) -> NDArray[np.float32]:
        inside = np.asarray(_blocks() @ planes @ _blocks().T, np.float32)
        return inside.reshape(len(planes), len(_blocks()) ** 2)

    size = _BLOCK**2
    sums = summed(ours), summed(theirs)
    products = summed(ours * theirs) - sums[0] * sums[1] / size
    energies = [
        np.maximum(summed(side * side) - total**2 / size, 0) for side, total in zip((ours, theirs), sums, strict=True)
    ]
    together = products.sum(axis=1) / np.sqrt(np.maximum(energies[0].sum(axis=1) * energies[1].sum(axis=1), 1))
    textured = np.maximum(*energies) > _TEXTURE**2 * size
    apart = np.where(textured, products / np.sqrt(np.maximum(energies[0] * energies[1], 1)), 2)  # those without: last
    middle = np.maximum(np.count_nonzero(textured, axis=1) - 1, 0) // 2
    median = np.sort(apart, axis=1)[np.arange(len(apart)), middle]
    return np.asarray(np.minimum(_OF_ALL * together, _OF_MEDIAN * median), np.float32)


def _normalised(products: Planes, energies: Planes, theirs: Planes) -> Planes:
    """Products of planes with theirs, by the energies of both."""
    least = np.float32(_EVEN**2 * theirs.shape[1] * theirs.shape[2])
    of_theirs = np.maximum(np.einsum("nij,nij->n", theirs, theirs), least)
    return np.asarray(products / np.sqrt(np.maximum(energies, least) * of_theirs))


def _refined(ours: Planes, theirs: Planes, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Windows moved and stretched to where they are most like ours, but for light and contrast.

    Each step solves for what of our planes is a plain multiple of theirs, and what comes of moving their rows and
    columns or of stretching them (Lucas and Kanade, "An Iterative Image Registration Technique", 1981).
    """
    middle = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE - 0.5
    inside = slice(1, SIDE - 1)
    flat = (len(ours), (SIDE - 2) ** 2)
    wanted = ours[:, inside, inside].reshape(flat)
    wanted = wanted - wanted.mean(axis=1, keepdims=True)
    for _ in range(_STEPS):
        laid = _laid(theirs, windows)
        down = (laid[:, 2:, inside] - laid[:, :-2, inside]) / 2
        across = (laid[:, inside, 2:] - laid[:, inside, :-2]) / 2
        parts = np.stack(
            [laid[:, inside, inside], down, down * middle[inside, np.newaxis], across, across * middle[inside]], axis=1
        ).reshape(len(ours), 5, -1)
        parts -= parts.mean(axis=2, keepdims=True)
        products = parts @ parts.mT
        # A little more on the diagonal: of an even picture nothing is known.
        products += np.eye(5, dtype=np.float32) * (1e-3 * np.trace(products, axis1=1, axis2=2)[:, None, None] / 5 + 1)
        solved = np.linalg.solve(products, parts @ wanted[..., np.newaxis])[..., 0]
        steps = solved[:, 1:] / np.maximum(np.abs(solved[:, :1]), 0.1) * np.sign(solved[:, :1])
        steps = np.clip(steps, -_LARGEST_STEP, _LARGEST_STEP) * windows[:, [1, 1, 3, 3]] / SIDE
        moves = np.stack(
            [steps[:, 0] - steps[:, 1] / 2, steps[:, 1], steps[:, 2] - steps[:, 3] / 2, steps[:, 3]], axis=1
        )
        windows = np.asarray(windows + moves, np.float32)
    return windows
