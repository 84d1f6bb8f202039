"""Building a tank: tracks, hull, turret and gun, and what stands out of them."""

from typing import NamedTuple

import numpy as np

from tools.draw_sample.geometry import (
    Chart,
    Floats,
    Mesh,
    box,
    circle,
    even_loop,
    floats,
    join,
    lathe,
    polygon,
    prism,
    rotation,
    sheet,
)
from tools.draw_sample.tank_paint import TankCharts, TankFinish, paint_tank
from tools.draw_sample.tank_types import TankType, Turret
from tools.draw_sample.textures import Texture

_STEEP = 0.75
"""Rise over length from which a plate counts as a front rather than as a deck."""


class _Layer(NamedTuple):
    """What is drawn over what."""

    far: float = 0
    belly: float = 1
    track: float = 2
    skirt: float = 2.5
    hull: float = 3
    fittings: float = 3.5
    gun_behind: float = 4
    turret: float = 5
    gun: float = 6
    roof: float = 7


_LAYER = _Layer()


def build_tank(kind: TankType, finish: TankFinish, towards_eye: Floats) -> tuple[Mesh, Texture]:
    """A tank as a shape with its texture.

    Args:
        kind: its type.
        finish: paint, markings and where the turret points.
        towards_eye: (3,) direction to the camera, which decides what is drawn over what.
    """
    texture = Texture()
    charts = paint_tank(texture, kind, finish)
    parts = [_belly(kind, charts).on_layer(_LAYER.belly), _hull(kind, charts).on_layer(_LAYER.hull)]
    for side in (-1, 1):
        near = side * towards_eye[1] > 0
        parts += [part.on_layer(_LAYER.track if near else _LAYER.far) for part in _track(kind, side, charts)]
        if kind.skirt is not None:
            parts.append(_skirt(kind, side, charts).on_layer(_LAYER.skirt if near else _LAYER.far))
        parts += [part.on_layer(_LAYER.fittings) for part in _side_fittings(kind, side, charts)]
    parts += [part.on_layer(_LAYER.fittings) for part in _rear_fittings(kind, charts)]
    parts += _turret_with_gun(kind, finish, charts, towards_eye)
    return join(parts), texture


def _at(outline: Floats, y: float) -> Floats:
    """(n, 2) points seen from the side, as (n, 3) points at y."""
    return np.stack([outline[:, 0], np.full(len(outline), y), outline[:, 1]], axis=1).astype(np.float32)


def _track(kind: TankType, side: int, charts: TankCharts) -> list[Mesh]:
    outline = kind.track_outline()
    outer, inner = side * kind.width / 2, side * (kind.width / 2 - kind.track)
    run, along = even_loop(outline, 72)

    def links(points: Floats) -> Floats:
        place = np.zeros_like(points)
        place[..., 0] = (along % 1.2)[:, None]
        place[..., 1] = np.abs(points[..., 1] - inner) / kind.track
        return charts.links(place)

    middle = outline.mean(axis=0)
    tread = sheet(np.stack([_at(run, outer), _at(run, inner)], axis=1), links, inside=(middle[0], np.nan, middle[1]))
    face = polygon(_at(outline, outer), charts.track, facing=(0, side, 0))
    back = polygon(_at(outline, inner), charts.dark, facing=(0, -side, 0))
    return [back, tread, face]


def _skirt(kind: TankType, side: int, charts: TankCharts) -> Mesh:
    """Plates that hang before the upper half of the track."""
    x = np.linspace(kind.tail + 0.35, kind.nose - 0.25, 12)
    edges = [np.column_stack([x, np.full_like(x, z)]) for z in (kind.skirt or 0.0, kind.fender + 0.15)]
    points = np.stack([_at(edge.astype(np.float32), side * (kind.width / 2 + 0.03)) for edge in edges], axis=1)
    return sheet(points, charts.skirt, inside=(np.nan, 0, np.nan))


def _extrude(outline: Floats, half: float, charts: TankCharts, side: Chart) -> Mesh:
    """A body with the same convex outline (n, 2) all across, `half` metres to each side."""
    across = np.linspace(-half, half, 7)
    middle = outline.mean(axis=0)
    parts = [polygon(_at(outline, y), side, facing=(0, y, 0)) for y in (-half, half)]
    for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        length = float(np.linalg.norm(end - start))
        run = start + (end - start) * np.linspace(0, 1, max(2, int(length / 0.5) + 1))[:, None]
        points = np.stack([_at(run.astype(np.float32), y) for y in across], axis=1)
        upright = charts.front if (start + end)[0] / 2 > middle[0] else charts.rear
        chart = upright if abs(end[1] - start[1]) > _STEEP * length else charts.top
        parts.append(sheet(points, chart, inside=(middle[0], np.nan, middle[1]), smooth=False))
    return join(parts)


def _belly(kind: TankType, charts: TankCharts) -> Mesh:
    """The lower hull between the tracks."""
    nose, tail = kind.nose, kind.tail
    x = (nose - 0.35, nose - 0.05, nose - 0.3, tail + 0.3, tail + 0.1, tail + 0.4)
    z = (0.45, 0.9, 1.2, 1.2, 0.8, 0.42)
    return _extrude(np.column_stack([x, z]).astype(np.float32), kind.width / 2 - kind.track * 0.9, charts, charts.dark)


def _hull(kind: TankType, charts: TankCharts) -> Mesh:
    return _extrude(np.column_stack([kind.x, kind.z]).astype(np.float32), kind.width / 2, charts, charts.side)


def _side_fittings(kind: TankType, side: int, charts: TankCharts) -> list[Mesh]:
    """A headlamp, and a mudguard over the front of the track."""
    half, x, z = kind.width / 2, kind.x[1], kind.z[1]
    y = side * (half - 0.35)
    lamp = polygon(circle((x - 0.18, y, z + 0.13), 0.085, axis=0, sides=12), charts.lamp, facing=(1, 0, 0))
    parts = [box((x - 0.35, y - 0.11, z + 0.02), (x - 0.2, y + 0.11, z + 0.24), charts.paint), lamp.on_layer(0)]
    if "fenders" in kind.details:
        inner, outer = sorted((side * half, side * (half - kind.track)))
        low = kind.fender + 0.12
        parts.append(box((kind.nose - 0.75, inner, low), (kind.nose + 0.02, outer, low + 0.04), charts.paint))
    return parts


def _rear_fittings(kind: TankType, charts: TankCharts) -> list[Mesh]:
    """Boxes and fuel drums on the engine deck."""
    half, parts = kind.width / 2, []
    x = kind.x[-2]
    if "bin" in kind.details:
        parts.append(box((x + 0.05, -half * 0.5, kind.deck), (x + 0.5, half * 0.5, kind.deck + 0.22), charts.paint))
    if "drums" in kind.details:
        drum = floats([(-0.4, 0.0), (-0.4, 0.21), (0.4, 0.21), (0.4, 0.0)])
        places = ((x + 0.05, side * half * 0.55, kind.deck + 0.12) for side in (-1, 1))
        parts += [lathe(drum, charts.stowage, axis=1, centre=place, sides=14) for place in places]
    return parts


def _turret_with_gun(kind: TankType, finish: TankFinish, charts: TankCharts, towards_eye: Floats) -> list[Mesh]:
    turn = rotation(yaw=finish.turret_yaw if kind.turret.turns else finish.turret_yaw * 0.15)
    base = turn if kind.turret.turns else rotation()
    away = float((turn @ floats((1, 0, 0))) @ towards_eye) < 0
    place = (kind.turret.ring, 0.0, kind.deck)
    parts = [part.on_layer(_LAYER.turret).turned(base) for part in _turret(kind.turret, charts)]
    front = (kind.turret.x[0] - 0.4, 0.0, 0.0) if not kind.turret.turns else (0.0, 0.0, 0.0)
    parts += [
        part.on_layer(_LAYER.gun_behind if away else _LAYER.gun).turned(turn, front)
        for part in _gun(kind, finish, charts)
    ]
    parts += [part.on_layer(_LAYER.roof).turned(base) for part in _roof(kind, charts)]
    return [part.moved(place) for part in parts]


def _turret(turret: Turret, charts: TankCharts) -> list[Mesh]:
    plan = turret.plan
    if turret.cast:
        return _dome(turret, charts)
    bottom = np.column_stack([plan, np.zeros(len(plan))]).astype(np.float32)
    top = np.column_stack([plan * (1 - turret.lean), np.full(len(plan), turret.height)]).astype(np.float32)
    return [prism(bottom, top, charts.turret_wall, charts.turret_top)]


def _dome(turret: Turret, charts: TankCharts) -> list[Mesh]:
    """A rounded turret: its plan, smoothed, drawn together towards the top."""
    loop = even_loop(turret.plan, 49)[0]
    for _ in range(3):
        open_loop = loop[:-1]
        loop = floats((np.roll(open_loop, 1, axis=0) + 2 * open_loop + np.roll(open_loop, -1, axis=0)) / 4)
        loop = np.concatenate([loop, loop[:1]])
    rise = (0, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0, 1.0)
    size = (0.94, 1.0, 0.99, 0.92, 0.82, 0.68, 0.4, 0.0)
    shrunk = [s * (1 - turret.lean * r * 0.6) for r, s in zip(rise, size, strict=True)]
    rings = [
        np.column_stack([loop * s, np.full(len(loop), r * turret.height)]) for r, s in zip(rise, shrunk, strict=True)
    ]
    grid, centre = np.stack(rings).astype(np.float32), (0.0, 0.0, turret.height * 0.3)
    half = grid.shape[1] // 2
    walls = [sheet(grid[:5, part], charts.turret_wall, inside=centre) for part in (np.s_[: half + 1], np.s_[half:])]
    return [*walls, sheet(grid[4:], charts.turret_top, inside=centre)]


def _gun(kind: TankType, finish: TankFinish, charts: TankCharts) -> list[Mesh]:
    """Mantlet, barrel and muzzle, raised to the gun's pitch."""
    length, bore = kind.gun[0], kind.gun[1] * 0.85
    turret = kind.turret
    root = (turret.x[0] * (1 - turret.lean * 0.4), 0.0, turret.height * 0.48)
    barrel = [
        (-0.3, bore * 1.5),
        (0.35, bore * 1.45),
        (0.4, bore * 1.05),
        (length * 0.55, bore * 0.95),
        (length, bore * 0.82),
    ]
    parts = [lathe(floats(barrel), charts.paint, axis=0, centre=root, sides=14)]
    if kind.muzzle == "evacuator":
        x = length * 0.5
        bulge = [(x - 0.32, bore), (x - 0.25, bore * 1.55), (x + 0.3, bore * 1.55), (x + 0.38, bore)]
        parts.append(lathe(floats(bulge), charts.paint, axis=0, centre=root, sides=14))
    if kind.muzzle == "brake":
        steps = ((0.0, 1.6), (0.16, 1.6), (0.18, 1.0), (0.24, 1.0), (0.26, 1.6), (0.42, 1.5))
        brake = [(length + x, bore * radius) for x, radius in steps]
        parts.append(lathe(floats(brake), charts.paint, axis=0, centre=root, sides=14))
        length += 0.42
    parts.append(
        polygon(circle((root[0] + length, 0, root[2]), bore * 0.8, axis=0, sides=12), charts.dark, facing=(1, 0, 0))
    )
    high = turret.height * 0.33
    parts.insert(0, box((root[0] - 0.25, -0.42, root[2] - high), (root[0] + 0.18, 0.42, root[2] + high), charts.paint))
    return [part.turned(rotation(pitch=finish.gun_pitch), root) for part in parts]


def _roof(kind: TankType, charts: TankCharts) -> list[Mesh]:
    """What stands on the turret and hangs on its back."""
    top, back, parts = kind.turret.height, kind.turret.x[-1], []
    if "cupola" in kind.details:
        parts.append(
            lathe(
                floats([(0, 0.32), (0.2, 0.32), (0.22, 0.28)]),
                charts.paint,
                axis=2,
                centre=(-0.25, 0.4, top - 0.02),
                sides=16,
            )
        )
        parts.append(polygon(circle((-0.25, 0.4, top + 0.2), 0.28, axis=2, sides=16), charts.paint, facing=(0, 0, 1)))
    if "hatches" in kind.details:
        lids = ((-0.9, 0.4), (-0.9, -0.4), (0.5, -0.5))
        parts += [
            polygon(circle((x, y, top + 0.03), 0.3, axis=2, sides=16), charts.dark, facing=(0, 0, 1)) for x, y in lids
        ]
    if "machine gun" in kind.details:
        parts.append(box((-0.5, -0.5, top), (-0.1, -0.36, top + 0.34), charts.dark))
        parts.append(
            lathe(floats([(0, 0.035), (1.0, 0.028)]), charts.dark, axis=0, centre=(-0.2, -0.43, top + 0.3), sides=8)
        )
    if "rack" in kind.details:
        parts.append(box((back - 0.1, -0.8, top * 0.2), (back + 0.35, 0.8, top * 0.85), charts.stowage))
    if "smoke" in kind.details:
        tube = floats([(0, 0.05), (0.22, 0.05)])
        places = [
            (0.45 + 0.14 * index, side * (1.12 - 0.08 * index), top * 0.75) for side in (-1, 1) for index in range(3)
        ]
        parts += [lathe(tube, charts.dark, axis=0, centre=place, sides=8) for place in places]
    if "antenna" in kind.details:
        parts.append(box((back * 0.75, 0.5, top), (back * 0.75 + 0.03, 0.53, top + 1.3), charts.dark))
    return parts
