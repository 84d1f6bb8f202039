"""One picture from its description: place, hour, vehicle, camera, weather, and what a cheap lens adds."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cic_assets.sample.backdrops import BACKDROPS, Canvas
from cic_assets.sample.geometry import Floats, Mesh
from cic_assets.sample.grounds import cast_shadow, paint_ground
from cic_assets.sample.lights import HOURS, light_of
from cic_assets.sample.places import Place
from cic_assets.sample.props import place_props
from cic_assets.sample.rendering import Camera, Layer, Light, look_at, render
from cic_assets.sample.textures import Texture, noise
from cic_assets.sample.vehicles import Subject, build


_BACKGROUND_WIDTH = 640
"""Pixels; a vehicle of 640 and more stands out from it as from a background out of focus."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Everything that decides a picture.

    Attributes:
        subject: the vehicle.
        place: where it stands.
        hour: a name in `lights.HOURS`.
        size: (width, height) in pixels.
        yaw: degrees around the vehicle; 0 looks at its nose, 90 at its left side.
        eye_height: of the camera over the ground, in metres.
        distance: of the camera in vehicle lengths.
        fill: share of the picture's width that the vehicle takes.
        offset: of its middle from the picture's middle, as a share of the free room, -1 to 1.
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
    rng = np.random.default_rng(shot.seed)
    hour = HOURS[shot.hour]
    mesh, texture, camera = _set_up(shot)
    light = light_of(hour, shot.place.ground, rng, shot.yaw)
    canvas = _background(shot, mesh, camera, light, rng)
    distance = float(np.linalg.norm(camera.eye))
    _lay_over(canvas, render(mesh, texture, camera, light), haze=1 - float(np.exp(-distance / hour.haze)))
    _let_fall(canvas, shot.falling)
    return _develop(canvas, shot)


def _background(shot: Shot, mesh: Mesh, camera: Camera, light: Light, rng: np.random.Generator) -> Canvas:
    """Everything but the vehicle. Drawn small and enlarged: out of focus, and quickly."""
    width, height = shot.size
    factor = max(1.0, width / _BACKGROUND_WIDTH)
    small = camera.shrunk(factor, (round(width / factor), round(height / factor)))
    pixels = np.empty((small.size[1], small.size[0], 3), np.float32)
    canvas = Canvas(pixels, small.horizon, HOURS[shot.hour], rng)
    _paint_sky(canvas)
    BACKDROPS[shot.place.backdrop](canvas)
    paint_ground(canvas, shot.place, small)
    place_props(canvas, shot.place, small)
    cast_shadow(canvas, mesh, small, light)
    large = cv2.resize(pixels, shot.size, interpolation=cv2.INTER_LINEAR)
    return replace(canvas, pixels=np.asarray(large, np.float32), horizon=camera.horizon)


def _set_up(shot: Shot) -> tuple[Mesh, Texture, Camera]:
    """The vehicle and a camera that sees it as large and where the shot wants it."""
    yaw = np.radians(shot.yaw)
    reach = shot.distance * shot.subject.length
    eye = np.float32((reach * np.cos(yaw), reach * np.sin(yaw), shot.eye_height))
    target = np.float32((0, 0, shot.subject.height * 0.5))
    mesh, texture = build(shot.subject, (eye - target) / np.linalg.norm(eye - target))
    axes = look_at(eye, target)
    xy, _ = Camera(eye, axes, 1.0, (0.0, 0.0), shot.size).project(mesh.corners.reshape(-1, 3))
    low, high = xy.min(axis=0), xy.max(axis=0)
    width, height = shot.size
    focal = float(min(shot.fill * width / (high - low)[0], min(0.82, shot.fill * 1.15) * height / (high - low)[1]))
    room = np.float32(shot.size) - (high - low) * focal
    middle = np.float32(shot.size) / 2 + room / 2 * np.float32(shot.offset) * 0.85
    centre = middle - (low + high) / 2 * focal
    return mesh, texture, Camera(eye, axes, focal, (float(centre[0]), float(centre[1])), shot.size)


def _paint_sky(canvas: Canvas) -> None:
    hour = canvas.hour
    up = np.clip((canvas.horizon - np.arange(canvas.height)) / (0.7 * canvas.height), 0, 1)[:, None, None]
    gradient = np.float32(hour.skyline) * (1 - up**0.7) + np.float32(hour.zenith) * up**0.7
    canvas.pixels[:] = gradient
    if hour.clouds and canvas.horizon > 8:
        rows = int(min(canvas.horizon, canvas.height))
        clouds = noise(canvas.rng, rows, canvas.width, cell=canvas.height * 0.45, octaves=5)
        cover = np.clip(clouds * 0.5 + hour.clouds - 0.45, 0, 0.8)[..., None]
        bright = np.clip(np.float32(hour.skyline) * 1.05 + 10, 0, 255)
        canvas.pixels[:rows] += cover * (bright - canvas.pixels[:rows])
    if hour.name == "night":
        count = canvas.width // 8
        rows = (canvas.rng.uniform(0, max(canvas.horizon, 1), count)).astype(int) % canvas.height
        canvas.pixels[rows, canvas.rng.integers(0, canvas.width, count)] += canvas.rng.uniform(
            30, 150, (count, 1)
        ).astype(np.float32)


def _lay_over(canvas: Canvas, layer: Layer, haze: float) -> None:
    """Lay a vehicle over the picture, faded by a share of haze, and let its lamps shine."""
    height, width = layer.coverage.shape
    spot = canvas.pixels[layer.top : layer.top + height, layer.left : layer.left + width]
    cover = layer.coverage[..., None]
    spot *= 1 - cover
    spot += layer.colour * (1 - haze) + cover * (np.float32(canvas.hour.skyline) * haze)
    if layer.glow.any():
        glow = np.zeros((canvas.height // 4 + 1, canvas.width // 4 + 1, 3), np.float32)
        small = cv2.resize(layer.glow, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
        top, left = layer.top // 4, layer.left // 4
        piece = glow[top : top + small.shape[0], left : left + small.shape[1]]
        piece[:] = small[: piece.shape[0], : piece.shape[1]]
        soft = cv2.GaussianBlur(glow, (0, 0), canvas.width * 0.006) * 1.6 + cv2.GaussianBlur(
            glow, (0, 0), canvas.width * 0.002
        )
        canvas.pixels[:] += cv2.resize(soft, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)[
            : canvas.height, : canvas.width
        ]


def _let_fall(canvas: Canvas, falling: str) -> None:
    """Rain, snow or dust between the lens and the vehicle."""
    if not falling:
        return
    rng, size = canvas.rng, canvas.height
    if falling == "dust":
        veil = np.clip(noise(rng, canvas.height, canvas.width, cell=size * 0.6) * 0.12 + 0.16, 0, 0.5)[..., None]
        canvas.pixels[:] += veil * (np.float32(canvas.lit((206, 180, 140), 0)) - canvas.pixels)
        return
    veil = np.zeros((canvas.height, canvas.width), np.float32)
    for _ in range(700 if falling == "rain" else 420):
        x, y = int(rng.integers(canvas.width)), int(rng.integers(canvas.height))
        if falling == "rain":
            cv2.line(veil, (x, y), (x - size // 90, y + int(size * rng.uniform(0.02, 0.05))), 0.28, 1, cv2.LINE_AA)  # type: ignore[call-overload]  # takes a number
        else:
            cv2.circle(
                veil,
                (x, y),
                int(rng.integers(1, max(2, size // 160) + 1)),
                float(rng.uniform(0.4, 0.9)),
                -1,
                cv2.LINE_AA,
            )  # type: ignore[call-overload]  # takes a number
    bright = np.clip(np.float32(canvas.hour.skyline) * 1.1 + 20, 0, 255)
    canvas.pixels[:] += veil[..., None] * (bright - canvas.pixels)


def _develop(canvas: Canvas, shot: Shot) -> NDArray[np.uint8]:
    """Camera held askew, vignette, exposure, white balance, grain."""
    rng, pixels = canvas.rng, canvas.pixels
    height, width = pixels.shape[:2]
    if shot.roll:
        turn = np.radians(abs(shot.roll))
        zoom = np.cos(turn) + np.sin(turn) * max(width / height, height / width)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), shot.roll, float(zoom))
        pixels = cv2.warpAffine(
            pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        ).astype(np.float32)
    across, down = np.linspace(-1, 1, width, dtype=np.float32) ** 2, np.linspace(-1, 1, height, dtype=np.float32) ** 2
    vignette = 1 - rng.uniform(0, 0.14) * (across[None] + down[:, None])
    gain = np.float32(rng.uniform(0.88, 1.1) * rng.uniform(0.96, 1.04, 3))
    grain = _grain(rng, height, width) * np.float32(rng.uniform(1.0, 4.5))
    return np.clip(pixels * (vignette[..., None] * gain) + grain[..., None], 0, 255).astype(np.uint8)


def _grain(rng: np.random.Generator, height: int, width: int) -> Floats:
    """(height, width) of normal noise, from a smaller sheet laid out again and again, turned by random amounts."""
    sheet = rng.standard_normal((256, 256), np.float32)
    return np.tile(sheet, (height // 256 + 1, width // 256 + 1))[:height, :width]
