"""What stands about behind the vehicle: trees, rocks, lamp posts.

Flat pictures, put on the ground in true perspective.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from tools.draw_sample.backdrops import Canvas
from tools.draw_sample.places import Place
from tools.draw_sample.rendering import Camera
from tools.draw_sample.textures import Colour, shade

_FOOTPRINTS = {"bush": 0.9, "rock": 1.2, "crate": 0.9, "tree": 1.2, "spruce": 1.0}
"""How far the shade of a thing reaches around its foot, in metres."""

_CLEAR = 7.0
"""Metres behind the middle of the vehicle within which nothing stands."""


class _Spot(NamedTuple):
    """Where a thing stands in the picture.

    Attributes:
        x: column of its foot.
        foot: row of its foot.
        metre: pixels a metre there.
        distance: metres from the camera.
    """

    x: float
    foot: float
    metre: float
    distance: float


def place_props(canvas: Canvas, place: Place, camera: Camera) -> None:
    """Put up to nine things on the ground behind the vehicle, the farthest first."""
    rng = canvas.rng
    if not place.props:
        return
    away = -camera.eye[:2] / max(float(np.linalg.norm(camera.eye[:2])), 1e-6)
    across = np.array([-away[1], away[0]])
    depths = np.sort(rng.uniform(_CLEAR, _CLEAR + 45, int(rng.integers(0, 10))))[::-1]
    for depth in depths:
        reach = depth + float(np.linalg.norm(camera.eye))
        side = rng.uniform(-1, 1) * reach * canvas.width / camera.focal * 0.6
        spot = _spot(camera, away * depth + across * side)
        name = place.props[int(rng.integers(len(place.props)))]
        _shade_foot(canvas, spot, _FOOTPRINTS.get(name, 0.25))
        PROPS[name](canvas, spot)


def _spot(camera: Camera, ground: np.ndarray[tuple[int], np.dtype[np.float64]]) -> _Spot:
    xy, depth = camera.project(np.array([[ground[0], ground[1], 0.0]], np.float32))
    return _Spot(float(xy[0, 0]), float(xy[0, 1]), camera.focal / float(depth[0]), float(depth[0]))


def _shade_foot(canvas: Canvas, spot: _Spot, radius: float) -> None:
    """Darken the ground around the foot, so that the thing stands on it."""
    across, down = max(2.0, radius * 0.9 * spot.metre), max(1.0, radius * 0.22 * spot.metre)
    x = (np.arange(canvas.width, dtype=np.float32) - spot.x) / across
    rows = np.arange(*(int(np.clip(spot.foot + side * 2.5 * down, 0, canvas.height)) for side in (-1, 1)))
    y = (rows - spot.foot) / down
    mask = 0.4 * np.exp(-(x[None] ** 2) - (y[:, None] ** 2))
    canvas.pixels[rows] *= 1 - mask[..., None]


def _shape(canvas: Canvas, spot: _Spot, points: list[tuple[float, float]], colour: Colour) -> None:
    """A filled outline given in metres right of and above the foot."""
    outline = np.array([(spot.x + x * spot.metre, spot.foot - z * spot.metre) for x, z in points], np.float32)
    canvas.fill(outline, canvas.lit(colour, spot.distance))


def _blob(canvas: Canvas, spot: _Spot, place: tuple[float, float], radius: float, colour: Colour) -> None:
    """A disc, in metres right of and above the foot."""
    centre = (round(spot.x + place[0] * spot.metre), round(spot.foot - place[1] * spot.metre))
    cv2.circle(canvas.pixels, centre, max(1, round(radius * spot.metre)), canvas.lit(colour, spot.distance), -1)


def _crown(canvas: Canvas, spot: _Spot, middle: float, size: float, colour: Colour, count: int) -> None:
    """Leaves: discs of slightly different greens, the lighter ones higher up."""
    rng = canvas.rng
    for index in range(count):
        place = (rng.normal(0, size * 0.45), middle + (index / count - 0.5) * size * 1.3)
        factor = 0.75 + 0.45 * index / count
        _blob(
            canvas,
            spot,
            place,
            size * rng.uniform(0.35, 0.55),
            shade(colour, factor),
        )


def tree(canvas: Canvas, spot: _Spot) -> None:
    """A broad-leaved tree of four to nine metres."""
    tall = canvas.rng.uniform(4, 9)
    _shape(canvas, spot, [(-0.18, 0), (0.18, 0), (0.10, tall * 0.6), (-0.10, tall * 0.6)], (78, 62, 46))
    _crown(canvas, spot, tall * 0.72, tall * 0.28, (70, 94, 46), 16)


def spruce(canvas: Canvas, spot: _Spot) -> None:
    """A spruce of five to twelve metres."""
    tall = canvas.rng.uniform(5, 12)
    _shape(canvas, spot, [(-0.15, 0), (0.15, 0), (0.1, tall * 0.2), (-0.1, tall * 0.2)], (70, 56, 44))
    for tier in range(6):
        half, low = tall * 0.19 * (1 - tier * 0.15), tall * (0.1 + tier * 0.145)
        _shape(
            canvas, spot, [(-half, low), (half, low), (0, low + tall * 0.27)], shade((44, 66, 50), 0.8 + 0.08 * tier)
        )


def bush(canvas: Canvas, spot: _Spot) -> None:
    """A bush up to a man's height."""
    size = canvas.rng.uniform(0.4, 0.9)
    _crown(canvas, spot, size * 0.45, size, (92, 104, 58), 12)


def rock(canvas: Canvas, spot: _Spot) -> None:
    """A boulder with a lit and a shaded face."""
    rng = canvas.rng
    wide, tall = rng.uniform(0.4, 1.6), rng.uniform(0.3, 1.2)
    top = (rng.uniform(-0.4, 0.2) * wide, tall)
    _shape(
        canvas, spot, [(-wide, 0), (-wide * 0.7, tall * 0.7), top, (wide * 0.8, tall * 0.5), (wide, 0)], (136, 126, 112)
    )
    _shape(canvas, spot, [(wide * 0.1, 0), top, (wide * 0.8, tall * 0.5), (wide, 0)], (98, 90, 80))


def lamp_post(canvas: Canvas, spot: _Spot) -> None:
    """A street lamp, shining when it is dark."""
    tall = 6.5
    _shape(canvas, spot, [(-0.07, 0), (0.07, 0), (0.05, tall), (-0.05, tall)], (78, 80, 84))
    _shape(canvas, spot, [(0, tall), (1.2, tall + 0.15), (1.2, tall + 0.3), (0, tall + 0.12)], (78, 80, 84))
    if canvas.hour.dark:
        glow = (round(spot.x + 1.2 * spot.metre), round(spot.foot - tall * spot.metre))
        cv2.circle(canvas.pixels, glow, max(2, round(0.22 * spot.metre)), (255, 232, 180), -1)
    else:
        _blob(canvas, spot, (1.2, tall + 0.1), 0.16, (210, 210, 205))


def post(canvas: Canvas, spot: _Spot) -> None:
    """A white marker post."""
    _shape(canvas, spot, [(-0.06, 0), (0.06, 0), (0.06, 1.0), (-0.06, 1.0)], (232, 232, 228))
    _shape(canvas, spot, [(-0.06, 0.72), (0.06, 0.72), (0.06, 0.9), (-0.06, 0.9)], (40, 40, 42))


def cone(canvas: Canvas, spot: _Spot) -> None:
    """A traffic cone."""
    _shape(canvas, spot, [(-0.22, 0), (0.22, 0), (0.04, 0.7), (-0.04, 0.7)], (226, 92, 40))
    _shape(canvas, spot, [(-0.15, 0.28), (0.15, 0.28), (0.10, 0.45), (-0.10, 0.45)], (240, 240, 236))


def crate(canvas: Canvas, spot: _Spot) -> None:
    """A wooden crate or two."""
    for index in range(int(canvas.rng.integers(1, 3))):
        x, size = index * 1.3, canvas.rng.uniform(0.8, 1.2)
        _shape(canvas, spot, [(x, 0), (x + size, 0), (x + size, size), (x, size)], (148, 116, 78))
        for share in (0.05, 0.85):
            low = share * size
            _shape(canvas, spot, [(x, low), (x + size, low), (x + size, low + 0.1), (x, low + 0.1)], (116, 88, 58))


PROPS: dict[str, Callable[[Canvas, _Spot], None]] = {
    "tree": tree,
    "spruce": spruce,
    "bush": bush,
    "rock": rock,
    "lamp post": lamp_post,
    "post": post,
    "cone": cone,
    "crate": crate,
}
"""Painters by name."""
