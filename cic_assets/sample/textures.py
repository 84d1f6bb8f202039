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

from cic_assets.sample.geometry import Floats, floats

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


class Texture:
    """A sheet of colours and finishes, filled chart by chart."""

    def __init__(self, width: int = 1280, height: int = 2600) -> None:
        self.colour: NDArray[np.uint8] = np.zeros((height, width, 3), np.uint8)
        self.finish: NDArray[np.uint8] = np.zeros((height, width, 2), np.uint8)
        self._next_row = 2
        self._next_column = 2
        self._shelf = 0

    def chart(self, axes: tuple[int, int], lower: Sequence[float], upper: Sequence[float], scale: float) -> "FlatChart":
        """Room for a view: `axes` are the two coordinates that it shows, across and up; `scale` is pixels a metre."""
        width = int(np.ceil((upper[0] - lower[0]) * scale)) + 2
        height = int(np.ceil((upper[1] - lower[1]) * scale)) + 2
        if self._next_column + width + 2 > self.colour.shape[1]:
            self._next_row, self._next_column, self._shelf = self._next_row + self._shelf + 2, 2, 0
        left, top = self._next_column, self._next_row
        if top + height + 2 > self.colour.shape[0] or left + width + 2 > self.colour.shape[1]:
            raise ValueError(f"a chart of {width}x{height} pixels does not fit the texture any more")
        self._next_column += width + 2
        self._shelf = max(self._shelf, height)
        return FlatChart(
            self, axes, (left + 1 - lower[0] * scale, top + 1 + upper[1] * scale), scale, (left, top, width, height)
        )

    def swatch(self, paint: Paint) -> "Swatch":
        """A spot of one paint, for things too small for a chart."""
        chart = self.chart((0, 1), (0, 0), (6, 6), 1)
        chart.fill(paint)
        left, top, width, height = chart.window
        return Swatch(left + width / 2, top + height / 2)

    def sample(self, u: Floats, v: Floats) -> tuple[Floats, Floats, Floats]:
        """At (n,) texture pixels: (3, n) colour in [0, 255], (n,) gloss and (n,) glow in [0, 1]."""
        width = 4096  # OpenCV's remap takes no picture side of 32768 or more
        rows = -(-len(u) // width)
        padded = [np.pad(axis, (0, rows * width - len(u))).reshape(rows, width) for axis in (u, v)]
        colour, finish = (
            cv2.split(cv2.remap(sheet, padded[0], padded[1], cv2.INTER_LINEAR)) for sheet in (self.colour, self.finish)
        )
        channels = np.stack([*colour, *finish]).reshape(5, -1)[:, : len(u)].astype(np.float32)
        return channels[:3], channels[3] / 255, channels[4] / 255


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
    """A view painted in metres. `axes` may be negative-free only: mirror by painting twice."""

    texture: Texture
    axes: tuple[int, int]
    origin: tuple[float, float]
    scale: float
    window: tuple[int, int, int, int]

    def __call__(self, points: Floats) -> Floats:
        """(…, 3) metres to (…, 2) texture pixels, kept within the chart."""
        left, top, width, height = self.window
        u = np.clip(points[..., self.axes[0]] * self.scale + self.origin[0], left, left + width - 1)
        v = np.clip(self.origin[1] - points[..., self.axes[1]] * self.scale, top, top + height - 1)
        return np.stack([u, v], axis=-1).astype(np.float32)

    def _pixels(self, points: Iterable[Sequence[float]]) -> NDArray[np.int32]:
        flat = np.asarray(list(points), np.float64)
        xy = np.stack([flat[:, 0] * self.scale + self.origin[0], self.origin[1] - flat[:, 1] * self.scale], axis=1)
        left, top, _, _ = self.window
        return np.round((xy - (left, top)) * (1 << _SHIFT)).astype(np.int32)

    def region(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The chart's own piece of colour (h, w, 3) and finish (h, w, 2), to paint on."""
        left, top, width, height = self.window
        piece = np.s_[top : top + height, left : left + width]
        return self.texture.colour[piece], self.texture.finish[piece]

    def fill(self, paint: Paint) -> None:
        """One paint all over."""
        for canvas, value in zip(self.region(), (paint.colour, _finish(paint)), strict=True):
            cv2.rectangle(canvas, (0, 0), (canvas.shape[1], canvas.shape[0]), value, -1)

    def polygon(self, points: Iterable[Sequence[float]], paint: Paint) -> None:
        """A filled outline."""
        pixels = self._pixels(points)
        for canvas, value in zip(self.region(), (paint.colour, _finish(paint)), strict=True):
            cv2.fillPoly(canvas, [pixels], value, cv2.LINE_AA, _SHIFT)

    def line(self, points: Iterable[Sequence[float]], paint: Paint, width: float, *, closed: bool = False) -> None:
        """A line of `width` metres."""
        pixels = self._pixels(points)
        thickness = max(1, round(width * self.scale))
        for canvas, value in zip(self.region(), (paint.colour, _finish(paint)), strict=True):
            cv2.polylines(canvas, [pixels], closed, value, thickness, cv2.LINE_AA, _SHIFT)

    def disc(self, centre: Sequence[float], radius: float, paint: Paint) -> None:
        """A filled circle."""
        (pixel,) = self._pixels([centre])
        for canvas, value in zip(self.region(), (paint.colour, _finish(paint)), strict=True):
            cv2.circle(
                canvas,
                (int(pixel[0]), int(pixel[1])),
                round(radius * self.scale * (1 << _SHIFT)),
                value,
                -1,
                cv2.LINE_AA,
                _SHIFT,
            )

    def ring(self, centre: Sequence[float], radius: float, paint: Paint, width: float) -> None:
        """A circle line of `width` metres."""
        angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        points = np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], axis=1)
        self.line(points.tolist(), paint, width, closed=True)

    def rectangle(self, lower: Sequence[float], upper: Sequence[float], paint: Paint) -> None:
        """A filled rectangle."""
        (x0, y0), (x1, y1) = lower, upper
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], paint)

    def text(self, words: str, centre: Sequence[float], height: float, paint: Paint, *, mirrored: bool = False) -> None:
        """Words, `height` metres high, around `centre`; mirrored for charts that are seen from behind."""
        size = height * self.scale / 22
        (width, tall), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_DUPLEX, size, 2)
        stamp = np.zeros((tall + 6, width + 6), np.uint8)
        cv2.putText(
            stamp, words, (3, tall + 2), cv2.FONT_HERSHEY_DUPLEX, size, 255, max(1, round(size * 2)), cv2.LINE_AA
        )
        self.stamp(stamp[:, ::-1] if mirrored else stamp, centre, paint)

    def stamp(self, mask: NDArray[np.uint8], centre: Sequence[float], paint: Paint) -> None:
        """Paint through a (h, w) stencil of coverage in [0, 255] around `centre`."""
        (pixel,) = self._pixels([centre]) >> _SHIFT
        for canvas, value in zip(self.region(), (paint.colour, _finish(paint)), strict=True):
            top, left = pixel[1] - mask.shape[0] // 2, pixel[0] - mask.shape[1] // 2
            if top < 0 or left < 0 or top + mask.shape[0] > canvas.shape[0] or left + mask.shape[1] > canvas.shape[1]:
                continue
            spot = canvas[top : top + mask.shape[0], left : left + mask.shape[1]]
            share = mask[..., None].astype(np.float32) / 255
            spot[:] = spot * (1 - share) + floats(value) * share

    def weather(self, rng: np.random.Generator, *, strength: float, dirt: Colour, dirt_below: float = 0.0) -> None:
        """Uneven paint, and dirt up to a height of `dirt_below` metres."""
        colour, finish = self.region()
        height, width = colour.shape[:2]
        # Clouds need few pixels: a quarter of the chart's in each direction.
        rows, columns = height // 4 + 2, width // 4 + 2
        bright = np.clip(1 + strength * noise(rng, rows, columns, cell=self.scale * 0.2), 0.6, 1.4)
        up = (self.origin[1] - self.window[1] - 4 * np.arange(rows, dtype=np.float32)) / self.scale
        cover = np.clip((dirt_below - up) / max(dirt_below, 0.05), 0, 1)[:, None]
        cover = np.clip(cover * (0.8 + 0.5 * noise(rng, rows, columns, cell=self.scale * 0.1)), 0, 0.85)
        # In bytes, for speed: 128 stands for one.
        keep, add, clean = (
            cv2.resize(np.clip(sheet, 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
            for sheet in (128 * bright * (1 - cover), cover[..., None] * floats(dirt), 128 * (1 - cover))
        )
        cv2.add(cv2.multiply(colour, cv2.merge([keep] * 3), scale=1 / 128), add, colour)
        finish[..., 0] = cv2.multiply(finish[..., 0], clean, scale=1 / 128)

    def camouflage(self, rng: np.random.Generator, colours: Sequence[Colour], size: float) -> None:
        """Patches of further colours over what is there; `size` is that of a patch in metres."""
        canvas, _ = self.region()
        height, width = canvas.shape[:2]
        for colour in colours:
            clouds = noise(rng, height // 2 + 1, width // 2 + 1, cell=size * self.scale, octaves=3)
            smooth = cv2.resize(clouds, (width, height), interpolation=cv2.INTER_LINEAR)
            canvas[smooth > _PATCHY] = colour


def _finish(paint: Paint) -> tuple[float, float]:
    return (paint.gloss * 255, paint.glow * 255)
