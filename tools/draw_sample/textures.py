"""What surfaces look like: colours with a finish, painted flat and laid on shapes. No shapes and no light here.

A texture is one sheet cut into charts. A chart is a view straight from the side, from above or from the front; things
are painted on it in metres, with soft edges.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.draw_sample.geometry import Floats, floats

Colour = tuple[float, float, float]
"""RGB in [0, 255]."""

_SHIFT = 4
"""Points are given to OpenCV in sixteenths of a pixel."""


@cache
def _noise_sheet(seed: int, octaves: int) -> Floats:
    """(512, 512) fractal value noise, tiling, mean 0, standard deviation 1."""
    rng = np.random.default_rng(seed)
    total = np.zeros((512, 512), np.float32)
    for octave in range(octaves):
        cells = 4 << octave
        grid = rng.standard_normal((cells, cells)).astype(np.float32)
        tiled = np.pad(grid, 2, mode="wrap")
        scale = 512 // cells
        large = cv2.resize(tiled, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        total += large[2 * scale : 2 * scale + 512, 2 * scale : 2 * scale + 512] * 0.55**octave
    return np.asarray((total - total.mean()) / total.std(), np.float32)


def noise(rng: np.random.Generator, height: int, width: int, *, cell: float, octaves: int = 4) -> Floats:
    """(height, width) clouds of noise, mean about 0, standard deviation about 1.

    A random piece of one of a few prepared sheets. `cell` is the size of the largest clouds in pixels.
    """
    base = _noise_sheet(int(rng.integers(4)), octaves)
    # The largest clouds of a sheet are 128 pixels wide: smaller ones are read in steps, then enlarged.
    step = max(1, int(128 / cell))
    zoom = cell * step / 128
    rows, columns = (
        (np.arange(int(np.ceil(side / zoom)) + 2) * step + rng.integers(512)) % 512 for side in (height, width)
    )
    large = cv2.resize(base[np.ix_(rows, columns)], None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    return floats(large[:height, :width])


def shade(colour: Colour, factor: float) -> Colour:
    """A darker or lighter colour."""
    red, green, blue = (min(255.0, channel * factor) for channel in colour)
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Paint:
    """A colour and its finish.

    Attributes:
        colour: RGB in [0, 255].
        gloss: 0 matt, 0.7 car paint, 0.9 glass, 1 chrome.
        glow: 0 none, 1 a lamp.
    """

    colour: Colour
    gloss: float = 0.0
    glow: float = 0.0

    def shaded(self, factor: float) -> "Paint":
        """The same finish, darker or lighter."""
        return Paint(shade(self.colour, factor), self.gloss, self.glow)


_PATCHY = 0.35
"""Standard deviations of noise over which a patch of camouflage lies: a third of the surface."""

_MATT_TO_CHROME = 200
"""Values of the fourth channel up to here are gloss, those above are glow: one sheet takes half the time of two."""


class Texture:
    """A sheet of colours and finishes, filled chart by chart.

    Attributes:
        sheet: (H, W, 4): red, green, blue, and the finish.
    """

    def __init__(self, width: int = 1280, height: int = 2600) -> None:
        self.sheet: NDArray[np.uint8] = np.zeros((height, width, 4), np.uint8)
        self._next_row = 2
        self._next_column = 2
        self._shelf = 0

    def chart(self, axes: tuple[int, int], lower: Sequence[float], upper: Sequence[float], scale: float) -> "FlatChart":
        """Room for a view: `axes` are the two coordinates that it shows, across and up; `scale` is pixels a metre."""
        width = int(np.ceil((upper[0] - lower[0]) * scale)) + 2
        height = int(np.ceil((upper[1] - lower[1]) * scale)) + 2
        if self._next_column + width + 2 > self.sheet.shape[1]:
            self._next_row, self._next_column, self._shelf = self._next_row + self._shelf + 2, 2, 0
        left, top = self._next_column, self._next_row
        if top + height + 2 > self.sheet.shape[0] or left + width + 2 > self.sheet.shape[1]:
            raise ValueError(f"a chart of {width}x{height} pixels does not fit the texture any more")
        self._next_column += width + 2
        self._shelf = max(self._shelf, height)
        canvas = self.sheet[top : top + height, left : left + width]
        return FlatChart(canvas, axes, scale, (1 - lower[0] * scale, 1 + upper[1] * scale), (left, top))

    def swatch(self, paint: Paint) -> "Swatch":
        """A spot of one paint, for things too small for a chart."""
        chart = self.chart((0, 1), (0, 0), (6, 6), 1)
        chart.fill(paint)
        left, top = chart.corner
        return Swatch(left + 4.0, top + 4.0)

    def sample(self, u: Floats, v: Floats) -> tuple[Floats, Floats, Floats]:
        """At (n,) texture pixels: (3, n) colour in [0, 255], (n,) gloss and (n,) glow in [0, 1]."""
        width = 4096  # OpenCV's remap takes no picture side of 32768 or more
        rows = -(-len(u) // width)
        padded = [np.pad(axis, (0, rows * width - len(u))).reshape(rows, width) for axis in (u, v)]
        values = cv2.split(cv2.remap(self.sheet, padded[0], padded[1], cv2.INTER_LINEAR))
        channels = np.stack(values).reshape(4, -1)[:, : len(u)].astype(np.float32)
        gloss = np.minimum(channels[3], _MATT_TO_CHROME) / _MATT_TO_CHROME
        glow = np.maximum(channels[3] - _MATT_TO_CHROME, 0) / (255 - _MATT_TO_CHROME)
        return channels[:3], gloss, glow


def _ink(paint: Paint) -> tuple[float, float, float, float]:
    """A paint as a pixel of the sheet."""
    finish = _MATT_TO_CHROME * paint.gloss
    return (*paint.colour, _MATT_TO_CHROME + (255 - _MATT_TO_CHROME) * paint.glow if paint.glow else finish)


@dataclass(frozen=True, slots=True)
class Swatch:
    """A chart of one paint: every point lies on the same spot."""

    u: float
    v: float

    def __call__(self, points: Floats) -> Floats:
        """(…, 3) metres to (…, 2) texture pixels."""
        return np.broadcast_to(floats((self.u, self.v)), (*points.shape[:-1], 2))


@dataclass(frozen=True, slots=True)
class FlatChart:
    """A view on a texture, painted in metres. Made by `Texture.chart`.

    Attributes:
        canvas: its own piece of the sheet.
        axes: the two coordinates that it shows, across and up.
        scale: pixels a metre.
        origin: where (0, 0) metres lies, in pixels of the canvas.
        corner: where the canvas lies on the sheet: (left, top).
    """

    canvas: NDArray[np.uint8]
    axes: tuple[int, int]
    scale: float
    origin: tuple[float, float]
    corner: tuple[int, int]

    def __call__(self, points: Floats) -> Floats:
        """(…, 3) metres to (…, 2) texture pixels, kept within the chart."""
        height, width = self.canvas.shape[:2]
        place = np.empty((*points.shape[:-1], 2), np.float32)
        np.clip(points[..., self.axes[0]] * self.scale + self.origin[0], 0, width - 1, out=place[..., 0])
        np.clip(self.origin[1] - points[..., self.axes[1]] * self.scale, 0, height - 1, out=place[..., 1])
        place += self.corner
        return place

    def _pixel(self, point: Sequence[float]) -> tuple[int, int]:
        """A point in sixteenths of a pixel."""
        x, y = point[0] * self.scale + self.origin[0], self.origin[1] - point[1] * self.scale
        return round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))

    def _pixels(self, points: Iterable[Sequence[float]]) -> NDArray[np.int32]:
        return np.array([self._pixel(point) for point in points], np.int32)

    def fill(self, paint: Paint) -> None:
        """One paint all over."""
        cv2.rectangle(self.canvas, (0, 0), (self.canvas.shape[1], self.canvas.shape[0]), _ink(paint), -1)

    def polygon(self, points: Iterable[Sequence[float]], paint: Paint) -> None:
        """A filled outline."""
        cv2.fillPoly(self.canvas, [self._pixels(points)], _ink(paint), cv2.LINE_AA, _SHIFT)

    def line(self, points: Iterable[Sequence[float]], paint: Paint, width: float, *, closed: bool = False) -> None:
        """A line of `width` metres."""
        thickness = max(1, round(width * self.scale))
        cv2.polylines(self.canvas, [self._pixels(points)], closed, _ink(paint), thickness, cv2.LINE_AA, _SHIFT)

    def disc(self, centre: Sequence[float], radius: float, paint: Paint) -> None:
        """A filled circle."""
        fine = round(radius * self.scale * (1 << _SHIFT))
        cv2.circle(self.canvas, self._pixel(centre), fine, _ink(paint), -1, cv2.LINE_AA, _SHIFT)

    def ring(self, centre: Sequence[float], radius: float, paint: Paint, width: float) -> None:
        """A circle line of `width` metres."""
        fine, thickness = round(radius * self.scale * (1 << _SHIFT)), max(1, round(width * self.scale))
        cv2.circle(self.canvas, self._pixel(centre), fine, _ink(paint), thickness, cv2.LINE_AA, _SHIFT)

    def rectangle(self, lower: Sequence[float], upper: Sequence[float], paint: Paint) -> None:
        """A filled rectangle."""
        (x0, y0), (x1, y1) = lower, upper
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], paint)

    def text(self, words: str, centre: Sequence[float], height: float, paint: Paint, *, mirrored: bool = False) -> None:
        """Words, `height` metres high, around `centre`; mirrored for charts that are seen from behind."""
        size, font = height * self.scale / 22, cv2.FONT_HERSHEY_DUPLEX
        (width, tall), _ = cv2.getTextSize(words, font, size, 2)
        stencil = np.zeros((tall + 6, width + 6), np.uint8)
        cv2.putText(stencil, words, (3, tall + 2), font, size, (255,), max(1, round(size * 2)), cv2.LINE_AA)
        self._stamp(stencil[:, ::-1] if mirrored else stencil, centre, paint)

    def _stamp(self, stencil: NDArray[np.uint8], centre: Sequence[float], paint: Paint) -> None:
        """Paint through a (h, w) stencil of coverage in [0, 255] around `centre`; nothing if it does not fit."""
        height, width = stencil.shape
        x, y = (value >> _SHIFT for value in self._pixel(centre))
        left, top = x - width // 2, y - height // 2
        if left < 0 or top < 0 or left + width > self.canvas.shape[1] or top + height > self.canvas.shape[0]:
            return
        spot = self.canvas[top : top + height, left : left + width]
        share = stencil[..., None].astype(np.float32) / 255
        spot[:] = spot * (1 - share) + floats(_ink(paint)) * share

    def weather(self, rng: np.random.Generator, *, strength: float, dirt: Colour, dirt_below: float = 0.0) -> None:
        """Uneven paint, and dirt up to a height of `dirt_below` metres."""
        height, width = self.canvas.shape[:2]
        # Clouds need few pixels: a quarter of the chart's in each direction.
        rows, columns = height // 4 + 2, width // 4 + 2
        bright = np.clip(1 + strength * noise(rng, rows, columns, cell=self.scale * 0.2), 0.6, 1.4)
        up = (self.origin[1] - 4 * np.arange(rows, dtype=np.float32)) / self.scale
        cover = np.clip((dirt_below - up) / max(dirt_below, 0.05), 0, 1)[:, None]
        cover = np.clip(cover * (0.8 + 0.5 * noise(rng, rows, columns, cell=self.scale * 0.1)), 0, 0.85)
        # In bytes, for speed: 128 stands for one.
        keep, clean = 128 * bright * (1 - cover), 128 * (1 - cover)
        times, plus = (
            cv2.resize(np.clip(small, 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
            for small in (np.dstack([keep, keep, keep, clean]), cover[..., None] * floats((*dirt, 0)))
        )
        self.canvas[:] = cv2.add(cv2.multiply(self.canvas, times, scale=1 / 128), plus)

    def camouflage(self, rng: np.random.Generator, colours: Sequence[Colour], size: float) -> None:
        """Patches of further colours over what is there, matt; `size` is that of a patch in metres."""
        height, width = self.canvas.shape[:2]
        for colour in colours:
            clouds = noise(rng, height // 2 + 1, width // 2 + 1, cell=size * self.scale, octaves=3)
            smooth = cv2.resize(clouds, (width, height), interpolation=cv2.INTER_LINEAR)
            self.canvas[..., :3][smooth > _PATCHY] = colour
