"""What a car looks like up close: windows, door gaps, lamps, grille and wheels, painted on its charts."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cic_assets.sample.textures import Colour, FlatChart, Paint, Texture

if TYPE_CHECKING:
    from cic_assets.sample.cars import CarBody

GLASS = Paint((30, 38, 44), gloss=0.95)
BLACK = Paint((20, 20, 22), gloss=0.2)
GAP = Paint((28, 28, 30))
CHROME = Paint((200, 204, 208), gloss=0.95)
TYRE = Paint((24, 24, 25))


@dataclass(frozen=True, slots=True)
class CarFinish:
    """One car's looks.

    Attributes:
        paint: of the body.
        second: a second colour (roof, stripes, patches), or None.
        pattern: "plain", "roof", "stripes", "patches".
        lamps_on: whether the lamps shine.
        spokes: of the rims.
        rim: their paint.
        dirt: 0 clean to 1 filthy.
        plate: the number on its plates.
        seed: of all that is random on it.
    """

    paint: Paint
    second: Colour | None = None
    pattern: str = "plain"
    lamps_on: bool = False
    spokes: int = 5
    rim: Paint = field(default_factory=lambda: Paint((170, 172, 176), 0.5))
    dirt: float = 0.0
    dirt_colour: Colour = (110, 96, 78)
    plate: str = "CIC 2023"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class CarCharts:
    """The painted views of a car."""

    side: FlatChart
    top: FlatChart
    front: FlatChart
    rear: FlatChart
    wheel: FlatChart


def paint_car(texture: Texture, body: "CarBody", finish: CarFinish) -> CarCharts:
    """Paint all views of a car."""
    rng = np.random.default_rng(finish.seed)
    half = body.width / 2 + 0.05
    scale = 140.0
    side = texture.chart((0, 2), (body.tail - 0.1, 0.0), (body.nose + 0.1, body.height + 0.1), scale)
    top = texture.chart((0, 1), (body.tail - 0.1, -half), (body.nose + 0.1, half), scale)
    front = texture.chart((1, 2), (-half, 0.0), (half, body.height), scale)
    rear = texture.chart((1, 2), (-half, 0.0), (half, body.height), scale)
    wheel = texture.chart((0, 2), (-1.05, -1.05), (1.05, 1.05), 90)
    for chart in (side, top, front, rear):
        chart.fill(finish.paint)
        if finish.pattern == "patches" and finish.second is not None:
            chart.camouflage(rng, [finish.second], 0.5)
    _paint_side(side, body, finish)
    _paint_top(top, body, finish)
    _paint_front(front, body, finish)
    _paint_rear(rear, body, finish)
    for chart in (side, front, rear):
        chart.weather(
            rng, strength=0.02 + 0.04 * finish.dirt, dirt=finish.dirt_colour, dirt_below=0.15 + 0.6 * finish.dirt
        )
    _paint_wheel(wheel, finish)
    return CarCharts(side, top, front, rear, wheel)


def _between(line: list[tuple[float, float]], x: float) -> float:
    points = np.asarray(line)
    return float(np.interp(x, points[:, 0], points[:, 1]))


def _paint_side(chart: FlatChart, body: "CarBody", finish: CarFinish) -> None:
    shoulder, roof = list(body.shoulder), list(body.roof)
    if finish.pattern == "roof" and finish.second is not None:
        points = [(x, _between(shoulder, x) + 0.02) for x in np.linspace(body.cabin[0], body.cabin[3], 12)]
        chart.polygon([*points, (body.cabin[3], 3), (body.cabin[0], 3)], Paint(finish.second, finish.paint.gloss))
    lower = finish.paint.shaded(0.55)
    chart.rectangle((body.tail, 0), (body.nose, body.sill + 0.06), Paint(lower.colour, 0.1))
    crease = finish.paint.shaded(0.8)
    chart.line(
        [
            (x, body.sill + 0.62 * (_between(shoulder, x) - body.sill))
            for x in np.linspace(body.tail + 0.3, body.nose - 0.5, 12)
        ],
        crease,
        0.012,
    )
    for x in body.doors:
        chart.line([(x, body.sill + 0.1), (x + 0.02, _between(shoulder, x))], GAP, 0.014)
    if len(body.doors) > 1:
        chart.line([(x, body.sill + 0.1) for x in (body.doors[0], body.doors[-1])], GAP, 0.012)
    trim = CHROME if "chrome" in body.extras else Paint(finish.paint.shaded(0.6).colour, 0.5)
    for x in body.doors[1:]:
        chart.rectangle((x + 0.06, _between(shoulder, x) - 0.12), (x + 0.24, _between(shoulder, x) - 0.08), trim)
    _paint_side_windows(chart, body)
    _paint_side_lamps(chart, body, finish)
    for axle in body.axles:
        chart.disc((axle, body.wheel), body.wheel * 1.24, finish.paint.shaded(0.72))
        chart.disc((axle, body.wheel), body.wheel * 1.17, BLACK)
        chart.rectangle((axle - body.wheel * 1.17, 0), (axle + body.wheel * 1.17, body.wheel), BLACK)


def _paint_side_windows(chart: FlatChart, body: "CarBody") -> None:
    shoulder, roof = list(body.shoulder), list(body.roof)
    rear_foot, rear_top, front_top, front_foot = body.cabin
    frame = 0.07
    upper = [(x, _between(roof, x)) for x in np.linspace(rear_foot, front_foot, 40)]
    outline = [(x, _between(shoulder, x) + 0.035) for x in np.linspace(rear_foot + 0.22, front_foot - 0.16, 12)]
    outline += [
        (x, z - frame - 0.035)
        for x, z in upper[::-1]
        if z - frame - 0.035 > _between(shoulder, x) + 0.04 and rear_foot + 0.12 < x < front_foot - 0.1
    ]
    chart.polygon(outline, GLASS)
    if "chrome" in body.extras:
        chart.line(outline, CHROME, 0.018, closed=True)
    for x in body.pillars:
        paint = Paint((24, 24, 26), 0.4)
        top = _between(roof, x) - frame - 0.03
        chart.polygon(
            [(x - 0.04, _between(shoulder, x)), (x + 0.05, _between(shoulder, x)), (x + 0.02, top), (x - 0.06, top)],
            paint,
        )


def _paint_side_lamps(chart: FlatChart, body: "CarBody", finish: CarFinish) -> None:
    nose, tail = body.nose, body.tail
    z = _between(list(body.shoulder), nose - 0.12) - 0.10
    white = Paint((235, 238, 240), 0.6, 1.0 if finish.lamps_on else 0.0)
    red = Paint((190, 24, 22), 0.5, 1.0 if finish.lamps_on else 0.0)
    if "round_lamps" not in body.extras:
        chart.polygon([(nose - 0.42, z + 0.06), (nose, z + 0.02), (nose, z - 0.10), (nose - 0.22, z - 0.08)], white)
    z = _between(list(body.shoulder), tail + 0.1) - 0.12
    chart.polygon([(tail, z + 0.07), (tail + 0.26, z + 0.05), (tail + 0.16, z - 0.08), (tail, z - 0.09)], red)
    bumper = Paint((36, 36, 38), 0.2) if "chrome" not in body.extras else CHROME
    for x, inward in ((nose, -1), (tail, 1)):
        chart.rectangle(
            (min(x, x + inward * 0.35), body.sill + 0.06), (max(x, x + inward * 0.35), body.sill + 0.17), bumper
        )


def _paint_top(chart: FlatChart, body: "CarBody", finish: CarFinish) -> None:
    rear_foot, rear_top, front_top, front_foot = body.cabin
    half = body.width / 2
    roof_half = half * body.tumble
    if finish.pattern == "roof" and finish.second is not None:
        chart.rectangle((rear_foot, -half), (front_foot, half), Paint(finish.second, finish.paint.gloss))
    if finish.pattern == "stripes" and finish.second is not None:
        for y in (-0.22, 0.22):
            chart.rectangle(
                (body.tail - 0.1, y - 0.11), (body.nose + 0.1, y + 0.11), Paint(finish.second, finish.paint.gloss)
            )
    for foot, upper in ((front_foot, front_top), (rear_foot, rear_top)):
        inward = 0.05 if upper < foot else -0.05
        wide, narrow = half * 0.86, roof_half * 0.88
        chart.polygon(
            [
                (foot - inward, -wide),
                (foot - inward, wide),
                (upper + inward * 0.3, narrow),
                (upper + inward * 0.3, -narrow),
            ],
            GLASS,
        )
    chart.line([(front_foot + 0.1, -half * 0.86), (body.nose - 0.3, -half * 0.78)], GAP, 0.012)
    chart.line([(front_foot + 0.1, half * 0.86), (body.nose - 0.3, half * 0.78)], GAP, 0.012)
    if "bed" in body.extras:
        chart.rectangle((body.tail + 0.1, -half + 0.14), (rear_foot - 0.05, half - 0.14), Paint((34, 34, 36)))
    if "rails" in body.extras:
        for y in (-roof_half * 0.85, roof_half * 0.85):
            chart.line([(rear_top, y), (front_top, y)], Paint((40, 40, 42), 0.4), 0.05)


def _paint_front(chart: FlatChart, body: "CarBody", finish: CarFinish) -> None:
    half = body.width / 2 * 0.84
    base, top = body.sill, body.shoulder[-1][1] + 0.0
    span = top - base
    lamp = Paint((235, 238, 240), 0.6, 1.0 if finish.lamps_on else 0.0)
    grille = Paint((22, 22, 24), 0.3)
    chart.rectangle((-half * 0.55, base + 0.32 * span), (half * 0.55, base + 0.85 * span), grille)
    metal = CHROME if "chrome" in body.extras else Paint((70, 72, 76), 0.5)
    for z in np.linspace(base + 0.4 * span, base + 0.8 * span, 4):
        chart.line([(-half * 0.53, z), (half * 0.53, z)], metal, 0.012)
    chart.rectangle((-half, base), (half, base + 0.25 * span), Paint((34, 34, 36), 0.2))
    for side in (-1, 1):
        if "round_lamps" in body.extras:
            chart.disc((side * half * 0.76, base + 0.66 * span), 0.12, CHROME)
            chart.disc((side * half * 0.76, base + 0.66 * span), 0.095, lamp)
        else:
            chart.polygon(
                [
                    (side * half * 0.6, base + 0.62 * span),
                    (side * half * 1.1, base + 0.70 * span),
                    (side * half * 1.1, base + 0.95 * span),
                    (side * half * 0.62, base + 0.86 * span),
                ],
                lamp,
            )
    chart.rectangle((-0.26, base + 0.05), (0.26, base + 0.16), Paint((235, 235, 228)))
    chart.text(finish.plate, (0, base + 0.105), 0.07, Paint((20, 20, 30)))


def _paint_rear(chart: FlatChart, body: "CarBody", finish: CarFinish) -> None:
    half = body.width / 2 * 0.84
    base, top = body.sill, body.shoulder[0][1]
    span = top - base
    lamp = Paint((190, 22, 20), 0.5, 0.9 if finish.lamps_on else 0.0)
    chart.rectangle((-half, base), (half, base + 0.25 * span), Paint((34, 34, 36), 0.2))
    for side in (-1, 1):
        chart.rectangle(
            sorted_pair(side * half * 0.62, side * half * 1.08, base + 0.62 * span)[0],
            sorted_pair(side * half * 0.62, side * half * 1.08, base + 0.9 * span)[1],
            lamp,
        )
    chart.rectangle((-0.26, base + 0.40 * span), (0.26, base + 0.40 * span + 0.11), Paint((235, 235, 228)))
    chart.text(finish.plate, (0, base + 0.40 * span + 0.055), 0.07, Paint((20, 20, 30)), mirrored=True)
    chart.line([(-half * 0.95, base + 0.96 * span), (half * 0.95, base + 0.96 * span)], GAP, 0.014)
    if "spare" in body.extras:
        chart.disc((0, top - 0.05), 0.33, TYRE)
        chart.disc((0, top - 0.05), 0.2, finish.paint)


def sorted_pair(a: float, b: float, z: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two points at one height, left to right."""
    low, high = sorted((a, b))
    return (low, z), (high, z)


def _paint_wheel(chart: FlatChart, finish: CarFinish) -> None:
    chart.fill(TYRE)
    chart.ring((0, 0), 0.86, Paint((46, 46, 48)), 0.02)
    chart.disc((0, 0), 0.72, finish.rim)
    chart.disc((0, 0), 0.62, Paint((30, 30, 32)))
    chart.disc((0, 0), 0.42, Paint((60, 60, 64), 0.3))
    for angle in np.linspace(0, 2 * np.pi, finish.spokes, endpoint=False):
        out = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-out[1], out[0]])
        chart.polygon(
            [
                out * 0.05 - across * 0.10,
                out * 0.68 - across * 0.075,
                out * 0.68 + across * 0.075,
                out * 0.05 + across * 0.10,
            ],
            finish.rim,
        )
    chart.disc((0, 0), 0.15, finish.rim.shaded(0.8))
