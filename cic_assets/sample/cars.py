"""Cars: a table of bodies, each lofted from its profile seen from the side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cic_assets.sample.car_paint import CarFinish, paint_car
from cic_assets.sample.geometry import Floats, Mesh, box, circle, join, lathe, polygon, sheet
from cic_assets.sample.textures import FlatChart, Paint, Texture

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class CarBody:
    """A body type, in metres. x runs forward from the middle of the car, z up from the ground.

    Attributes:
        shoulder: the upper edge of the lower body from tail to nose: bonnet, window sill, boot.
        roof: the middle of the car from tail to nose: bonnet, windscreen, roof, boot; on `shoulder` where there is no cabin.
        cabin: x of the foot of the rear window, its top, the top of the windscreen and its foot.
        pillars: x of the pillars between the side windows.
        width: over everything but the mirrors.
        sill: height of the lower edge.
        axles: x of the rear and the front axle.
        wheel: radius.
        tumble: half the width of the roof over half the width of the body.
        doors: x of the gaps between the doors.
        extras: "bed", "rails", "wing", "stripes", "chrome", "round_lamps", "spare".
    """

    name: str
    shoulder: Line
    roof: Line
    cabin: tuple[float, float, float, float]
    pillars: tuple[float, ...]
    doors: tuple[float, ...]
    width: float
    sill: float
    axles: tuple[float, float]
    wheel: float
    tumble: float = 0.72
    extras: frozenset[str] = frozenset()

    @property
    def tail(self) -> float:
        """x of the rear end."""
        return self.shoulder[0][0]

    @property
    def nose(self) -> float:
        """x of the front end."""
        return self.shoulder[-1][0]

    @property
    def height(self) -> float:
        """Of the roof."""
        return max(z for _, z in self.roof)


BODIES: tuple[CarBody, ...] = (
    CarBody(
        name="sedan",
        shoulder=(
            (-2.35, 0.78),
            (-2.25, 0.96),
            (-1.5, 1.0),
            (0.0, 0.95),
            (0.95, 0.92),
            (1.7, 0.82),
            (2.2, 0.68),
            (2.35, 0.55),
        ),
        roof=(
            (-2.35, 0.78),
            (-2.25, 0.97),
            (-1.75, 1.03),
            (-0.85, 1.38),
            (-0.3, 1.45),
            (0.2, 1.40),
            (1.05, 0.95),
            (1.7, 0.83),
            (2.2, 0.69),
            (2.35, 0.55),
        ),
        cabin=(-1.75, -0.85, 0.2, 1.05),
        pillars=(-0.25, -1.15),
        doors=(0.85, -0.25, -1.15),
        width=1.82,
        sill=0.24,
        axles=(-1.40, 1.40),
        wheel=0.33,
    ),
    CarBody(
        name="hatchback",
        shoulder=(
            (-1.95, 0.70),
            (-1.90, 1.02),
            (-1.2, 1.02),
            (0.0, 0.98),
            (0.85, 0.96),
            (1.5, 0.86),
            (1.85, 0.70),
            (1.98, 0.55),
        ),
        roof=(
            (-1.95, 0.70),
            (-1.90, 1.05),
            (-1.72, 1.15),
            (-1.35, 1.46),
            (-0.4, 1.53),
            (0.15, 1.47),
            (0.95, 1.00),
            (1.5, 0.87),
            (1.85, 0.71),
            (1.98, 0.55),
        ),
        cabin=(-1.78, -1.35, 0.15, 0.95),
        pillars=(-0.2, -1.15),
        doors=(0.8, -0.2, -1.1),
        width=1.75,
        sill=0.24,
        axles=(-1.25, 1.27),
        wheel=0.32,
        tumble=0.76,
    ),
    CarBody(
        name="suv",
        shoulder=(
            (-2.30, 0.80),
            (-2.28, 1.15),
            (-1.2, 1.16),
            (0.0, 1.12),
            (0.95, 1.10),
            (1.9, 1.04),
            (2.25, 0.90),
            (2.35, 0.66),
        ),
        roof=(
            (-2.30, 0.80),
            (-2.28, 1.18),
            (-2.20, 1.28),
            (-1.95, 1.70),
            (-0.8, 1.78),
            (0.25, 1.72),
            (1.0, 1.14),
            (1.9, 1.05),
            (2.25, 0.91),
            (2.35, 0.66),
        ),
        cabin=(-2.22, -1.95, 0.25, 1.0),
        pillars=(-0.15, -1.15),
        doors=(0.9, -0.15, -1.15),
        width=1.92,
        sill=0.36,
        axles=(-1.40, 1.40),
        wheel=0.40,
        tumble=0.78,
        extras=frozenset({"rails"}),
    ),
    CarBody(
        name="offroader",
        shoulder=(
            (-2.0, 0.80),
            (-1.99, 1.18),
            (-1.0, 1.18),
            (0.0, 1.17),
            (0.85, 1.17),
            (1.8, 1.13),
            (1.95, 1.05),
            (2.0, 0.70),
        ),
        roof=(
            (-2.0, 0.80),
            (-1.99, 1.2),
            (-1.96, 1.25),
            (-1.90, 1.86),
            (-0.8, 1.90),
            (0.45, 1.86),
            (0.78, 1.20),
            (1.8, 1.14),
            (1.95, 1.06),
            (2.0, 0.70),
        ),
        cabin=(-1.96, -1.90, 0.45, 0.78),
        pillars=(-0.2, -1.1),
        doors=(0.75, -0.2, -1.1),
        width=1.80,
        sill=0.45,
        axles=(-1.25, 1.28),
        wheel=0.42,
        tumble=0.86,
        extras=frozenset({"spare", "round_lamps", "rails"}),
    ),
    CarBody(
        name="sports",
        shoulder=(
            (-2.2, 0.70),
            (-2.15, 0.92),
            (-1.4, 0.98),
            (-0.5, 0.86),
            (0.6, 0.82),
            (1.3, 0.80),
            (1.95, 0.62),
            (2.25, 0.42),
        ),
        roof=(
            (-2.2, 0.70),
            (-2.15, 0.92),
            (-1.65, 0.98),
            (-0.75, 1.17),
            (-0.25, 1.22),
            (0.1, 1.19),
            (0.95, 0.84),
            (1.3, 0.80),
            (1.95, 0.63),
            (2.25, 0.42),
        ),
        cabin=(-1.55, -0.75, 0.1, 0.95),
        pillars=(-0.6,),
        doors=(0.7, -0.6),
        width=1.92,
        sill=0.15,
        axles=(-1.28, 1.32),
        wheel=0.34,
        tumble=0.66,
        extras=frozenset({"wing"}),
    ),
    CarBody(
        name="coupe",
        shoulder=(
            (-2.35, 0.72),
            (-2.28, 0.94),
            (-1.5, 0.98),
            (-0.2, 0.92),
            (0.6, 0.92),
            (1.6, 0.90),
            (2.25, 0.80),
            (2.38, 0.55),
        ),
        roof=(
            (-2.35, 0.72),
            (-2.28, 0.95),
            (-1.85, 1.0),
            (-0.9, 1.28),
            (-0.5, 1.33),
            (-0.1, 1.30),
            (0.65, 0.96),
            (1.6, 0.92),
            (2.25, 0.81),
            (2.38, 0.55),
        ),
        cabin=(-1.85, -0.9, -0.1, 0.65),
        pillars=(-0.75,),
        doors=(0.5, -0.75),
        width=1.90,
        sill=0.22,
        axles=(-1.38, 1.42),
        wheel=0.36,
        tumble=0.68,
        extras=frozenset({"stripes"}),
    ),
    CarBody(
        name="wagon",
        shoulder=(
            (-2.42, 0.72),
            (-2.40, 1.00),
            (-1.2, 0.98),
            (0.0, 0.95),
            (0.95, 0.93),
            (1.7, 0.84),
            (2.25, 0.68),
            (2.38, 0.52),
        ),
        roof=(
            (-2.42, 0.72),
            (-2.40, 1.03),
            (-2.30, 1.10),
            (-1.85, 1.40),
            (-0.6, 1.48),
            (0.2, 1.42),
            (1.05, 0.96),
            (1.7, 0.85),
            (2.25, 0.69),
            (2.38, 0.52),
        ),
        cabin=(-2.32, -1.85, 0.2, 1.05),
        pillars=(-0.2, -1.15),
        doors=(0.85, -0.2, -1.15),
        width=1.83,
        sill=0.22,
        axles=(-1.40, 1.42),
        wheel=0.33,
        tumble=0.74,
        extras=frozenset({"rails"}),
    ),
    CarBody(
        name="pickup",
        shoulder=(
            (-2.75, 0.75),
            (-2.74, 1.12),
            (-1.2, 1.12),
            (0.0, 1.10),
            (1.0, 1.10),
            (2.2, 1.06),
            (2.5, 0.94),
            (2.58, 0.65),
        ),
        roof=(
            (-2.75, 0.75),
            (-2.74, 1.12),
            (-1.02, 1.13),
            (-0.85, 1.68),
            (-0.3, 1.77),
            (0.4, 1.73),
            (1.1, 1.12),
            (2.2, 1.07),
            (2.5, 0.95),
            (2.58, 0.65),
        ),
        cabin=(-1.02, -0.85, 0.4, 1.1),
        pillars=(0.05,),
        doors=(1.0, 0.05, -0.95),
        width=1.94,
        sill=0.42,
        axles=(-1.65, 1.68),
        wheel=0.41,
        tumble=0.78,
        extras=frozenset({"bed"}),
    ),
    CarBody(
        name="van",
        shoulder=(
            (-2.45, 0.62),
            (-2.44, 1.05),
            (-1.0, 1.10),
            (0.5, 1.10),
            (1.45, 1.08),
            (2.05, 0.98),
            (2.32, 0.80),
            (2.40, 0.55),
        ),
        roof=(
            (-2.45, 0.62),
            (-2.44, 1.1),
            (-2.40, 1.25),
            (-2.30, 1.88),
            (-0.8, 1.95),
            (0.85, 1.88),
            (1.75, 1.10),
            (2.05, 1.0),
            (2.32, 0.82),
            (2.40, 0.55),
        ),
        cabin=(-2.40, -2.30, 0.85, 1.75),
        pillars=(0.35, -0.95),
        doors=(1.35, 0.35, -0.95),
        width=1.95,
        sill=0.26,
        axles=(-1.50, 1.50),
        wheel=0.35,
        tumble=0.84,
    ),
    CarBody(
        name="classic",
        shoulder=(
            (-2.35, 0.62),
            (-2.25, 0.82),
            (-1.6, 0.98),
            (-0.6, 0.98),
            (0.7, 1.0),
            (1.6, 0.98),
            (2.1, 0.88),
            (2.28, 0.58),
        ),
        roof=(
            (-2.35, 0.62),
            (-2.25, 0.86),
            (-1.75, 1.05),
            (-1.1, 1.42),
            (-0.4, 1.54),
            (0.25, 1.46),
            (0.72, 1.05),
            (1.6, 1.02),
            (2.1, 0.90),
            (2.28, 0.58),
        ),
        cabin=(-1.75, -1.1, 0.25, 0.72),
        pillars=(-0.25, -1.0),
        doors=(0.65, -0.25, -1.05),
        width=1.74,
        sill=0.28,
        axles=(-1.32, 1.38),
        wheel=0.36,
        tumble=0.72,
        extras=frozenset({"chrome", "round_lamps"}),
    ),
    CarBody(
        name="mini",
        shoulder=(
            (-1.55, 0.60),
            (-1.52, 0.88),
            (-0.9, 0.90),
            (0.0, 0.88),
            (0.65, 0.88),
            (1.2, 0.84),
            (1.5, 0.74),
            (1.58, 0.50),
        ),
        roof=(
            (-1.55, 0.60),
            (-1.52, 0.92),
            (-1.42, 1.0),
            (-1.05, 1.33),
            (-0.3, 1.39),
            (0.25, 1.34),
            (0.68, 0.91),
            (1.2, 0.86),
            (1.5, 0.76),
            (1.58, 0.50),
        ),
        cabin=(-1.45, -1.05, 0.25, 0.68),
        pillars=(-0.4,),
        doors=(0.6, -0.4),
        width=1.48,
        sill=0.20,
        axles=(-1.02, 1.05),
        wheel=0.28,
        tumble=0.80,
        extras=frozenset({"round_lamps", "chrome"}),
    ),
)

_STATIONS = 56


def build_car(body: CarBody, finish: CarFinish, towards_eye: Floats) -> tuple[Mesh, Texture]:
    """A car as a shape with its texture.

    Args:
        body: its type.
        finish: paint and details.
        towards_eye: (3,) direction to the camera, which decides what is drawn over what.
    """
    texture = Texture()
    charts = paint_car(texture, body, finish)
    black = texture.swatch(Paint((16, 16, 18)))
    skin = texture.swatch(finish.paint)
    parts = [_shell(body, charts.side, charts.top).on_layer(2)]
    parts += [_end(body, charts.front, front=True).on_layer(2), _end(body, charts.rear, front=False).on_layer(2)]
    for side in (-1, 1):
        near = side * towards_eye[1] > 0
        for axle in body.axles:
            parts += _wheel(body, axle, side, charts.wheel, black, near=near)
        parts.append(_mirror(body, side, skin).on_layer(3 if near else 1))
    if "wing" in body.extras:
        parts += [part.on_layer(3) for part in _wing(body, skin)]
    return join(parts), texture


def _profile(line: Line, x: Floats) -> Floats:
    points = np.asarray(line, np.float32)
    return np.interp(x, points[:, 0], points[:, 1]).astype(np.float32)


def _smooth(values: Floats, times: int = 2) -> Floats:
    for _ in range(times):
        padded = np.pad(values, 1, mode="edge")
        values = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return values


def stations(body: CarBody) -> Floats:
    """x of the cross-sections, closer together towards the ends."""
    share = np.linspace(-1, 1, _STATIONS)
    share = np.sign(share) * (1 - (1 - np.abs(share)) ** 1.25)
    return np.asarray(body.tail + (share + 1) / 2 * (body.nose - body.tail), np.float32)


def half_width(body: CarBody, x: Floats) -> Floats:
    """Half the width of the body at x: rounded off towards nose and tail."""
    middle, half = (body.nose + body.tail) / 2, (body.nose - body.tail) / 2
    share = np.abs((x - middle) / half)
    return np.asarray(body.width / 2 * (1 - 0.05 * share**3 - 0.13 * share**14), np.float32)


def _sections(body: CarBody) -> Floats:
    """(stations, 13, 3): the left half of each cross-section from the sill to the middle of the roof."""
    x = stations(body)
    width = half_width(body, x)
    shoulder, roof = _smooth(_profile(body.shoulder, x)), _smooth(_profile(body.roof, x))
    roof = np.maximum(roof, shoulder + 0.005)
    lift = np.clip((roof - shoulder) / (body.height - shoulder.mean()), 0, 1)
    sill = body.sill + 0.10 * np.abs((x - x.mean()) / (x[-1] - x.mean())) ** 8
    drop = shoulder - sill
    cabin = width * (0.94 + (body.tumble - 0.94) * lift)
    crown = 0.015 + 0.03 * lift
    levels = [
        (0.86 * width, sill),
        (0.97 * width, sill + 0.10 * drop),
        (1.00 * width, sill + 0.30 * drop),
        (1.00 * width, sill + 0.55 * drop),
        (0.985 * width, sill + 0.80 * drop),
        (0.97 * width, sill + 0.93 * drop),
        (0.935 * width, shoulder),
        (0.45 * 0.935 * width + 0.55 * cabin, shoulder + 0.55 * (roof - shoulder)),
        (1.02 * cabin, roof - 0.10 * (roof - shoulder)),
        (0.95 * cabin, roof - 0.02 * (roof - shoulder)),
        (0.80 * cabin, roof + 0.35 * crown),
        (0.42 * cabin, roof + 0.85 * crown),
        (0.0 * cabin, roof + crown),
    ]
    return np.stack([np.stack([x, y, z], axis=1) for y, z in levels], axis=1).astype(np.float32)


def _shell(body: CarBody, side: FlatChart, top: FlatChart) -> Mesh:
    """Sides and top."""
    left = _sections(body)
    right = left * np.float32((1, -1, 1))
    over = np.concatenate([left[:, 8:], right[:, 8:][:, ::-1][:, 1:]], axis=1)
    core = (np.nan, 0.0, body.sill + 0.3)
    return join(
        [sheet(left[:, :9], side, inside=core), sheet(right[:, :9], side, inside=core), sheet(over, top, inside=core)]
    )


def _end(body: CarBody, chart: FlatChart, *, front: bool) -> Mesh:
    """The face of the nose or the tail, closing the shell."""
    left = _sections(body)[-1 if front else 0]
    share = np.linspace(-1, 1, 9)[None, :, None]
    rows = np.stack([left * np.float32((1, -1, 1)), left], axis=1)
    points = (rows[:, :1] * (1 - share) + rows[:, 1:] * (1 + share)) / 2
    # A shallow bow: the middle of a bumper stands out.
    points[..., 0] += (1 if front else -1) * 0.07 * (1 - share[..., 0] ** 2)
    return sheet(points.astype(np.float32), chart, inside=((body.tail + body.nose) / 2, 0, 0.5))


def _wheel(body: CarBody, axle: float, side: int, chart: FlatChart, black: object, *, near: bool) -> list[Mesh]:
    face = side * (body.width / 2 - 0.015)
    centre = (axle, face, body.wheel)
    depth = 0.22
    tread = lathe(
        np.float32([(-side * depth, body.wheel), (-0.02 * side, body.wheel), (0, body.wheel * 0.96)]),
        black,
        axis=1,
        centre=centre,
    )  # type: ignore[arg-type]
    rim = polygon(
        circle(centre, body.wheel * 0.97, axis=1),
        _wheel_chart(chart, axle, body.wheel),
        facing=(0, side, 0),
        bulge=0.25,
    )
    return [tread.on_layer(0 if not near else 1), rim.on_layer(3 if near else 0)]


def _wheel_chart(chart: FlatChart, axle: float, radius: float):  # type: ignore[no-untyped-def]
    def place(points: Floats) -> Floats:
        return chart((points - np.float32((axle, 0, radius))) / np.float32(radius))

    return place


def _mirror(body: CarBody, side: int, skin: object) -> Mesh:
    x = body.cabin[3] - 0.28
    z = float(_profile(body.shoulder, np.float32([x]))[0])
    y = side * body.width / 2
    inner, outer = sorted((y - side * 0.04, y + side * 0.16))
    return box((x - 0.06, inner, z + 0.03), (x + 0.08, outer, z + 0.17), skin)  # type: ignore[arg-type]


def _wing(body: CarBody, skin: object) -> list[Mesh]:
    x, half = body.tail + 0.12, body.width / 2 - 0.2
    blade = box((x - 0.05, -half, 1.14), (x + 0.24, half, 1.18), skin)  # type: ignore[arg-type]
    posts = [box((x + 0.02, y - 0.02, 0.92), (x + 0.14, y + 0.02, 1.15), skin) for y in (-half * 0.7, half * 0.7)]  # type: ignore[arg-type]
    return [*posts, blade]
