"""What stands at the horizon, from skylines to dunes. Painted over the sky, down to the horizon."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from tools.draw_sample.dice import chance
from tools.draw_sample.geometry import Floats, floats
from tools.draw_sample.lights import Hour
from tools.draw_sample.textures import Colour, shade

_LAMPLIGHT: Colour = (238, 206, 138)
"""Of a window behind which somebody is at home."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture in the making.

    Attributes:
        pixels: (H, W, 3) float32 RGB in [0, 255].
        horizon: its row.
        hour: the light.
        rng: for what is random.
    """

    pixels: Floats
    horizon: float
    hour: Hour
    rng: np.random.Generator

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    def lit(self, colour: Colour, distance: float) -> Colour:
        """A colour in this light, faded by the haze `distance` metres away."""
        light = floats(self.hour.ambient) + 0.5 * floats(self.hour.sun)
        clear = float(np.exp(-distance / self.hour.haze))
        mixed = floats(colour) * light * clear + floats(self.hour.skyline) * (1 - clear)
        red, green, blue = np.clip(mixed, 0, 255)
        return float(red), float(green), float(blue)

    def fill(self, outline: Floats, colour: Colour) -> None:
        """A filled outline of (n, 2) pixels."""
        cv2.fillPoly(self.pixels, [np.round(outline * 16).astype(np.int32)], colour, cv2.LINE_8, 4)

    def rectangle(self, lower: tuple[float, float], upper: tuple[float, float], colour: Colour) -> None:
        """A filled rectangle between two corners (column, row)."""
        (x0, y0), (x1, y1) = lower, upper
        self.fill(floats([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), colour)


def _skyline(canvas: Canvas, heights: Floats, colour: Colour) -> None:
    """Fill below a line of heights (pixels over the horizon), spread evenly over the width."""
    x = np.linspace(-2, canvas.width + 2, len(heights))
    upper = np.stack([x, canvas.horizon - heights], axis=1)
    foot = canvas.horizon + 4
    canvas.fill(floats([*upper, (canvas.width + 2, foot), (-2, foot)]), colour)


def _ridge(rng: np.random.Generator, points: int, roughness: float) -> Floats:
    """A fractal line in [0, 1] by midpoint displacement."""
    line = rng.uniform(0.2, 0.8, 3)
    size = 0.5
    while len(line) < points:
        middle = (line[1:] + line[:-1]) / 2 + rng.normal(0, size * 0.35, len(line) - 1)
        mixed = np.empty(len(line) * 2 - 1)
        mixed[::2], mixed[1::2] = line, middle
        line, size = mixed, size * roughness
    span = line.max() - line.min()
    return np.asarray((line - line.min()) / max(span, 1e-6), np.float32)


def _ridges(canvas: Canvas, colours: tuple[Colour, ...], tallest: float, roughness: float) -> None:
    for layer, colour in enumerate(colours):
        heights = (
            _ridge(canvas.rng, 120, roughness) * canvas.height * tallest * (1 - 0.25 * layer) + canvas.height * 0.01
        )
        _skyline(canvas, heights, canvas.lit(colour, 260 - 90 * layer))


def mountains(canvas: Canvas) -> None:
    """Ranges of rock behind each other."""
    _ridges(canvas, ((132, 138, 150), (112, 112, 112), (92, 96, 76)), canvas.rng.uniform(0.16, 0.34), 0.55)


def hills(canvas: Canvas) -> None:
    """Green hills and single trees."""
    _ridges(canvas, ((110, 128, 110), (98, 118, 70), (84, 104, 52)), canvas.rng.uniform(0.05, 0.14), 0.42)
    _trees(canvas, int(canvas.rng.integers(3, 14)), (58, 78, 38), 0.10, pointed=False)


def dunes(canvas: Canvas) -> None:
    """Sand."""
    _ridges(canvas, ((214, 184, 140), (206, 168, 116), (194, 154, 100)), canvas.rng.uniform(0.04, 0.13), 0.30)


def forest(canvas: Canvas) -> None:
    """A wall of broad-leaved and needle trees."""
    rng = canvas.rng
    for layer in range(3):
        colour = ((66, 84, 52), (52, 70, 40), (40, 54, 30))[layer]
        heights = _ridge(rng, 260, 0.75) * canvas.height * 0.08 + canvas.height * (0.30 - 0.08 * layer)
        _skyline(canvas, heights, canvas.lit(colour, 60 - 20 * layer))
    _trees(canvas, int(rng.integers(8, 20)), (44, 58, 32), 0.30, pointed=chance(rng, 0.5))


def conifers(canvas: Canvas) -> None:
    """White mountains and dark spruces."""
    _ridges(canvas, ((196, 206, 220), (214, 220, 230)), canvas.rng.uniform(0.10, 0.25), 0.5)
    _trees(canvas, int(canvas.rng.integers(12, 40)), (52, 66, 58), 0.20, pointed=True)


def sea(canvas: Canvas) -> None:
    """Water up to the horizon, and sometimes an island."""
    if chance(canvas.rng, 0.5):
        _ridges(canvas, ((104, 116, 122),), canvas.rng.uniform(0.03, 0.09), 0.45)
    top, bottom = max(int(canvas.horizon), 0), min(int(canvas.horizon + canvas.height * 0.07) + 1, canvas.height)
    if bottom <= top:
        return
    shade = np.linspace(0.95, 0.55, bottom - top)[:, None, None]
    glitter = canvas.rng.normal(0, 5, (bottom - top, canvas.width, 1))
    deep = floats(canvas.lit((64, 104, 128), 30))
    canvas.pixels[top:bottom] = np.clip(
        floats(canvas.hour.skyline) * (1 - shade) * 0.6 + deep * shade + glitter, 0, 255
    )


def city(canvas: Canvas) -> None:
    """Houses and towers with windows."""
    rng = canvas.rng
    for layer in range(2):
        x = -rng.uniform(0, 60)
        while x < canvas.width:
            wide = canvas.width * rng.uniform(0.06, 0.16)
            tall = canvas.height * rng.uniform(0.16, 0.5) * (1 - 0.3 * layer)
            grey = rng.uniform(80, 170)
            colour = (grey * rng.uniform(0.9, 1.15), grey * rng.uniform(0.9, 1.02), grey * rng.uniform(0.8, 1.02))
            _house(canvas, (x, wide, tall), colour, 120 - 80 * layer)
            x += wide * rng.uniform(0.9, 1.5)


def _house(canvas: Canvas, spot: tuple[float, float, float], colour: Colour, distance: float) -> None:
    x, wide, tall = spot
    top = canvas.horizon - tall
    canvas.rectangle((x, top), (x + wide, canvas.horizon + 6), canvas.lit(colour, distance))
    columns, rows = int(canvas.rng.integers(3, 7)), int(max(2, tall / (canvas.height * 0.055)))
    pane, gap = wide / columns, tall / rows
    glass = canvas.lit((70, 82, 96), distance)
    for left in x + (np.arange(columns) + 0.25) * pane:
        for upper in top + (np.arange(rows) + 0.3) * gap:
            shines = canvas.hour.dark and chance(canvas.rng, 0.35)
            canvas.rectangle((left, upper), (left + pane * 0.5, upper + gap * 0.45), _LAMPLIGHT if shines else glass)


def sheds(canvas: Canvas) -> None:
    """Halls with gates."""
    rng = canvas.rng
    x = -rng.uniform(0, 100)
    while x < canvas.width:
        wide, tall = canvas.width * rng.uniform(0.18, 0.45), canvas.height * rng.uniform(0.10, 0.26)
        grey = rng.uniform(90, 190)
        colour = canvas.lit((grey, grey * rng.uniform(0.85, 1.0), grey * rng.uniform(0.75, 1.0)), 40)
        top, foot = canvas.horizon - tall, canvas.horizon + 6
        front = [(x, foot), (x, top), (x + wide / 2, top - tall * 0.18), (x + wide, top), (x + wide, foot)]
        canvas.fill(floats(front), colour)
        canvas.rectangle((x + wide * 0.3, top + tall * 0.3), (x + wide * 0.65, foot), shade(colour, 0.6))
        x += wide * rng.uniform(1.0, 1.3)


def hall(canvas: Canvas) -> None:
    """The inside of a showroom or a museum: a wall with panels, lamps above."""
    rng = canvas.rng
    red, green, blue = floats((120, 122, 126)) * rng.uniform(0.75, 1.1, 3) * rng.uniform(0.5, 1.5)
    wall = (float(red), float(green), float(blue))
    shading = np.linspace(0.55, 1.05, canvas.height)[:, None, None]
    canvas.pixels[:] = np.clip(floats(wall) * shading, 0, 255)
    step, lamp = canvas.width / rng.integers(4, 9), canvas.horizon - canvas.height * 0.42
    for x in np.arange(12) * step:
        canvas.rectangle((x, 0), (x + step * 0.06, canvas.horizon + 6), shade(wall, rng.uniform(0.6, 0.9)))
        canvas.rectangle((x + step * 0.3, lamp), (x + step * 0.8, lamp + 8), (250, 248, 240))


def _trees(canvas: Canvas, count: int, colour: Colour, tallest: float, *, pointed: bool) -> None:
    rng = canvas.rng
    for _ in range(count):
        x, tall = rng.uniform(0, canvas.width), canvas.height * tallest * rng.uniform(0.5, 1.1)
        tint = canvas.lit(shade(colour, rng.uniform(0.8, 1.25)), rng.uniform(10, 60))
        (_spruce if pointed else _broadleaf)(canvas, x, tall, tint)


def _spruce(canvas: Canvas, x: float, tall: float, colour: Colour) -> None:
    foot = canvas.horizon + 5
    for tier in range(4):
        half = tall * 0.20 * (1 - tier * 0.2)
        low, high = foot - tall * tier * 0.22, foot - tall * (0.42 + tier * 0.2)
        canvas.fill(floats([(x - half, low), (x + half, low), (x, high)]), colour)


def _broadleaf(canvas: Canvas, x: float, tall: float, colour: Colour) -> None:
    foot, rng = canvas.horizon + 5, canvas.rng
    canvas.rectangle((x - tall * 0.025, foot - tall * 0.5), (x + tall * 0.025, foot), canvas.lit((70, 56, 42), 20))
    for _ in range(7):
        centre = (int(x + tall * rng.uniform(-0.2, 0.2)), int(foot - tall * rng.uniform(0.45, 0.85)))
        cv2.circle(
            canvas.pixels, centre, int(tall * rng.uniform(0.12, 0.2)), shade(colour, rng.uniform(0.85, 1.15)), -1
        )


BACKDROPS: dict[str, Callable[[Canvas], None]] = {
    "city": city,
    "hills": hills,
    "dunes": dunes,
    "forest": forest,
    "conifers": conifers,
    "sea": sea,
    "hall": hall,
    "mountains": mountains,
    "sheds": sheds,
}
"""Painters by name."""
