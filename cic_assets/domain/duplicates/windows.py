"""Parts of a picture, and the ways in which one picture may lie on another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, each edge as a share (0 to 1) of its width or height."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """As a share of the picture's."""
        return (self.right - self.left) * (self.bottom - self.top)

    def within(self, outer: "Box") -> "Box":
        """This part of `outer`, as a part of what `outer` is a part of."""
        width, height = outer.right - outer.left, outer.bottom - outer.top
        return Box(
            outer.left + self.left * width,
            outer.top + self.top * height,
            outer.left + self.right * width,
            outer.top + self.bottom * height,
        )

    def oriented(self, orientation: "Orientation") -> "Box":
        """The same part once the picture is mirrored and turned."""
        box = Box(1 - self.right, self.top, 1 - self.left, self.bottom) if orientation.is_mirrored else self
        for _ in range(orientation.turns):
            box = Box(box.top, 1 - box.right, box.bottom, 1 - box.left)
        return box


WHOLE = Box(0, 0, 1, 1)


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a picture is held: mirrored left to right, or not, and then turned left by so many quarters."""

    is_mirrored: bool = False
    turns: int = 0

    def held(self, pixels: Pixels) -> Pixels:
        """(rows, columns, ...) of a picture, mirrored and turned."""
        return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if self.is_mirrored else pixels, self.turns))

    def undone(self) -> "Orientation":
        """What brings a picture back. One that was mirrored, and turned then, is brought back by the very same."""
        return self if self.is_mirrored else Orientation(turns=-self.turns % 4)


ORIENTATIONS = tuple(Orientation(is_mirrored, turns) for turns in range(4) for is_mirrored in (False, True))
"""All eight; those that are not turned first."""
UPRIGHT = 2
"""Of them are not turned."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Which part of one picture may be which part of another, once the other is mirrored and turned."""

    one: Box
    other: Box
    orientation: Orientation = Orientation()

    def reversed(self) -> "Guess":
        """The same from the other's point of view."""
        return Guess(self.other, self.one, self.orientation.undone())


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
