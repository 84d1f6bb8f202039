"""What a tank looks like up close: plates, camouflage, road wheels, tracks and markings, painted on its charts."""

from dataclasses import dataclass

import numpy as np

from tools.draw_sample.geometry import Floats, even_loop
from tools.draw_sample.tank_types import TankType, Turret
from tools.draw_sample.textures import Colour, FlatChart, Paint, Swatch, Texture

_DARK = Paint((24, 23, 21))
_LINK = 0.30
"""Metres from one link of a track to the next but one."""

_SCALE = 105.0
"""Texture pixels a metre: about those of a tank that fills a picture."""


@dataclass(frozen=True, slots=True)
class TankFinish:
    """One tank's looks.

    Attributes:
        paint: the base colour.
        patches: the colours of its camouflage; none for one colour all over.
        patch_size: metres.
        marking: "none", "star", "number", "stripe", "roundel".
        marking_colour: RGB.
        number: its tactical number.
        turret_yaw: degrees to the left.
        gun_pitch: degrees up.
        lamps_on: whether its lamps shine.
        dirt: 0 clean to 1 filthy.
        dirt_colour: of mud or dust, RGB in [0, 255].
        seed: of all that is random on it.
    """

    paint: Paint
    patches: tuple[Colour, ...] = ()
    patch_size: float = 0.7
    marking: str = "none"
    marking_colour: Colour = (235, 235, 230)
    number: str = "121"
    turret_yaw: float = 0.0
    gun_pitch: float = 2.0
    lamps_on: bool = False
    dirt: float = 0.3
    dirt_colour: Colour = (110, 96, 78)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TankCharts:
    """The painted views of a tank, and single paints for small parts."""

    side: FlatChart
    top: FlatChart
    front: FlatChart
    rear: FlatChart
    skirt: FlatChart
    track: FlatChart
    links: FlatChart
    turret_left: FlatChart
    turret_right: FlatChart
    turret_top: FlatChart
    paint: Swatch
    dark: Swatch
    lamp: Swatch
    stowage: Swatch

    def turret_wall(self, points: Floats) -> Floats:
        """The left or the right view of the turret, by the side on which most of the points lie: (…, 3) to (…, 2)."""
        return (self.turret_left if points[..., 1].mean() > 0 else self.turret_right)(points)


def paint_tank(texture: Texture, kind: TankType, finish: TankFinish) -> TankCharts:
    """Paint all views of a tank."""
    rng = np.random.default_rng(finish.seed)
    half, low, high = kind.width / 2 + 0.06, kind.tail - 0.1, kind.nose + 0.1
    reach = max(map(abs, kind.turret.x)) + 0.1
    charts = TankCharts(
        side=texture.chart((0, 2), (low, 0.3), (high, kind.deck + 0.05), _SCALE),
        top=texture.chart((0, 1), (low, -half), (high, half), _SCALE),
        front=texture.chart((1, 2), (-half, 0.3), (half, kind.deck + 0.05), _SCALE),
        rear=texture.chart((1, 2), (-half, 0.3), (half, kind.deck + 0.05), _SCALE),
        skirt=texture.chart((0, 2), (low, 0.4), (high, kind.deck + 0.05), _SCALE),
        track=texture.chart((0, 2), (low, 0.0), (high, 1.3), _SCALE),
        links=texture.chart((0, 1), (0.0, 0.0), (1.2, 1.0), 100),
        turret_left=texture.chart((0, 2), (-reach, 0.0), (reach, kind.turret.height), _SCALE),
        turret_right=texture.chart((0, 2), (-reach, 0.0), (reach, kind.turret.height), _SCALE),
        turret_top=texture.chart((0, 1), (-reach, -reach), (reach, reach), _SCALE),
        paint=texture.swatch(finish.paint),
        dark=texture.swatch(_DARK),
        lamp=texture.swatch(Paint((235, 235, 225), 0.6, 1.0 if finish.lamps_on else 0.0)),
        stowage=texture.swatch(Paint((96, 86, 66))),
    )
    for chart in (
        charts.side,
        charts.top,
        charts.front,
        charts.rear,
        charts.skirt,
        charts.turret_left,
        charts.turret_right,
        charts.turret_top,
    ):
        chart.fill(finish.paint)
        chart.camouflage(rng, finish.patches, finish.patch_size)
    _paint_hull(charts, kind, finish)
    _paint_turret(charts, kind, finish)
    _paint_skirt(charts.skirt, kind, finish)
    _paint_track(charts.track, kind, finish)
    _paint_links(charts.links)
    for chart in (charts.side, charts.front, charts.rear, charts.skirt, charts.track):
        chart.weather(rng, strength=0.05, dirt=finish.dirt_colour, dirt_below=0.3 + 1.0 * finish.dirt)
    for chart in (charts.top, charts.turret_left, charts.turret_right, charts.turret_top):
        chart.weather(rng, strength=0.05, dirt=finish.dirt_colour)
    return charts


def _seam(finish: TankFinish) -> Paint:
    return Paint(finish.paint.shaded(0.45).colour)


def _paint_hull(charts: TankCharts, kind: TankType, finish: TankFinish) -> None:
    half, seam = kind.width / 2, _seam(finish)
    top = charts.top
    for x in np.linspace(kind.tail + 0.35, kind.tail + 1.5, 6):  # engine grilles
        top.line([(x, -half * 0.55), (x, half * 0.55)], seam, 0.05)
    top.line([(kind.turret.ring - 1.6, -half * 0.95), (kind.turret.ring - 1.6, half * 0.95)], seam, 0.02)
    for y in (-half + kind.track, half - kind.track):
        top.line([(kind.tail, y), (kind.nose, y)], seam, 0.02)
    top.ring((kind.nose - 1.55, 0.35), 0.26, seam, 0.03)  # the driver's hatch
    for y in (-half * 0.5, half * 0.5):
        charts.front.line([(y, 0.7), (y, 0.85)], Paint((60, 58, 54)), 0.08)
    for x in np.linspace(kind.tail + 0.6, kind.nose - 0.9, 6):
        charts.side.line([(x, kind.fender), (x, kind.deck)], seam, 0.015)
    charts.side.line([(kind.tail, kind.fender + 0.02), (kind.nose, kind.fender + 0.02)], _DARK, 0.05)


def _paint_turret(charts: TankCharts, kind: TankType, finish: TankFinish) -> None:
    seam, turret = _seam(finish), kind.turret
    charts.turret_top.ring((-0.25, 0.4), 0.34, seam, 0.03)
    charts.turret_top.ring((-0.15, -0.45), 0.26, seam, 0.03)
    for chart in (charts.turret_left, charts.turret_right):
        chart.line([(-5, 0.03), (5, 0.03)], _DARK, 0.05)
        _paint_marking(chart, turret, finish, seen_from_left=chart is charts.turret_left)


def _paint_marking(chart: FlatChart, turret: Turret, finish: TankFinish, *, seen_from_left: bool) -> None:
    mark, size = Paint(finish.marking_colour), turret.height
    x, z = turret.x[-1] * 0.35, size * 0.5
    if finish.marking == "star":
        chart.polygon(_star((x, z), size * 0.32), mark)
    if finish.marking == "roundel":
        chart.disc((x, z), size * 0.30, mark)
        chart.disc((x, z), size * 0.15, Paint((150, 40, 36)))
    if finish.marking == "stripe":
        chart.rectangle((-5, z + 0.12), (5, z + 0.22), mark)
    if finish.marking == "number":
        chart.text(finish.number, (x, z), size * 0.42, mark, mirrored=seen_from_left)


def _star(centre: tuple[float, float], radius: float) -> list[tuple[float, float]]:
    angle = np.pi / 2 + np.arange(10) * np.pi / 5
    reach = np.where(np.arange(10) % 2 == 0, radius, radius * 0.4)
    return [(centre[0] + r * np.cos(a), centre[1] + r * np.sin(a)) for a, r in zip(angle, reach, strict=True)]


def _paint_skirt(chart: FlatChart, kind: TankType, finish: TankFinish) -> None:
    if kind.skirt is None:
        return
    for x in np.linspace(kind.tail + 0.35, kind.nose - 0.25, 8):
        chart.line([(x, kind.skirt), (x, kind.deck)], _seam(finish), 0.02)
    chart.line([(kind.tail, kind.skirt + 0.02), (kind.nose, kind.skirt + 0.02)], _seam(finish), 0.03)


def _paint_track(chart: FlatChart, kind: TankType, finish: TankFinish) -> None:
    chart.fill(_DARK)
    outer, inner = kind.track_outline(), kind.track_outline(0.10)
    chart.polygon(outer.tolist(), Paint((52, 49, 46)))
    chart.polygon(inner.tolist(), _DARK)
    loop, _ = even_loop(outer, round(4.5 * (kind.nose - kind.tail) / _LINK))
    along = np.roll(loop, -1, axis=0) - loop
    inward = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(
        np.linalg.norm(along, axis=1, keepdims=True), 1e-6
    )
    inward *= np.sign(((outer.mean(axis=0) - loop) * inward).sum(axis=1, keepdims=True))
    for start, end in zip(loop[::2], (loop + 0.1 * inward)[::2], strict=True):
        chart.line([tuple(start), tuple(end)], Paint((28, 26, 24)), 0.035)
    for x, z, radius in kind.sprockets:
        _wheel(chart, (x, z), radius - 0.10, finish, spokes=8)
    for x in np.linspace(*kind.axles, kind.wheels):
        _wheel(chart, (float(x), kind.wheel + 0.1), kind.wheel, finish, spokes=0)


def _wheel(chart: FlatChart, centre: tuple[float, float], radius: float, finish: TankFinish, *, spokes: int) -> None:
    paint = Paint(finish.paint.shaded(0.85).colour)
    chart.disc(centre, radius, Paint((34, 33, 32)))
    chart.disc(centre, radius * 0.84, paint)
    chart.ring(centre, radius * 0.60, paint.shaded(0.6), 0.02)
    chart.disc(centre, radius * 0.26, paint.shaded(0.7))
    chart.disc(centre, radius * 0.16, paint.shaded(1.1))
    for angle in np.linspace(0, 2 * np.pi, spokes or 6, endpoint=False):
        hole = (centre[0] + 0.6 * radius * np.cos(angle), centre[1] + 0.6 * radius * np.sin(angle))
        chart.disc(hole, radius * (0.14 if spokes else 0.07), _DARK)


def _paint_links(chart: FlatChart) -> None:
    chart.fill(Paint((50, 47, 43)))
    for x in np.arange(0, 1.25, 0.15):
        chart.line([(x, 0), (x, 1)], Paint((22, 21, 20)), 0.04)
        chart.line([(x + 0.075, 0.08), (x + 0.075, 0.92)], Paint((86, 82, 76), 0.15), 0.03)
    for y in (0.33, 0.67):
        chart.line([(0, y), (1.2, y)], Paint((30, 29, 27)), 0.02)
