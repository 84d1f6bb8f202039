"""Shapes in three dimensions, as soups of quadrilaterals. No colours and no camera here.

Vehicles stand at the origin: x forward, y to the left, z up, metres, the ground at z = 0.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]


def floats(values: ArrayLike) -> Floats:
    """Numbers as an array of single precision."""
    return np.asarray(values, np.float32)


Chart = Callable[[Floats], Floats]
"""Where on the texture a point lies: (…, 3) metres to (…, 2) texture pixels."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """Quadrilaterals; a triangle repeats its last corner.

    Attributes:
        corners: (F, 4, 3) metres.
        normals: (F, 4, 3) unit vectors, outward.
        uv: (F, 4, 2) texture pixels.
        layer: (F,) what is drawn over what, whatever its distance: higher over lower.
    """

    corners: Floats
    normals: Floats
    uv: Floats
    layer: Floats

    def on_layer(self, layer: float) -> "Mesh":
        """The same shape on another layer."""
        return replace(self, layer=np.full(len(self.corners), layer, np.float32))

    def moved(self, offset: Iterable[float]) -> "Mesh":
        """The same shape at another place."""
        return replace(self, corners=floats(self.corners + floats(tuple(offset))))

    def turned(self, matrix: Floats, pivot: Iterable[float] = (0, 0, 0)) -> "Mesh":
        """The same shape, rotated about a point by a (3, 3) matrix."""
        origin = np.asarray(tuple(pivot), np.float32)
        turned = floats((self.corners - origin) @ matrix.T + origin)
        return replace(self, corners=turned, normals=floats(self.normals @ matrix.T))


def join(parts: Iterable[Mesh]) -> Mesh:
    """Several shapes as one."""
    meshes = list(parts)
    return Mesh(
        np.concatenate([mesh.corners for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.uv for mesh in meshes]),
        np.concatenate([mesh.layer for mesh in meshes]),
    )


def rotation(*, yaw: float = 0.0, pitch: float = 0.0) -> Floats:
    """A (3, 3) matrix: first the nose up by `pitch`, then to the left by `yaw`, in degrees."""
    y, p = np.radians([yaw, pitch])
    about_z = np.array([[np.cos(y), -np.sin(y), 0], [np.sin(y), np.cos(y), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(p), 0, -np.sin(p)], [0, 1, 0], [np.sin(p), 0, np.cos(p)]])
    return floats(about_z @ about_y)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)


def _cross(a: Floats, b: Floats) -> Floats:
    """As np.cross over (n, 3), without its overhead, which would be a fifth of all drawing."""
    product = np.empty_like(a)
    for axis, first, second in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        product[:, axis] = a[:, first] * b[:, second] - a[:, second] * b[:, first]
    return product


def face_normals(corners: Floats) -> Floats:
    """(F, 3) from (F, 4, 3) corners: the normals of faces, with length twice the area, from the diagonals."""
    return _cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])


def _quads(points: Floats) -> Floats:
    """The cells of a grid of (m, n, k) values: ((m-1)(n-1), 4, k)."""
    rows, columns, size = points.shape
    cells = np.empty((rows - 1, columns - 1, 4, size), np.float32)
    for corner, (down, across) in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
        cells[:, :, corner] = points[down : rows - 1 + down, across : columns - 1 + across]
    return cells.reshape(-1, 4, size)


def sheet(points: Floats, chart: Chart, *, inside: Iterable[float], smooth: bool = True) -> Mesh:
    """A surface through a grid of (m, n, 3) points.

    Args:
        points: the grid.
        chart: where each point lies on the texture.
        inside: a point, or a line of points given with NaN for a free coordinate, that the surface turns its back to.
        smooth: round (normals run on from cell to cell) or faceted.
    """
    grid = floats(points)
    corners = _quads(grid)
    centre = floats(tuple(inside))
    fixed = ~np.isnan(centre)
    outward = (corners.mean(axis=1) - np.where(fixed, centre, 0)) * fixed
    faces = face_normals(corners)
    faces[(faces * outward).sum(axis=1) < 0] *= -1
    if smooth:
        normals = _quads(_vertex_normals(faces, grid.shape[0], grid.shape[1]))
    else:
        normals = np.repeat(_unit(faces)[:, None], 4, axis=1)
    return Mesh(corners, normals, _quads(chart(grid)), np.zeros(len(corners), np.float32))


def _vertex_normals(faces: Floats, rows: int, columns: int) -> Floats:
    """At each grid point the mean of the cells around it, weighted by area."""
    cells = faces.reshape(rows - 1, columns - 1, 3)
    total = np.zeros((rows, columns, 3), np.float32)
    for down in (slice(None, -1), slice(1, None)):
        for across in (slice(None, -1), slice(1, None)):
            total[down, across] += cells
    return _unit(total)


def polygon(points: Floats, chart: Chart, *, facing: Iterable[float], bulge: float = 0.0) -> Mesh:
    """A flat convex polygon of (n, 3) points.

    Args:
        points: in order around it.
        chart: where each point lies on the texture.
        facing: the normal.
        bulge: how much the normals lean outward at the rim, so that light falls on it as on a shallow dome.
    """
    ring = np.asarray(points, np.float32)
    middle = ring.mean(axis=0)
    after = np.roll(ring, -1, axis=0)
    corners = np.stack([np.broadcast_to(middle, ring.shape), ring, after, after], axis=1)
    normals = np.broadcast_to(_unit(np.asarray(tuple(facing), np.float32)), corners.shape).copy()
    if bulge:
        normals = _unit(normals + bulge * _unit(corners - middle))
    return Mesh(corners, normals, chart(corners), np.zeros(len(corners), np.float32))


def lathe(profile: Floats, chart: Chart, *, axis: int, centre: Iterable[float], sides: int = 20) -> Mesh:
    """A surface of revolution.

    Args:
        profile: (n, 2): position along the axis and radius, metres.
        chart: where each point lies on the texture.
        axis: 0, 1 or 2: what it turns about.
        centre: where the axis' zero is.
        sides: around it.
    """
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    along, radius = np.asarray(profile, np.float32).T
    ring = [np.outer(radius, np.cos(angle)), np.outer(radius, np.sin(angle))]
    position = np.repeat(along[:, None], sides + 1, axis=1)
    order = {0: [position, *ring], 1: [ring[0], position, ring[1]], 2: [*ring, position]}[axis]
    origin = np.asarray(tuple(centre), np.float32)
    inside = origin.copy()
    inside[axis] = np.nan
    return sheet(np.stack(order, axis=-1).astype(np.float32) + origin, chart, inside=inside)


def circle(centre: Iterable[float], radius: float, *, axis: int, sides: int = 24) -> Floats:
    """(sides, 3) points on a circle about an axis."""
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    points = np.zeros((sides, 3), np.float32)
    first, second = (index for index in range(3) if index != axis)
    points[:, first] = radius * np.cos(angle)
    points[:, second] = radius * np.sin(angle)
    return points + np.asarray(tuple(centre), np.float32)


def even_loop(outline: Floats, count: int) -> tuple[Floats, Floats]:
    """A closed outline cut into pieces of one length: (count, 2) points and (count,) metres along it."""
    loop = np.concatenate([outline, outline[:1]])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(loop, axis=0), axis=1))])
    along = np.linspace(0, length[-1], count, dtype=np.float32)
    return np.column_stack([np.interp(along, length, loop[:, axis]) for axis in (0, 1)]).astype(np.float32), along


def prism(bottom: Floats, top: Floats, side_chart: Chart, top_chart: Chart, *, steps: int = 4) -> Mesh:
    """Walls between two convex outlines of (n, 3) points each, and a roof.

    `steps` cuts each wall into that many columns, so that the texture lies flat on it in perspective.
    """
    inside = (bottom.mean(axis=0) + top.mean(axis=0)) / 2
    walls = []
    for index in range(len(bottom)):
        pair = [index, (index + 1) % len(bottom)]
        share = np.linspace(0, 1, steps + 1)[:, None]
        edges = [line[pair[0]] * (1 - share) + line[pair[1]] * share for line in (bottom, top)]
        walls.append(sheet(np.stack(edges, axis=1), side_chart, inside=inside, smooth=False))
    return join([*walls, polygon(top, top_chart, facing=(0, 0, 1))])


_BOX = floats(
    [
        [[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 1]],
        [[0, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]],
        [[0, 1, 0], [1, 1, 0], [1, 1, 1], [0, 1, 1]],
        [[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]],
        [[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]],
    ]
)
"""Faces of the unit cube but the bottom: front, back, left, right, top."""

_BOX_NORMALS = floats([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]])


def box(lower: Iterable[float], upper: Iterable[float], chart: Chart) -> Mesh:
    """A box with faces along the axes (no bottom)."""
    low, high = floats(tuple(lower)), floats(tuple(upper))
    corners = low + _BOX * (high - low)
    normals = np.repeat(_BOX_NORMALS[:, None], 4, axis=1)
    return Mesh(corners, normals, chart(corners), np.zeros(len(corners), np.float32))
