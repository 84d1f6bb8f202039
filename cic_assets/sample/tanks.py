"""Tanks: a table of types, each put together from tracks, hull, turret and gun."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cic_assets.sample.geometry import Floats, Mesh, box, circle, join, lathe, polygon, prism, rotation, sheet
from cic_assets.sample.tank_paint import TankCharts, TankFinish, paint_tank
from cic_assets.sample.textures import FlatChart, Paint, Swatch, Texture

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Turret:
    """A turret, in metres from the middle of its ring, x towards the gun.

    Attributes:
        outline: half of the plan, from the front to the back: (x, y) with y >= 0.
        height: of its walls.
        lean: how much smaller the roof is than the base, from 0 to 1.
        cast: rounded rather than made of plates.
        ring: x of its middle on the hull.
        turns: whether it can turn; a casemate cannot.
    """

    outline: Line
    height: float
    lean: float
    ring: float
    cast: bool = False
    turns: bool = True


@dataclass(frozen=True, slots=True)
class TankType:
    """A type of tank, in metres. x runs forward from the middle of the hull, z up from the ground.

    Attributes:
        hull: the upper hull seen from the side, a convex outline from the lower front edge over the deck to the rear.
        width: over the tracks.
        track: width of one.
        wheels: how many road wheels a side has.
        wheel: their radius.
        axles: x of the last and the first.
        sprockets: (x, z, radius) of the rear and the front one.
        skirt: height of the lower edge of the side skirts, or None.
        gun: its length beyond the turret's front, and its calibre.
        muzzle: "brake", "evacuator" or "plain".
        details: "cupola", "machine_gun", "bin", "rack", "smoke", "fenders", "antenna".
    """

    name: str
    hull: Line
    width: float
    track: float
    wheels: int
    wheel: float
    axles: tuple[float, float]
    sprockets: tuple[tuple[float, float, float], tuple[float, float, float]]
    turret: Turret
    gun: tuple[float, float]
    muzzle: str
    skirt: float | None = None
    details: frozenset[str] = frozenset()

    @property
    def tail(self) -> float:
        """x of the rear end."""
        return min(min(x for x, _ in self.hull), self.sprockets[0][0] - self.sprockets[0][2])

    @property
    def nose(self) -> float:
        """x of the front end, without the gun."""
        return max(max(x for x, _ in self.hull), self.sprockets[1][0] + self.sprockets[1][2])

    @property
    def deck(self) -> float:
        """Height of the hull's deck."""
        return max(z for _, z in self.hull)


TYPES: tuple[TankType, ...] = (
    TankType(
        name="modern",
        hull=((3.45, 0.95), (3.35, 1.15), (1.9, 1.45), (-3.3, 1.52), (-3.45, 1.0)),
        width=3.6,
        track=0.62,
        wheels=7,
        wheel=0.36,
        axles=(-2.35, 2.3),
        sprockets=((-3.05, 0.72, 0.34), (2.95, 0.72, 0.32)),
        turret=Turret(((2.0, 0.35), (1.55, 1.35), (-0.6, 1.5), (-2.3, 1.2), (-2.35, 0.6)), 0.78, 0.14, -0.2),
        gun=(4.3, 0.12),
        muzzle="evacuator",
        skirt=0.72,
        details=frozenset({"cupola", "machine_gun", "rack", "smoke", "antenna"}),
    ),
    TankType(
        name="modern_low",
        hull=((3.3, 0.95), (3.2, 1.1), (1.7, 1.38), (-2.9, 1.40), (-3.2, 0.95)),
        width=3.4,
        track=0.58,
        wheels=6,
        wheel=0.38,
        axles=(-2.2, 2.15),
        sprockets=((-2.9, 0.78, 0.32), (2.8, 0.78, 0.30)),
        turret=Turret(
            ((1.35, 0.4), (1.15, 0.95), (0.4, 1.35), (-0.6, 1.4), (-1.35, 0.9), (-1.5, 0.3)), 0.72, 0.42, 0.2, cast=True
        ),
        gun=(4.0, 0.12),
        muzzle="evacuator",
        skirt=0.85,
        details=frozenset({"cupola", "machine_gun", "smoke", "antenna", "fenders"}),
    ),
    TankType(
        name="medium",
        hull=((2.9, 0.85), (2.6, 1.35), (1.75, 1.78), (-2.4, 1.78), (-2.85, 0.95)),
        width=2.75,
        track=0.42,
        wheels=6,
        wheel=0.27,
        axles=(-1.85, 1.75),
        sprockets=((-2.45, 0.68, 0.30), (2.4, 0.72, 0.33)),
        turret=Turret(
            ((1.15, 0.45), (0.85, 0.85), (0.0, 1.05), (-0.9, 0.9), (-1.35, 0.45)), 0.78, 0.22, 0.35, cast=True
        ),
        gun=(2.3, 0.10),
        muzzle="plain",
        details=frozenset({"cupola", "machine_gun", "fenders", "antenna"}),
    ),
    TankType(
        name="cruiser",
        hull=((3.0, 0.95), (2.9, 1.1), (1.65, 1.62), (-2.2, 1.62), (-3.05, 1.0)),
        width=3.0,
        track=0.50,
        wheels=5,
        wheel=0.44,
        axles=(-1.95, 1.85),
        sprockets=((-2.6, 0.70, 0.31), (2.6, 0.72, 0.28)),
        turret=Turret(((1.3, 0.4), (0.85, 0.9), (-0.1, 1.0), (-1.0, 0.75), (-1.15, 0.4)), 0.72, 0.30, 0.75),
        gun=(3.0, 0.10),
        muzzle="plain",
        details=frozenset({"cupola", "bin", "fenders"}),
    ),
    TankType(
        name="heavy",
        hull=((3.15, 0.9), (3.05, 1.25), (2.1, 1.45), (2.0, 1.80), (-2.9, 1.80), (-3.1, 0.9)),
        width=3.6,
        track=0.68,
        wheels=8,
        wheel=0.40,
        axles=(-2.25, 2.0),
        sprockets=((-2.75, 0.66, 0.33), (2.7, 0.75, 0.40)),
        turret=Turret(((1.2, 0.75), (1.15, 0.95), (0.2, 1.12), (-0.7, 1.0), (-1.25, 0.5)), 0.82, 0.06, 0.15),
        gun=(3.9, 0.12),
        muzzle="brake",
        details=frozenset({"cupola", "bin", "fenders"}),
    ),
    TankType(
        name="light",
        hull=((2.2, 0.75), (2.05, 1.0), (1.35, 1.38), (-1.85, 1.38), (-2.2, 0.8)),
        width=2.3,
        track=0.32,
        wheels=4,
        wheel=0.30,
        axles=(-1.25, 1.15),
        sprockets=((-1.85, 0.60, 0.27), (1.8, 0.66, 0.30)),
        turret=Turret(((0.8, 0.4), (0.5, 0.68), (-0.3, 0.72), (-0.75, 0.45)), 0.62, 0.20, 0.1),
        gun=(1.3, 0.07),
        muzzle="plain",
        details=frozenset({"cupola", "fenders", "antenna"}),
    ),
    TankType(
        name="destroyer",
        hull=((3.0, 0.95), (2.95, 1.05), (2.3, 1.25), (-2.5, 1.25), (-2.9, 0.9)),
        width=3.1,
        track=0.50,
        wheels=7,
        wheel=0.34,
        axles=(-2.05, 1.95),
        sprockets=((-2.65, 0.66, 0.30), (2.6, 0.70, 0.33)),
        turret=Turret(((2.05, 1.2), (1.8, 1.35), (-1.6, 1.35), (-1.75, 1.2)), 0.92, 0.28, 0.0, turns=False),
        gun=(2.9, 0.12),
        muzzle="brake",
        skirt=0.8,
        details=frozenset({"fenders", "bin"}),
    ),
    TankType(
        name="assault",
        hull=((2.7, 0.8), (2.6, 1.05), (1.8, 1.2), (-2.3, 1.28), (-2.7, 0.85)),
        width=2.95,
        track=0.42,
        wheels=6,
        wheel=0.28,
        axles=(-1.75, 1.7),
        sprockets=((-2.35, 0.66, 0.28), (2.35, 0.70, 0.31)),
        turret=Turret(((1.5, 0.9), (1.2, 1.2), (-1.1, 1.2), (-1.4, 1.0)), 0.72, 0.16, 0.0, turns=False),
        gun=(2.2, 0.10),
        muzzle="brake",
        details=frozenset({"fenders", "cupola", "machine_gun"}),
    ),
)


def build_tank(kind: TankType, finish: TankFinish, towards_eye: Floats) -> tuple[Mesh, Texture]:
    """A tank as a shape with its texture.

    Args:
        kind: its type.
        finish: paint, markings and where the turret points.
        towards_eye: (3,) direction to the camera, which decides what is drawn over what.
    """
    texture = Texture()
    charts = paint_tank(texture, kind, finish)
    parts: list[Mesh] = []
    for side in (-1, 1):
        near = side * towards_eye[1] > 0
        parts += [part.on_layer(2 if near else 0) for part in _track(kind, side, charts)]
        if kind.skirt is not None:
            parts.append(_skirt(kind, side, charts).on_layer(2.5 if near else 0))
    parts.append(_lower_hull(kind, charts).on_layer(1))
    parts.append(_hull(kind, charts).on_layer(3))
    parts += [part.on_layer(3.5) for part in _hull_details(kind, charts)]
    parts += _turret_with_gun(kind, finish, charts, towards_eye)
    return join(parts), texture


def track_outline(kind: TankType, thickness: float = 0.0) -> Floats:
    """(n, 2) the track seen from the side, shrunk by `thickness`."""
    circles = [
        *kind.sprockets,
        (kind.axles[0], kind.wheel + 0.06, kind.wheel + 0.06),
        (kind.axles[1], kind.wheel + 0.06, kind.wheel + 0.06),
    ]
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rim = [
        np.stack([x + (r - thickness) * np.cos(angle), z + (r - thickness) * np.sin(angle)], axis=1)
        for x, z, r in circles
    ]
    return np.asarray(cv2.convexHull(np.concatenate(rim).astype(np.float32))[:, 0], np.float32)


def _at(outline: Floats, y: float) -> Floats:
    return np.stack([outline[:, 0], np.full(len(outline), y), outline[:, 1]], axis=1).astype(np.float32)


def _track(kind: TankType, side: int, charts: TankCharts) -> list[Mesh]:
    outline = track_outline(kind)
    outer, inner = side * kind.width / 2, side * (kind.width / 2 - kind.track)
    loop = np.concatenate([outline, outline[:1]])
    # Cut long runs, so that the links on them keep their size in perspective.
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(loop, axis=0), axis=1))])
    even = np.linspace(0, length[-1], 72)
    run = np.stack([np.interp(even, length, loop[:, axis]) for axis in (0, 1)], axis=1).astype(np.float32)
    along = np.stack([even % 1.2, np.zeros_like(even)], axis=1)
    band = np.stack([_at(run, outer), _at(run, inner)], axis=1)

    def links(points: Floats) -> Floats:
        flat = np.zeros_like(points)
        flat[..., 0] = along[:, :1]
        flat[..., 1] = points[..., 1] - inner
        flat[..., 1] = np.abs(flat[..., 1]) / kind.track
        return charts.links(flat)

    tread = sheet(band, links, inside=(float(outline[:, 0].mean()), np.nan, float(outline[:, 1].mean())))
    face = polygon(_at(outline, outer), charts.track, facing=(0, side, 0))
    back = polygon(_at(outline, inner), charts.dark, facing=(0, -side, 0))
    return [back, tread, face]


def _skirt(kind: TankType, side: int, charts: TankCharts) -> Mesh:
    low = kind.skirt or 0.0
    top = kind.hull[0][1] + 0.15
    x = np.linspace(kind.tail + 0.35, kind.nose - 0.25, 12)
    y = side * (kind.width / 2 + 0.03)
    points = np.stack([np.stack([x, np.full_like(x, y), np.full_like(x, z)], axis=1) for z in (low, top)], axis=1)
    return sheet(points.astype(np.float32), charts.skirt, inside=(np.nan, 0, np.nan))


def _extrude(outline: Floats, half: float, charts: TankCharts, side: FlatChart | Swatch) -> Mesh:
    """A body with the same convex outline (n, 2) all across, `half` metres to each side."""
    across = np.linspace(-half, half, 7)
    middle = outline.mean(axis=0)
    parts = []
    for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        steps = max(2, int(np.linalg.norm(b - a) / 0.5) + 1)
        run = a + (b - a) * np.linspace(0, 1, steps)[:, None]
        points = np.stack([_at(run.astype(np.float32), y) for y in across], axis=1)
        slope = abs(b[1] - a[1]) / (np.linalg.norm(b - a) + 1e-6)
        chart = charts.top if slope < 0.75 else charts.front if (a + b)[0] / 2 > middle[0] else charts.rear
        parts.append(sheet(points, chart, inside=(middle[0], np.nan, middle[1]), smooth=False))
    parts += [polygon(_at(outline, y), side, facing=(0, y, 0)) for y in (-half, half)]
    return join(parts)


def _lower_hull(kind: TankType, charts: TankCharts) -> Mesh:
    outline = np.float32(
        [
            (kind.nose - 0.35, 0.45),
            (kind.nose - 0.05, 0.9),
            (kind.nose - 0.3, 1.2),
            (kind.tail + 0.3, 1.2),
            (kind.tail + 0.1, 0.8),
            (kind.tail + 0.4, 0.42),
        ]
    )
    return _extrude(outline, kind.width / 2 - kind.track * 0.9, charts, charts.dark)


def _hull(kind: TankType, charts: TankCharts) -> Mesh:
    return _extrude(np.float32(kind.hull), kind.width / 2, charts, charts.side)


def _hull_details(kind: TankType, charts: TankCharts) -> list[Mesh]:
    half, parts = kind.width / 2, []
    front_x, front_z = kind.hull[1]
    for side in (-1, 1):
        y = side * (half - 0.35)
        parts.append(
            box((front_x - 0.35, y - 0.09, front_z + 0.02), (front_x - 0.2, y + 0.09, front_z + 0.22), charts.paint)
        )
        parts.append(
            polygon(circle((front_x - 0.195, y, front_z + 0.12), 0.07, axis=0, sides=12), charts.lamp, facing=(1, 0, 0))
        )
        if "fenders" in kind.details:
            z = kind.hull[0][1] + 0.12
            parts.append(
                box(
                    (kind.nose - 0.75, *sorted((side * half, side * (half - kind.track)))[:1], z),
                    (kind.nose + 0.02, max(side * half, side * (half - kind.track)), z + 0.04),
                    charts.paint,
                )
            )
    if "bin" in kind.details:
        parts.append(
            box(
                (kind.tail + 0.15, -half * 0.5, kind.deck),
                (kind.tail + 0.6, half * 0.5, kind.deck + 0.25),
                charts.paint,
            )
        )
    return parts


def _turret_with_gun(kind: TankType, finish: TankFinish, charts: TankCharts, towards_eye: Floats) -> list[Mesh]:
    yaw = finish.turret_yaw if kind.turret.turns else 0.0
    turn = rotation(yaw=yaw)
    away = float((turn @ np.float32((1, 0, 0))) @ towards_eye) < 0
    place = (kind.turret.ring, 0.0, kind.deck)
    turret = [part.on_layer(5) for part in _turret(kind, charts)]
    gun = [part.on_layer(4 if away else 6) for part in _gun(kind, finish, charts)]
    roof = [part.on_layer(7) for part in _roof(kind, charts)]
    return [part.turned(turn).moved(place) for part in [*turret, *gun, *roof]]


def _plan(turret: Turret) -> Floats:
    half = np.float32(turret.outline)
    return np.concatenate([half, half[::-1] * np.float32((1, -1))])


def _turret(kind: TankType, charts: TankCharts) -> list[Mesh]:
    turret, plan = kind.turret, _plan(kind.turret)
    if turret.cast:
        return [_dome(turret, charts)]
    bottom = np.column_stack([plan, np.zeros(len(plan))]).astype(np.float32)
    top = np.column_stack([plan * (1 - turret.lean), np.full(len(plan), turret.height)]).astype(np.float32)
    return [prism(bottom, top, charts.turret_side, charts.turret_top)]


def _dome(turret: Turret, charts: TankCharts) -> Mesh:
    plan = _plan(turret)
    closed = np.concatenate([plan, plan[:1]])
    corner = np.linspace(0, 1, len(closed))
    fine = np.linspace(0, 1, 49)
    loop = np.stack([np.interp(fine, corner, closed[:, axis]) for axis in (0, 1)], axis=1)
    for _ in range(3):
        loop = (np.roll(loop[:-1], 1, axis=0) + 2 * loop[:-1] + np.roll(loop[:-1], -1, axis=0)) / 4
        loop = np.concatenate([loop, loop[:1]])
    rise = np.float32([0, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0, 1.0])
    size = np.float32([0.94, 1.0, 0.99, 0.92, 0.82, 0.68, 0.4, 0.0])
    rings = [
        np.column_stack([loop * (s * (1 - turret.lean * r * 0.6)), np.full(len(loop), r * turret.height)])
        for r, s in zip(rise, size, strict=True)
    ]
    grid = np.stack(rings).astype(np.float32)
    centre = (0.0, 0.0, turret.height * 0.3)
    return join([sheet(grid[:5], charts.turret_side, inside=centre), sheet(grid[4:], charts.turret_top, inside=centre)])


def _gun(kind: TankType, finish: TankFinish, charts: TankCharts) -> list[Mesh]:
    length, calibre = kind.gun
    front = kind.turret.outline[0][0] * (1 - kind.turret.lean * 0.4)
    z = kind.turret.height * 0.48
    bore = calibre * 0.85
    profile = [
        (-0.3, bore * 1.5),
        (0.35, bore * 1.45),
        (0.4, bore * 1.05),
        (length * 0.55, bore * 0.95),
        (length, bore * 0.82),
    ]
    pieces = [lathe(np.float32(profile), charts.paint, axis=0, centre=(front, 0, z), sides=14)]
    if kind.muzzle == "evacuator":
        middle = length * 0.5
        bulge = [
            (middle - 0.32, bore),
            (middle - 0.25, bore * 1.55),
            (middle + 0.3, bore * 1.55),
            (middle + 0.38, bore),
        ]
        pieces.append(lathe(np.float32(bulge), charts.paint, axis=0, centre=(front, 0, z), sides=14))
    if kind.muzzle == "brake":
        brake = [
            (length - 0.02, bore),
            (length, bore * 1.6),
            (length + 0.16, bore * 1.6),
            (length + 0.18, bore),
            (length + 0.24, bore),
            (length + 0.26, bore * 1.6),
            (length + 0.42, bore * 1.5),
        ]
        pieces.append(lathe(np.float32(brake), charts.paint, axis=0, centre=(front, 0, z), sides=14))
        length += 0.42
    pieces.append(polygon(circle((front + length, 0, z), bore * 0.8, axis=0, sides=12), charts.dark, facing=(1, 0, 0)))
    width, high = 0.42, kind.turret.height * 0.33
    mantlet = box((front - 0.25, -width, z - high), (front + 0.18, width, z + high), charts.paint)
    raised = rotation(pitch=finish.gun_pitch)
    return [part.turned(raised, (front, 0, z)) for part in [mantlet, *pieces]]


def _roof(kind: TankType, charts: TankCharts) -> list[Mesh]:
    top, parts = kind.turret.height, []
    back = kind.turret.outline[-1][0]
    if "cupola" in kind.details:
        ring = np.float32([(0, 0.32), (0.2, 0.32), (0.22, 0.28)])
        parts.append(lathe(ring, charts.paint, axis=2, centre=(-0.25, 0.4, top - 0.02), sides=16))
        parts.append(polygon(circle((-0.25, 0.4, top + 0.2), 0.28, axis=2, sides=16), charts.paint, facing=(0, 0, 1)))
    if "machine_gun" in kind.details:
        parts.append(box((-0.5, -0.5, top), (-0.1, -0.36, top + 0.34), charts.dark))
        parts.append(
            lathe(np.float32([(0, 0.035), (1.0, 0.028)]), charts.dark, axis=0, centre=(-0.2, -0.43, top + 0.3), sides=8)
        )
    if "rack" in kind.details:
        parts.append(box((back - 0.1, -0.8, top * 0.2), (back + 0.35, 0.8, top * 0.85), charts.stowage))
    if "smoke" in kind.details:
        for side in (-1, 1):
            parts.extend(
                lathe(
                    np.float32([(0, 0.05), (0.22, 0.05)]),
                    charts.dark,
                    axis=0,
                    centre=(0.45 + 0.14 * index, side * (1.12 - 0.08 * index), top * 0.75),
                    sides=8,
                )
                for index in range(3)
            )
    if "antenna" in kind.details:
        parts.append(box((back * 0.75, 0.5, top), (back * 0.75 + 0.03, 0.53, top + 1.3), charts.dark))
    return parts
