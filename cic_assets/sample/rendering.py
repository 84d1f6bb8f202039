"""A small renderer: shapes, a texture and light in, a picture of them with soft edges out.

Painter's algorithm on face numbers at twice the size, then shading of each visible pixel. No vehicles and no scenes here.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cic_assets.sample.geometry import Floats, Mesh
from cic_assets.sample.textures import Texture

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

    def ground_to_picture(self) -> NDArray[np.float64]:
        """The (3, 3) homography from (x, y, 1) on the ground to homogeneous pixels."""
        lens = np.array([[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1]])
        pose = np.column_stack([self.axes[:, 0], self.axes[:, 1], -self.axes @ self.eye])
        return np.asarray(lens @ pose, np.float64)


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
        glow: (H, W, 3) RGB of what shines by itself.
    """

    left: int
    top: int
    colour: Floats
    coverage: Floats
    glow: Floats


def render(mesh: Mesh, texture: Texture, camera: Camera, light: Light) -> Layer:
    """Draw a shape with soft edges."""
    visible = _facing(mesh, camera)
    xy, depth = camera.project(mesh.corners[visible])
    order = np.lexsort((-depth.mean(axis=1), mesh.layer[visible]))
    faces, xy = visible[order], xy[order]
    left, top, width, height = _window(xy, camera.size)
    fine = _paint_numbers((xy - (left, top)) * 2, (width * 2, height * 2))
    blocks = fine.reshape(height, 2, width, 2)
    coverage = (blocks > 0).mean(axis=(1, 3), dtype=np.float32)
    numbers = blocks.max(axis=(1, 3))
    rows, columns = np.nonzero(numbers)
    face = numbers[rows, columns] - 1
    position = np.stack([columns, rows], axis=1).astype(np.float32) + np.float32((left, top))
    attributes = np.concatenate([mesh.normals[faces], mesh.uv[faces], mesh.corners[faces][:, :, 2:]], axis=2)
    values = _interpolate(xy, attributes, face, position)
    colour, glow = _shade(values, texture, _rays(position, camera), light)
    return _gather(coverage, (rows, columns), colour, glow, (left, top))


def _facing(mesh: Mesh, camera: Camera) -> NDArray[np.int64]:
    a, b, c, d = (mesh.corners[:, index] for index in range(4))
    normal = np.cross(c - a, d - b)
    normal *= np.where((normal * mesh.normals.mean(axis=1)).sum(axis=1, keepdims=True) < 0, -1, 1)
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
        cv2.fillConvexPoly(numbers, outline, number, cv2.LINE_8, _FRACTION_BITS)  # type: ignore[call-overload]  # takes a number
    return numbers


def _interpolate(xy: Floats, attributes: Floats, face: NDArray[np.int32], position: Floats) -> Floats:
    """Attributes at pixels: the plane that fits best through the values at a face's four corners."""
    middle = xy.mean(axis=1, keepdims=True)
    offset = xy - middle
    # A grain of ridge keeps faces seen edge-on from running away.
    spread = np.einsum("fci,fcj->fij", offset, offset) + 0.02 * np.eye(2, dtype=np.float32)
    mean = attributes.mean(axis=1)
    slope = np.linalg.solve(spread, np.einsum("fci,fca->fia", offset, attributes - mean[:, None]))
    from_middle = position - middle[face, 0]
    values = mean[face]
    values += from_middle[:, :1] * slope[face, 0]
    values += from_middle[:, 1:] * slope[face, 1]
    return np.asarray(values, np.float32)


def _rays(position: Floats, camera: Camera) -> Floats:
    """(n, 3) unit vectors from the eye through pixels."""
    across = (position - np.float32(camera.centre)) / np.float32(camera.focal)
    rays = across @ camera.axes[:2] + camera.axes[2]
    return np.asarray(rays / np.sqrt(np.einsum("ij,ij->i", rays, rays))[:, None], np.float32)


def _shade(values: Floats, texture: Texture, rays: Floats, light: Light) -> tuple[Floats, Floats]:
    """RGB in [0, 255] of pixels, and what of it shines by itself.

    Lambert from sun and sky, a mirror image of the surroundings by Schlick's approximation, and the sun's highlight.
    """
    normal = values[:, :3]
    normal /= np.maximum(np.sqrt(np.einsum("ij,ij->i", normal, normal)), 1e-6)[:, None]
    albedo, gloss, glow = texture.sample(values[:, 3], values[:, 4])
    facing = np.clip(-np.einsum("ij,ij->i", normal, rays), 0, 1)
    mirrored = rays + 2 * facing[:, None] * normal
    lambert = np.clip(normal @ light.towards_sun, 0, None)
    upward = 0.5 + 0.5 * normal[:, 2:]
    # Close to the ground less of the sky is seen.
    openness = np.clip(0.45 + 0.55 * values[:, 5:] / 0.8, 0.45, 1)
    received = (light.sky * upward + light.ground * (1 - upward)) * openness + lambert[:, None] * light.sun
    strength = gloss * (0.05 + 0.95 * (1 - facing) ** 4)
    strength += np.clip(gloss - 0.8, 0, None)  # chrome and glass mirror at any angle
    level = np.clip(mirrored[:, 2] * 31.5 + 31.5, 0, 63).astype(np.intp)
    highlight = gloss * np.clip(mirrored @ light.towards_sun, 0, 1) ** 48
    colour = albedo * received * (1 - 0.6 * strength[:, None])
    colour += 255 * (strength[:, None] * light.surroundings[level] + 0.7 * highlight[:, None] * light.sun)
    shining = albedo * glow[:, None]
    return np.clip(np.maximum(colour, shining), 0, 255), shining


def _gather(
    coverage: Floats,
    pixels: tuple[NDArray[np.int64], NDArray[np.int64]],
    colour: Floats,
    glow: Floats,
    corner: tuple[int, int],
) -> Layer:
    """Put shaded pixels back into a picture."""
    drawn, shining = np.zeros((*coverage.shape, 3), np.float32), np.zeros((*coverage.shape, 3), np.float32)
    drawn[pixels] = colour
    shining[pixels] = glow
    return Layer(corner[0], corner[1], drawn * coverage[..., None], coverage, shining)
