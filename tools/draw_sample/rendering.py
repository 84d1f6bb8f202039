"""A small renderer: shapes, a texture and light in, a picture of them with soft edges out.

Painter's algorithm on face numbers at twice the size for the edges, then shading of each visible pixel. No vehicles
and no scenes here.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.draw_sample.geometry import Floats, Mesh, face_normals, floats
from tools.draw_sample.textures import Texture

_FRACTION_BITS = 4
"""Corners are given to OpenCV in sixteenths of a pixel."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera.

    Attributes:
        eye: (3,) metres.
        axes: (3, 3) rows: right, down, forward.
        focal: pixels.
        centre: (x, y) pixel that the forward axis meets.
        size: (width, height) of the picture in pixels.
    """

    eye: Floats
    axes: Floats
    focal: float
    centre: tuple[float, float]
    size: tuple[int, int]

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """(…, 3) metres to (…, 2) pixels and (…) metres of depth."""
        seen = (points - self.eye) @ self.axes.T
        depth = np.maximum(seen[..., 2], 0.05)
        xy = seen[..., :2] / depth[..., None] * self.focal + np.asarray(self.centre, np.float32)
        return np.asarray(xy, np.float32), np.asarray(depth, np.float32)

    @property
    def horizon(self) -> float:
        """The row of the horizon, which may lie outside the picture."""
        forward = self.axes[2]
        pitch = np.arctan2(-forward[2], np.hypot(forward[0], forward[1]))
        return float(self.centre[1] - self.focal * np.tan(pitch))

    def shrunk(self, factor: float, size: tuple[int, int]) -> "Camera":
        """The same view on a picture of fewer pixels."""
        return replace(
            self, focal=self.focal / factor, centre=(self.centre[0] / factor, self.centre[1] / factor), size=size
        )


def look_at(eye: Floats, target: Floats) -> Floats:
    """The axes (rows: right, down, forward) of a level camera that looks from `eye` to `target`."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Light:
    """What shines on a vehicle. Colours are RGB in [0, 1], and may exceed it.

    Attributes:
        towards_sun: (3,) unit vector.
        sun: colour of the direct light.
        sky: of the light from above.
        ground: of the light from below.
        surroundings: (64, 3) what a mirror shows, from straight down to straight up.
    """

    towards_sun: Floats
    sun: Floats
    sky: Floats
    ground: Floats
    surroundings: Floats


@dataclass(frozen=True, slots=True)
class Layer:
    """A drawn thing, to be laid over a picture.

    Attributes:
        left, top: where its corner belongs.
        colour: (H, W, 3) RGB in [0, 255], already multiplied with coverage.
        coverage: (H, W) in [0, 1].
        glow: (H, W, 3) RGB of what shines by itself; None if nothing does.
    """

    left: int
    top: int
    colour: Floats
    coverage: Floats
    glow: Floats | None


def render(mesh: Mesh, texture: Texture, camera: Camera, light: Light) -> Layer:
    """Draw a shape with soft edges."""
    visible = _facing(mesh, camera)
    xy, depth = camera.project(mesh.corners[visible])
    order = np.lexsort((-depth.mean(axis=1), mesh.layer[visible]))
    faces, xy = visible[order], xy[order]
    left, top, width, height = _window(xy, camera.size)
    fine = _paint_numbers((xy - (left, top)) * 2, (width * 2, height * 2))
    covered = np.minimum(fine, 1).astype(np.float32)
    coverage = floats(cv2.resize(covered, (width, height), interpolation=cv2.INTER_AREA))
    numbers = np.maximum(np.maximum(fine[::2, ::2], fine[1::2, ::2]), np.maximum(fine[::2, 1::2], fine[1::2, 1::2]))
    pixels = np.nonzero(numbers)
    face = numbers[pixels] - 1
    position = np.stack([pixels[1] + floats(left), pixels[0] + floats(top)]).astype(np.float32)
    surface = _Surface(*_interpolate(xy, _attributes(mesh, faces), face, position))
    colour, glow = _shade(surface, texture, _rays(position, camera), light)
    shining = _scatter(glow, pixels, coverage) if glow.any() else None
    return Layer(left, top, _scatter(colour, pixels, coverage), coverage, shining)


class _Surface(NamedTuple):
    """What is known of each visible pixel's spot on the shape, before light falls on it.

    Attributes:
        normal: (3, n), of any length.
        u, v: (n,) texture pixels.
        height: (n,) metres over the ground.
    """

    normal: Floats
    u: Floats
    v: Floats
    height: Floats


def _facing(mesh: Mesh, camera: Camera) -> NDArray[np.int64]:
    """The faces that show their outside to the camera."""
    normal = face_normals(mesh.corners)
    normal[(normal * mesh.normals.mean(axis=1)).sum(axis=1) < 0] *= -1
    towards = camera.eye - mesh.corners.mean(axis=1)
    return np.flatnonzero((normal * towards).sum(axis=1) > 0)


def _window(xy: Floats, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of the picture that is drawn on: left, top, width, height."""
    low = np.floor(xy.reshape(-1, 2).min(axis=0)).astype(int) - 2
    high = np.ceil(xy.reshape(-1, 2).max(axis=0)).astype(int) + 3
    low, high = np.clip(low, 0, size), np.clip(high, 1, size)
    return int(low[0]), int(low[1]), int(max(high[0] - low[0], 1)), int(max(high[1] - low[1], 1))


def _paint_numbers(xy: Floats, size: tuple[int, int]) -> NDArray[np.int32]:
    """Each pixel's face, counted from 1 in the order of painting; 0 where there is none."""
    numbers = np.zeros((size[1], size[0]), np.int32)
    fixed = np.round(xy * (1 << _FRACTION_BITS)).astype(np.int32)
    for number, outline in enumerate(fixed, start=1):
        cv2.fillConvexPoly(numbers, outline, (number,), cv2.LINE_8, _FRACTION_BITS)
    return numbers


def _attributes(mesh: Mesh, faces: NDArray[np.int64]) -> Floats:
    """(faces, 4, 6): at each corner the normal, the place on the texture and the height over the ground."""
    return np.concatenate([mesh.normals[faces], mesh.uv[faces], mesh.corners[faces][:, :, 2:]], axis=2)


def _interpolate(
    xy: Floats, attributes: Floats, face: NDArray[np.int32], position: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Attributes at pixels: of the plane that fits best through the values at a face's four corners."""
    middle = xy.mean(axis=1)
    offset = xy - middle[:, None]
    # A grain of ridge keeps faces seen edge-on from running away.
    spread = np.einsum("fci,fcj->fij", offset, offset) + 0.02 * np.eye(2, dtype=np.float32)
    mean = attributes.mean(axis=1)
    slope = np.linalg.solve(spread, np.einsum("fci,fca->fia", offset, attributes - mean[:, None]))
    from_middle = position - _of_faces(middle, face)
    values = _of_faces(mean, face)
    values += from_middle[0] * _of_faces(slope[:, 0], face)
    values += from_middle[1] * _of_faces(slope[:, 1], face)
    return values[:3], values[3], values[4], values[5]


def _of_faces(values: Floats, face: NDArray[np.int32]) -> Floats:
    """(k, n): from (faces, k), the values of each pixel's face."""
    return np.take(np.ascontiguousarray(values.T, np.float32), face, axis=1)


def _rays(position: Floats, camera: Camera) -> Floats:
    """(3, n) unit vectors from the eye through (2, n) pixels."""
    across, down = (position - floats(camera.centre)[:, None]) / floats(camera.focal)
    right, lower, forward = camera.axes[:, :, None]
    rays = across * right + down * lower + forward
    return np.asarray(rays / np.sqrt((rays * rays).sum(axis=0)), np.float32)


def _shade(surface: _Surface, texture: Texture, rays: Floats, light: Light) -> tuple[Floats, Floats]:
    """(3, n) RGB in [0, 255] of pixels, and what of it shines by itself.

    Lambert from sun and sky, a mirror image of the surroundings by Schlick's approximation, and the sun's highlight.
    """
    normal = surface.normal / np.maximum(np.sqrt((surface.normal * surface.normal).sum(axis=0)), floats(1e-6))
    albedo, gloss, glow = texture.sample(surface.u, surface.v)
    facing = np.clip(-(normal * rays).sum(axis=0), 0, 1)
    mirrored = rays + 2 * facing * normal
    sun, sky, ground = light.sun[:, None], light.sky[:, None], light.ground[:, None]
    lambert = np.clip(light.towards_sun @ normal, 0, None)
    upward = 0.5 + 0.5 * normal[2]
    # Close to the ground less of the sky is seen.
    openness = np.clip(0.45 + 0.7 * surface.height, 0.45, 1)
    received = (ground + (sky - ground) * upward) * openness + lambert * sun
    strength = gloss * (0.05 + 0.95 * np.square(np.square(1 - facing)))
    strength += 2.2 * np.clip(gloss - 0.8, 0, None)  # chrome and glass mirror at any angle
    level = np.clip(mirrored[2] * 31.5 + 31.5, 0, 63).astype(np.intp)
    near_sun = np.square(np.square(np.square(np.square(np.clip(light.towards_sun @ mirrored, 0, 1)))))
    highlight = 0.7 * gloss * near_sun * near_sun * near_sun  # to the 48th power
    colour = albedo * received * (1 - 0.6 * strength)
    colour += 255 * (strength * light.surroundings.T[:, level] + highlight * sun)
    shining = albedo * glow
    return np.clip(np.maximum(colour, shining), 0, 255), shining


def _scatter(values: Floats, pixels: tuple[NDArray[np.int64], ...], coverage: Floats) -> Floats:
    """(3, n) values put back into a picture (H, W, 3), as strong as they cover."""
    picture = np.zeros((*coverage.shape, 3), np.float32)
    picture[pixels] = (values * coverage[pixels]).T
    return picture
