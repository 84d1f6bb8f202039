"""The ground in true perspective: roads, ruts, slabs, grass and snow, and the shadow on it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.draw_sample.backdrops import Canvas
from tools.draw_sample.geometry import Floats, Mesh, floats
from tools.draw_sample.places import Place
from tools.draw_sample.rendering import Camera, Light
from tools.draw_sample.textures import noise, shade

_REACH = 600.0
"""Metres beyond which the ground has no detail."""


_HAZE_REACH = 140.0
"""Metres beyond which the ground grows no paler: or a bright band would lie before the hills."""


def paint_ground(canvas: Canvas, place: Place, camera: Camera) -> None:
    """Paint everything below the horizon."""
    first = int(np.clip(np.floor(canvas.horizon) + 1, 0, canvas.height))
    if first >= canvas.height:
        return
    x, y, distance = _where(camera, first, canvas.width, canvas.height)
    light = floats(canvas.hour.ambient) + 0.62 * floats(canvas.hour.sun)
    colour = np.broadcast_to(floats(place.ground), (*x.shape, 3)).copy()
    _mark(colour, place, x, y, distance / camera.focal)
    rng = canvas.rng
    # Depth of one row on the ground: what is finer than that would glitter, so it fades.
    row = distance * distance / (camera.focal * max(float(camera.eye[2]), 0.5))
    fine, coarse = np.clip(1.2 - 4 * row, 0, 1), np.clip(1.2 - 0.5 * row, 0, 1)
    rough = 1 + place.grain * (0.16 * fine * _tiled(rng, x, y, 1.7) + 0.10 * coarse * _tiled(rng, x, y, 14.0))
    clear = np.exp(-np.minimum(distance, _HAZE_REACH) / canvas.hour.haze)[..., None]
    lit = colour * rough[..., None] * light
    canvas.pixels[first:] = np.clip(lit * clear + floats(canvas.hour.skyline) * (1 - clear), 0, 255)


def _where(camera: Camera, first: int, width: int, height: int) -> tuple[Floats, Floats, Floats]:
    """For each pixel from row `first` on: x and y on the ground, and how far away, in metres."""
    across = (np.arange(width, dtype=np.float32) - camera.centre[0]) / camera.focal
    down = (np.arange(first, height, dtype=np.float32) - camera.centre[1]) / camera.focal
    right, lower, forward = camera.axes
    fall = np.minimum(down * lower[2] + forward[2], -1e-4)
    depth = np.minimum(-camera.eye[2] / fall, _REACH)
    row_x = camera.eye[0] + depth * (down * lower[0] + forward[0])
    row_y = camera.eye[1] + depth * (down * lower[1] + forward[1])
    x = row_x[:, None] + depth[:, None] * across * right[0]
    y = row_y[:, None] + depth[:, None] * across * right[1]
    return x.astype(np.float32), y.astype(np.float32), np.repeat(depth[:, None], width, axis=1).astype(np.float32)


def _tiled(rng: np.random.Generator, x: Floats, y: Floats, size: float) -> Floats:
    """Noise on the ground whose largest clouds are `size` metres wide."""
    sheet = noise(rng, 256, 256, cell=64, octaves=5)
    scale = floats(64 / size)
    return floats(cv2.remap(sheet, x * scale, y * scale, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def _mark(colour: Floats, place: Place, x: Floats, y: Floats, pixel: Floats) -> None:
    """Verges and lines; `pixel` is the size of a pixel on the ground in metres."""
    if place.lines == "road":
        if place.verge is not None:
            _blend(colour, np.abs(y) - 4.6, pixel, place.verge)
        _blend(colour, 0.08 - np.abs(np.abs(y) - 4.1), pixel, (220, 218, 210))
        dash = np.minimum(0.08 - np.abs(y - 1.9), np.abs((x % 7.0) - 3.5) - 1.9)
        _blend(colour, dash, pixel, (220, 218, 210))
    if place.lines == "ruts":
        if place.verge is not None:
            _blend(colour, np.abs(y) - 3.4, pixel * 12, place.verge)
        for rut in (-0.85, 0.85):
            _blend(colour, 0.22 - np.abs(y - rut), pixel * 4 + 0.05, shade(place.ground, 0.78))
    if place.lines == "slabs":
        gap = np.minimum(np.abs(((x + 1.3) % 4.0) - 2.0), np.abs(((y + 0.4) % 4.0) - 2.0))
        _blend(colour, 0.025 - gap, pixel, shade(place.ground, 0.6))


def _blend(
    colour: Floats, inside: NDArray[np.floating], pixel: NDArray[np.floating], paint: tuple[float, float, float]
) -> None:
    """Paint where `inside` (metres) is positive, softened over a pixel."""
    cover = np.clip(inside / np.maximum(pixel, 1e-4) + 0.5, 0, 1)[..., None]
    colour += cover * (floats(paint) - colour)


_LOW = 0.9
"""Metres over the ground up to which the body darkens what is right under it."""


def cast_shadow(canvas: Canvas, mesh: Mesh, camera: Camera, light: Light) -> None:
    """Darken the ground where the vehicle keeps the light off."""
    corners = mesh.corners.reshape(-1, 3)
    towards = light.towards_sun
    fallen = corners - corners[:, 2:] * (towards / max(float(towards[2]), 0.2))
    fallen[:, 2] = 0
    footprint = corners[corners[:, 2] < _LOW] * floats((0.99, 0.97, 0))
    direct = float(np.clip(light.sun.mean() / (light.sun.mean() + light.sky.mean()), 0, 1))
    cover = 0.9 * direct * _soft_hull(canvas, camera, fallen, 0.006)
    cover = 1 - (1 - cover) * (1 - 0.72 * _soft_hull(canvas, camera, footprint, 0.012))
    below = np.arange(canvas.height) > canvas.horizon
    canvas.pixels[:] *= 1 - (cover * below[:, None])[..., None]


def _soft_hull(canvas: Canvas, camera: Camera, points: Floats, softness: float) -> Floats:
    """(H, W) coverage of the convex hull of points on the ground, drawn small and blurred."""
    shrink = 2
    xy, _ = camera.project(points)
    hull = cv2.convexHull((xy / shrink).astype(np.float32))[:, 0]
    mask = np.zeros((canvas.height // shrink + 1, canvas.width // shrink + 1), np.float32)
    cv2.fillConvexPoly(mask, np.round(hull * 16).astype(np.int32), (1.0,), cv2.LINE_8, 4)
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.8, softness * canvas.width / shrink))
    large = cv2.resize(soft, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_LINEAR)
    return floats(large[: canvas.height, : canvas.width])
