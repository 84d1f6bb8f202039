"""Crops of a picture: their hashes, by which crops and letterboxes of it are proposed too.

A crop of a tenth moves too many bits of a pHash to be found by it. But the whole of a crop is nearly one of a few dozen
windows of the picture that it was cut from. So the hash of each such window is computed from the thumbnail, at once for
many pictures. It is a pHash, but of evened tones: lighter and darker copies have the same, which plain pHash does not
promise. Those of the picture mirrored and turned are of the same transform. No searching and no deciding here.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.duplicates.blocks import Hashes
from cic_assets.domain.duplicates.descriptors import SIDE, Grey
from cic_assets.domain.duplicates.windows import ORIENTATIONS, WINDOWS

_FREQUENCIES = 8
_AT_ONCE = 512  # thumbnails whose spectra stay in the processor's cache


def oriented_hashes(thumbnails: Grey) -> Hashes:
    """(n, 8): of each thumbnail (n, SIDE, SIDE) as it is, mirrored and turned, in the order of `ORIENTATIONS`."""
    found = np.empty((len(thumbnails), len(ORIENTATIONS)), np.uint64)
    rows, columns = _cosines(0, 1), _cosines(0, 1).T
    negative = (-1.0) ** np.arange(_FREQUENCIES, dtype=np.float32)
    for start in range(0, len(thumbnails), _AT_ONCE):
        spectrum = rows @ thumbnails[start : start + _AT_ONCE].astype(np.float32) @ columns
        for number, orientation in enumerate(ORIENTATIONS):
            # Mirroring changes the sign of every odd horizontal frequency; turning makes the vertical ones of these.
            held = spectrum * negative if orientation.is_mirrored else spectrum
            for _ in range(orientation.turns):
                held = held.swapaxes(1, 2) * negative[:, np.newaxis]
            found[start : start + _AT_ONCE, number] = _bits(np.ascontiguousarray(held))
    return found


def window_hashes(thumbnails: Grey) -> Hashes:
    """(n, windows): of all `WINDOWS` of thumbnails, (n, SIDE, SIDE)."""
    found = np.empty((len(thumbnails), len(WINDOWS)), np.uint64)
    rows, bands = _bands()
    for start in range(0, len(thumbnails), _AT_ONCE):
        pixels = thumbnails[start : start + _AT_ONCE].astype(np.float32)
        across = (rows @ pixels).reshape(len(pixels), len(bands), _FREQUENCIES, SIDE)
        for number, (windows, columns) in enumerate(bands):
            # A small product for each picture: one large one for all is shared out to threads of BLAS, which take seven
            # times the processor's time where others want it too.
            spectra = np.ascontiguousarray(across[:, number]) @ columns
            spectra = spectra.reshape(len(pixels), _FREQUENCIES, len(windows), _FREQUENCIES).swapaxes(1, 2)
            found[start : start + _AT_ONCE, windows] = _bits(np.ascontiguousarray(spectra)).reshape(len(pixels), -1)
    return found


@cache
def _bands() -> tuple[NDArray[np.float32], list[tuple[list[int], NDArray[np.float32]]]]:
    """Windows by their top and bottom: the cosines of all these, and of each its windows and the cosines of these."""
    windows_of: dict[tuple[float, float], list[int]] = {}
    for number, window in enumerate(WINDOWS):
        windows_of.setdefault((window.top, window.bottom), []).append(number)
    rows = np.concatenate([_cosines(*edges) for edges in windows_of])
    columns = [
        np.concatenate([_cosines(WINDOWS[number].left, WINDOWS[number].right) for number in windows]).T
        for windows in windows_of.values()
    ]
    return rows, list(zip(windows_of.values(), map(np.ascontiguousarray, columns), strict=True))


@cache
def _cosines(start: float, end: float) -> NDArray[np.float32]:
    """For each frequency the mean of its cosine over each pixel's part of a window."""
    edges = np.clip((np.arange(SIDE + 1) / SIDE - start) / (end - start), 0, 1)
    k = np.arange(1, _FREQUENCIES)[:, np.newaxis]
    integrals = np.concatenate([edges[np.newaxis], np.sin(np.pi * k * edges) / (np.pi * k)])
    return np.asarray(np.diff(integrals, axis=1), np.float32)


def _bits(spectrum: NDArray[np.float32]) -> Hashes:
    flat = spectrum.reshape(-1, _FREQUENCIES**2)
    middle = flat.shape[1] // 2
    # The median, which numpy finds for many short rows eight times slower than it sorts them.
    median = np.sort(flat, axis=1)[:, middle - 1 : middle + 1].mean(axis=1, keepdims=True)
    above = flat > median
    return np.packbits(above, axis=1).view(">u8").ravel().astype(np.uint64)
