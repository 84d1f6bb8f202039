"""Crops of a picture: its windows, and their hashes, by which crops and letterboxes of it are proposed too.

A crop of a tenth moves too many bits of a pHash to be found by it. But the whole of a crop is nearly one of a few dozen
windows of the picture that it was cut from. So the hash of each such window is computed from the thumbnail, at once for
all pictures. It is a pHash, but of evened tones: lighter and darker copies have the same, which plain pHash does not
promise. No searching and no deciding here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.blocks import Hashes
from cic_assets.domain.duplicates.descriptors import SIDE, Grey

_FREQUENCIES = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, each edge as a share (0 to 1) of its width or height."""

    left: float
    top: float
    right: float
    bottom: float

    def within(self, outer: "Box") -> "Box":
        """This part of `outer`, as a part of what `outer` is a part of."""
        width, height = outer.right - outer.left, outer.bottom - outer.top
        return Box(
            outer.left + self.left * width,
            outer.top + self.top * height,
            outer.left + self.right * width,
            outer.top + self.bottom * height,
        )

    def mirrored(self) -> "Box":
        """The same part once the picture is mirrored left to right."""
        return Box(1 - self.right, self.top, 1 - self.left, self.bottom)


WHOLE = Box(0, 0, 1, 1)


def _grid(width: float, height: float, columns: int, rows: int) -> list[Box]:
    """Windows of one size, evenly spread over the picture."""
    lefts, tops = np.linspace(0, 1 - width, columns).tolist(), np.linspace(0, 1 - height, rows).tolist()
    return [Box(x, y, x + width, y + height) for x in lefts for y in tops]


WINDOWS = (
    WHOLE,
    *_grid(0.95, 0.95, 2, 2),
    Box(0.025, 0.025, 0.975, 0.975),
    *_grid(0.9, 0.9, 3, 3),
    *_grid(0.85, 0.85, 4, 4),
    # Cut, or lengthened by a caption, on one side or on two that face each other.
    *_grid(1, 0.92, 1, 2),
    *_grid(0.92, 1, 2, 1),
    *_grid(1, 0.85, 1, 3),
    *_grid(0.85, 1, 3, 1),
)
"""Parts of a picture whose hashes are known. Of random crops that leave 85 to 99 % of the sides, wherever they were
cut, 97 to 99 % came within 8 bits of one of them; of those that leave 80 to 85 %, 82 %."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Which part of one picture may be which part of another, whose content may be mirrored."""

    one: Box
    other: Box
    is_mirrored: bool


class Crops:
    """The hashes of all crops of some pictures, and what parts of a picture they are of.

    A picture is looked for by its whole and its content, each as it is and mirrored; it is found by every window of
    its whole and of its content.

    Attributes:
        contents: of each picture what is no border.
        asked: (n, 6) hashes by which a picture is looked for.
        known: (n, 1 + 2 windows) hashes by which it is found.
    """

    def __init__(self, pictures: pd.DataFrame) -> None:
        """`pictures` has the columns of `Fingerprint` and `Descriptors`, one row a picture."""
        edges = pictures[["content_left", "content_top", "content_right", "content_bottom"]].to_numpy()
        self.contents = [Box(*row) for row in edges.tolist()]
        whole_asked, whole_known = view_hashes(_stacked(pictures["thumbnail"]))
        content_asked, content_known = view_hashes(_stacked(pictures["content_thumbnail"]))
        plain = pictures[["phash", "phash_mirrored"]].to_numpy(np.uint64)
        self.asked = np.hstack([plain, whole_asked, content_asked])
        self.known = np.hstack([plain[:, :1], whole_known, content_known])

    def guesses(self, one: int, other: int, radius: int) -> list[Guess]:
        """What parts of two pictures have hashes within a radius of each other, nearest first, each once."""
        found = [
            *self._near(one, other, radius),
            *(
                (distance, Guess(guess.other, guess.one, guess.is_mirrored))
                for distance, guess in self._near(other, one, radius)
            ),
        ]
        found.sort(key=lambda item: item[0])
        return list(dict.fromkeys(guess for _, guess in found))

    def _near(self, asking: int, answering: int, radius: int) -> Iterator[tuple[int, Guess]]:
        distances = np.bitwise_count(self.asked[asking][:, np.newaxis] ^ self.known[answering])
        for crop, window in np.argwhere(distances <= radius).tolist():
            guess = Guess(self._asked_box(asking, crop), self._known_box(answering, window), crop % 2 == 1)
            yield int(distances[crop, window]), guess

    def _asked_box(self, picture: int, crop: int) -> Box:
        return WHOLE if crop < 4 else self.contents[picture]  # noqa: PLR2004 - two of pHash, two of the whole

    def _known_box(self, picture: int, window: int) -> Box:
        if window <= len(WINDOWS):
            return WINDOWS[max(0, window - 1)]
        return WINDOWS[window - 1 - len(WINDOWS)].within(self.contents[picture])


def _stacked(thumbnails: pd.Series) -> Grey:
    return np.frombuffer(b"".join(thumbnails), np.uint8).reshape(-1, SIDE, SIDE)


def view_hashes(thumbnails: Grey) -> tuple[Hashes, Hashes]:
    """Hashes of many pictures' crops from their thumbnails, (n, SIDE, SIDE).

    Returns:
        (n, 2): of the content as it is and mirrored, those that are looked for; and (n, windows): of `WINDOWS`, those
        among which they are looked for.
    """
    pixels = thumbnails.astype(np.float32)
    whole = _spectrum(pixels, WHOLE)
    asked = np.stack([_bits(whole), _bits(whole * _odd_columns_negative())], axis=1)
    known = np.stack([_bits(_spectrum(pixels, window)) for window in WINDOWS], axis=1)
    return asked, known


def _spectrum(pixels: NDArray[np.float32], window: Box) -> NDArray[np.float32]:
    """The lowest frequencies, (n, 8, 8), of a window's cosine transform, pixels cut by its edge in part."""
    rows = _cosines(window.top, window.bottom)
    columns = _cosines(window.left, window.right)
    return np.asarray(rows @ pixels @ columns.T, np.float32)


@cache
def _cosines(start: float, end: float) -> NDArray[np.float32]:
    """For each frequency the mean of its cosine over each pixel's part of a window."""
    edges = np.clip((np.arange(SIDE + 1) / SIDE - start) / (end - start), 0, 1)
    k = np.arange(1, _FREQUENCIES)[:, np.newaxis]
    integrals = np.concatenate([edges[np.newaxis], np.sin(np.pi * k * edges) / (np.pi * k)])
    return np.asarray(np.diff(integrals, axis=1), np.float32)


def _odd_columns_negative() -> NDArray[np.float32]:
    """Mirroring changes the sign of every odd horizontal frequency."""
    return ((-1.0) ** np.arange(_FREQUENCIES)).astype(np.float32)


def _bits(spectrum: NDArray[np.float32]) -> Hashes:
    flat = spectrum.reshape(-1, _FREQUENCIES**2)
    middle = flat.shape[1] // 2
    # The median, which numpy finds for many short rows eight times slower than it sorts them.
    median = np.sort(flat, axis=1)[:, middle - 1 : middle + 1].mean(axis=1, keepdims=True)
    above = flat > median
    return np.packbits(above, axis=1).view(">u8").ravel().astype(np.uint64)
