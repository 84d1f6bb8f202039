"""One picture from its description: place, hour, vehicle and camera."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.draw_sample.backdrops import BACKDROPS, Canvas
from tools.draw_sample.geometry import Floats, Mesh, floats
from tools.draw_sample.grounds import cast_shadow, paint_ground
from tools.draw_sample.lens import develop, let_fall
from tools.draw_sample.lights import HOURS, light_of
from tools.draw_sample.places import Place
from tools.draw_sample.props import place_props
from tools.draw_sample.rendering import Camera, Layer, Light, look_at, render
from tools.draw_sample.skies import paint_sky
from tools.draw_sample.textures import Texture
from tools.draw_sample.vehicles import Subject, build

_BACKGROUND_WIDTH = 640
"""Pixels; a vehicle of 640 and more stands out from it as from a background out of focus."""


_WIDEST = 0.96
"""Share of the picture's width that a vehicle takes at most."""

_TALLEST = 0.78
"""Share of the picture's height that a vehicle takes at most."""

_DRAWN_LARGER = 1.6
"""Pictures are drawn so many times as large and then shrunk, which makes edges soft and files small."""

_SHARPENED = 0.7
"""How strongly pictures are sharpened once they are shrunk, as cameras do it; some would count as blurred otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Everything that decides a picture.

    Attributes:
        subject: the vehicle.
        place: where it stands.
        hour: a name in `lights.HOURS`.
        size: (width, height) in pixels, of the file.
        yaw: degrees around the vehicle; 0 looks at its nose, 90 at its left side.
        eye_height: of the camera over the ground, in metres.
        distance: of the camera in vehicle lengths.
        fill: width of the vehicle, as a share of the picture's shorter side.
        offset: of its middle from the picture's middle, as a share of the picture's shorter side.
        roll: degrees that the camera is held askew.
        falling: "rain", "snow", "dust" or "".
        quality: of the JPEG, 1 to 100.
        seed: of all that is random in it.
    """

    subject: Subject
    place: Place
    hour: str
    size: tuple[int, int]
    yaw: float
    eye_height: float
    distance: float
    fill: float
    offset: tuple[float, float]
    roll: float
    falling: str
    quality: int
    seed: int


def photograph(shot: Shot) -> NDArray[np.uint8]:
    """Draw a picture: (height, width, 3) uint8 RGB."""
    width, height = shot.size
    large = _draw(replace(shot, size=(round(width * _DRAWN_LARGER), round(height * _DRAWN_LARGER))))
    small = cv2.resize(large, shot.size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), 0.8)
    return np.asarray(cv2.addWeighted(small, 1 + _SHARPENED, blurred, -_SHARPENED, 0), np.uint8)


def _draw(shot: Shot) -> NDArray[np.uint8]:
    rng = np.random.default_rng(shot.seed)
    hour = HOURS[shot.hour]
    mesh, texture, camera = _set_up(shot)
    light = light_of(hour, shot.place.ground, rng, shot.yaw)
    canvas = _background(shot, mesh, camera, light, rng)
    distance = float(np.linalg.norm(camera.eye))
    _lay_over(canvas, render(mesh, texture, camera, light), haze=1 - float(np.exp(-distance / hour.haze)))
    let_fall(canvas, shot.falling)
    return develop(canvas, shot.roll)


def _set_up(shot: Shot) -> tuple[Mesh, Texture, Camera]:
    """The vehicle, and a camera that sees it as large and where the shot wants it."""
    yaw, reach = np.radians(shot.yaw), shot.distance * shot.subject.length
    eye = floats((reach * np.cos(yaw), reach * np.sin(yaw), shot.eye_height))
    target = floats((0, 0, shot.subject.height * 0.5))
    mesh, texture = build(shot.subject, floats((eye - target) / np.linalg.norm(eye - target)))
    axes = look_at(eye, target)
    xy, _ = Camera(eye, axes, 1.0, (0.0, 0.0), shot.size).project(floats(mesh.corners.reshape(-1, 3)))
    focal, centre = _framing(shot, xy.min(axis=0), xy.max(axis=0))
    return mesh, texture, Camera(eye, axes, focal, centre, shot.size)


def _framing(shot: Shot, low: Floats, high: Floats) -> tuple[float, tuple[float, float]]:
    """Focal length and centre in pixels, from where the vehicle would be at a focal length of one."""
    span, middle = high - low, (low + high) / 2
    width = min(shot.fill * min(shot.size), _WIDEST * shot.size[0])
    focal = float(min(width / span[0], _TALLEST * shot.size[1] / span[1]))
    x, y = (
        side / 2 + offset * min(shot.size) - focal * float(place)
        for side, offset, place in zip(shot.size, shot.offset, middle, strict=True)
    )
    return focal, (x, y)


def _background(shot: Shot, mesh: Mesh, camera: Camera, light: Light, rng: np.random.Generator) -> Canvas:
    """Everything but the vehicle. Drawn small and enlarged: out of focus, and quickly."""
    width, height = shot.size
    factor = max(1.0, width / _BACKGROUND_WIDTH)
    small = camera.shrunk(factor, (round(width / factor), round(height / factor)))
    canvas = Canvas(np.empty((small.size[1], small.size[0], 3), np.float32), small.horizon, HOURS[shot.hour], rng)
    paint_sky(canvas)
    BACKDROPS[shot.place.backdrop](canvas)
    paint_ground(canvas, shot.place, small)
    place_props(canvas, shot.place, small)
    cast_shadow(canvas, mesh, small, light)
    # Outlines were filled without soft edges: the blur hides their steps.
    soft = cv2.GaussianBlur(canvas.pixels, (0, 0), 0.75) if factor > 1 else canvas.pixels
    large = cv2.resize(soft, shot.size, interpolation=cv2.INTER_CUBIC)
    return replace(canvas, pixels=floats(large), horizon=camera.horizon)


def _lay_over(canvas: Canvas, layer: Layer, haze: float) -> None:
    """Lay a vehicle over the picture, faded by a share of haze, and let its lamps shine."""
    height, width = layer.coverage.shape
    spot = canvas.pixels[layer.top : layer.top + height, layer.left : layer.left + width]
    cover = layer.coverage[..., None]
    spot *= 1 - cover
    spot += layer.colour * floats(1 - haze) + cover * floats(np.multiply(canvas.hour.skyline, haze))
    if layer.glow is not None:
        canvas.pixels[:] += _bloom(canvas, layer, layer.glow)


def _bloom(canvas: Canvas, layer: Layer, shining: Floats) -> Floats:
    """(H, W, 3) the light that lamps spill around them: worked out at a quarter of the size."""
    glow = np.zeros((canvas.height // 4 + 1, canvas.width // 4 + 1, 3), np.float32)
    height, width = layer.coverage.shape
    small = cv2.resize(shining, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    top, left = layer.top // 4, layer.left // 4
    piece = glow[top : top + small.shape[0], left : left + small.shape[1]]
    piece[:] = small[: piece.shape[0], : piece.shape[1]]
    wide, narrow = (cv2.GaussianBlur(glow, (0, 0), canvas.width * share) for share in (0.006, 0.002))
    large = cv2.resize(wide * 1.6 + narrow, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    return floats(large[: canvas.height, : canvas.width])
