"""What a car looks like up close: windows, door gaps, lamps, grille and wheels, painted on its charts."""

from dataclasses import dataclass

import numpy as np

from tools.draw_sample.car_bodies import CarBody
from tools.draw_sample.textures import Colour, FlatChart, Paint, Texture

_GLASS = Paint((34, 44, 52), gloss=0.95)
_BLACK = Paint((16, 16, 17))
_GAP = Paint((28, 28, 30))
_CHROME = Paint((206, 210, 214), gloss=0.9)
_TYRE = Paint((24, 24, 25))
_PLASTIC = Paint((36, 36, 38), gloss=0.2)
_PLATE = Paint((235, 235, 228))
_INK = Paint((20, 20, 30))
_ALLOY = Paint((170, 172, 176), gloss=0.5)
_SCALE = 140.0
"""Texture pixels a metre: about those of a car that fills a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarFinish:
    """One car's looks.

    Attributes:
        paint: of the body.
        second: a second colour for the pattern.
        pattern: "plain", "roof", "stripes", "patches".
        lamps_on: whether the lamps shine.
        spokes: of the rims.
        rim: their paint.
        dirt: 0 clean to 1 filthy.
        dirt_colour: of mud or dust, RGB in [0, 255].
        plate: the number on its plates.
        seed: of all that is random on it.
    """

    paint: Paint
    second: Colour = (230, 230, 226)
    pattern: str = "plain"
    lamps_on: bool = False
    spokes: int = 5
    rim: Paint = _ALLOY
    dirt: float = 0.0
    dirt_colour: Colour = (110, 96, 78)
    plate: str = "CIC 23"
    seed: int = 0

    @property
    def second_paint(self) -> Paint:
        """The second colour with the finish of the first."""
        return Paint(self.second, self.paint.gloss)

    @property
    def trim(self) -> Paint:
        """Door handles and the like."""
        return Paint(self.paint.shaded(0.6).colour, 0.5)

    def white_lamp(self) -> Paint:
        """A headlamp."""
        return Paint((236, 238, 240), 0.6, 1.0 if self.lamps_on else 0.0)

    def red_lamp(self) -> Paint:
        """A tail lamp."""
        return Paint((190, 24, 22), 0.5, 0.95 if self.lamps_on else 0.0)


@dataclass(frozen=True, slots=True)
class CarCharts:
    """The painted views of a car; the wheel's is in units of its radius."""

    side: FlatChart
    top: FlatChart
    front: FlatChart
    rear: FlatChart
    wheel: FlatChart


def paint_car(texture: Texture, body: CarBody, finish: CarFinish) -> CarCharts:
    """Paint all views of a car."""
    rng = np.random.default_rng(finish.seed)
    half, low, high = body.width / 2 + 0.05, body.tail - 0.1, body.nose + 0.1
    charts = CarCharts(
        side=texture.chart((0, 2), (low, 0.0), (high, body.height + 0.1), _SCALE),
        top=texture.chart((0, 1), (low, -half), (high, half), _SCALE),
        front=texture.chart((1, 2), (-half, 0.0), (half, body.height), _SCALE),
        rear=texture.chart((1, 2), (-half, 0.0), (half, body.height), _SCALE),
        wheel=texture.chart((0, 2), (-1.05, -1.05), (1.05, 1.05), 80),
    )
    for chart in (charts.side, charts.top, charts.front, charts.rear):
        chart.fill(finish.paint)
        if finish.pattern == "patches":
            chart.camouflage(rng, [finish.second], 0.5)
    _paint_side(charts.side, body, finish)
    _paint_top(charts.top, body, finish)
    _paint_front(charts.front, body, finish)
    _paint_rear(charts.rear, body, finish)
    for chart in (charts.side, charts.front, charts.rear):
        chart.weather(
            rng, strength=0.02 + 0.04 * finish.dirt, dirt=finish.dirt_colour, dirt_below=0.15 + 0.6 * finish.dirt
        )
    _paint_wheel(charts.wheel, finish)
    return charts


def _paint_side(chart: FlatChart, body: CarBody, finish: CarFinish) -> None:
    if finish.pattern == "roof":
        foot = [(x, float(body.shoulder_at(x)) + 0.02) for x in np.linspace(body.cabin[0], body.cabin[3], 12)]
        chart.polygon([*foot, (body.cabin[3], 3), (body.cabin[0], 3)], finish.second_paint)
    chart.rectangle((body.tail, 0), (body.nose, body.sill + 0.06), Paint(finish.paint.shaded(0.5).colour, 0.1))
    crease = np.linspace(body.tail + 0.3, body.nose - 0.5, 12)
    chart.line(
        [(x, body.sill + 0.62 * (float(body.shoulder_at(x)) - body.sill)) for x in crease],
        finish.paint.shaded(0.8),
        0.012,
    )
    _paint_doors(chart, body, finish)
    _paint_side_windows(chart, body)
    _paint_side_lamps(chart, body, finish)
    for axle in body.axles:
        chart.disc((axle, body.wheel), body.wheel * 1.24, finish.paint.shaded(0.72))
        chart.disc((axle, body.wheel), body.wheel * 1.16, _BLACK)
        chart.rectangle((axle - body.wheel * 1.16, 0), (axle + body.wheel * 1.16, body.wheel), _BLACK)


def _paint_doors(chart: FlatChart, body: CarBody, finish: CarFinish) -> None:
    for x in body.doors:
        chart.line([(x, body.sill + 0.1), (x + 0.02, float(body.shoulder_at(x)))], _GAP, 0.014)
    chart.line([(x, body.sill + 0.1) for x in (body.doors[0], body.doors[-1])], _GAP, 0.012)
    handle = _CHROME if "chrome" in body.extras else finish.trim
    for x in body.doors[1:]:
        z = float(body.shoulder_at(x))
        chart.rectangle((x + 0.06, z - 0.12), (x + 0.24, z - 0.08), handle)


def _paint_side_windows(chart: FlatChart, body: CarBody) -> None:
    rear, _, _, front = body.cabin
    frame = 0.105
    sill = [(x, float(body.shoulder_at(x)) + 0.035) for x in np.linspace(rear + 0.22, front - 0.16, 12)]
    arch = [(x, float(body.roof_at(x)) - frame) for x in np.linspace(front - 0.1, rear + 0.12, 40)]
    outline = sill + [(x, z) for x, z in arch if z > float(body.shoulder_at(x)) + 0.04]
    chart.polygon(outline, _GLASS)
    if "chrome" in body.extras:
        chart.line(outline, _CHROME, 0.018, closed=True)
    for x in body.pillars:
        low, high = float(body.shoulder_at(x)), float(body.roof_at(x)) - frame + 0.005
        chart.polygon([(x - 0.04, low), (x + 0.05, low), (x + 0.02, high), (x - 0.06, high)], Paint((24, 24, 26), 0.4))


def _paint_side_lamps(chart: FlatChart, body: CarBody, finish: CarFinish) -> None:
    nose, tail = body.nose, body.tail
    if "round lamps" not in body.extras:
        z = float(body.shoulder_at(nose - 0.1)) - 0.10
        chart.polygon(
            [(nose - 0.40, z + 0.05), (nose, z + 0.03), (nose, z - 0.10), (nose - 0.20, z - 0.07)], finish.white_lamp()
        )
    z = float(body.shoulder_at(tail + 0.1)) - 0.12
    chart.polygon(
        [(tail, z + 0.07), (tail + 0.26, z + 0.05), (tail + 0.16, z - 0.08), (tail, z - 0.10)], finish.red_lamp()
    )
    bumper = _CHROME if "chrome" in body.extras else _PLASTIC
    for start in (tail, nose - 0.35):
        chart.rectangle((start, body.sill + 0.06), (start + 0.35, body.sill + 0.17), bumper)


def _paint_top(chart: FlatChart, body: CarBody, finish: CarFinish) -> None:
    rear, rear_top, front_top, front = body.cabin
    half, roof_half = body.width / 2, body.width / 2 * body.tumble
    if finish.pattern == "roof":
        chart.rectangle((rear, -half), (front, half), finish.second_paint)
    if finish.pattern == "stripes":
        for y in (-0.22, 0.22):
            chart.rectangle((body.tail - 0.1, y - 0.11), (body.nose + 0.1, y + 0.11), finish.second_paint)
    for foot, upper in ((front, front_top), (rear, rear_top)):
        inward = 0.05 if upper < foot else -0.05
        wide, narrow = half * 0.86, roof_half * 0.88
        x_foot, x_upper = foot - inward, upper + inward * 0.3
        chart.polygon([(x_foot, -wide), (x_foot, wide), (x_upper, narrow), (x_upper, -narrow)], _GLASS)
    for side in (-1, 1):
        chart.line([(front + 0.08, side * half * 0.86), (body.nose - 0.25, side * half * 0.74)], _GAP, 0.012)
        if "rails" in body.extras:
            chart.line(
                [(rear_top, side * roof_half * 0.85), (front_top, side * roof_half * 0.85)],
                Paint((40, 40, 42), 0.4),
                0.05,
            )
    if "bed" in body.extras:
        chart.rectangle((body.tail + 0.1, -half + 0.14), (rear - 0.05, half - 0.14), Paint((34, 34, 36)))


def _paint_front(chart: FlatChart, body: CarBody, finish: CarFinish) -> None:
    half, base = body.width / 2 * 0.84, body.sill + 0.08
    span = body.shoulder[-1] - base
    chart.rectangle((-half * 1.2, 0), (half * 1.2, base + 0.20 * span), _PLASTIC)
    _paint_grille(chart, body, finish, (half * 0.62, base + 0.36 * span, base + 0.88 * span))
    for side in (-1, 1):
        if "round lamps" in body.extras:
            chart.disc((side * half * 0.80, base + 0.64 * span), 0.135, _CHROME)
            chart.disc((side * half * 0.80, base + 0.64 * span), 0.11, finish.white_lamp())
        else:
            low, high = base + 0.56 * span, base + 0.96 * span
            inner, outer = side * half * 0.66, side * half * 1.2
            chart.polygon(
                [(inner, low + 0.03), (outer, low + 0.07), (outer, high), (inner, high - 0.05)], finish.white_lamp()
            )
        chart.disc((side * half * 0.82, base + 0.14 * span), 0.045, Paint((200, 200, 190), 0.5))
    if "chrome" in body.extras:
        chart.rectangle((-half * 1.2, base + 0.10 * span), (half * 1.2, base + 0.26 * span), _CHROME)
    chart.rectangle((-0.26, base + 0.05), (0.26, base + 0.16), _PLATE)
    chart.text(finish.plate, (0, base + 0.105), 0.07, _INK)


def _paint_grille(chart: FlatChart, body: CarBody, finish: CarFinish, place: tuple[float, float, float]) -> None:
    """A grille of half width, lower and upper edge."""
    half, low, high = place
    metal = _CHROME if "chrome" in body.extras else Paint((92, 94, 98), 0.6)
    if body.grille == "none":
        chart.rectangle((-half * 1.2, low - 0.06), (half * 1.2, low + 0.03), Paint((20, 20, 22)))
        return
    chart.rectangle((-half, low), (half, high), Paint((20, 20, 22), 0.2))
    if body.grille in ("bars", "mesh"):
        for z in np.linspace(low, high, 6)[1:-1]:
            chart.line([(-half, z), (half, z)], metal, 0.012)
    if body.grille in ("slats", "mesh"):
        for y in np.linspace(-half, half, 9)[1:-1]:
            chart.line([(y, low), (y, high)], metal, 0.02 if body.grille == "slats" else 0.008)
    chart.line([(-half, low), (half, low), (half, high), (-half, high)], metal, 0.018, closed=True)
    chart.disc((0, (low + high) / 2), 0.05, Paint(finish.rim.colour, 0.9))


def _paint_rear(chart: FlatChart, body: CarBody, finish: CarFinish) -> None:
    half, base = body.width / 2 * 0.84, body.sill + 0.08
    span = body.shoulder[0] - base
    chart.rectangle((-half * 1.2, 0), (half * 1.2, base + 0.20 * span), _PLASTIC)
    for side in (-1, 1):
        inner, outer = sorted((side * half * 0.62, side * half * 1.2))
        chart.rectangle((inner, base + 0.58 * span), (outer, base + 0.92 * span), finish.red_lamp())
    middle = base + 0.42 * span + 0.055
    chart.rectangle((-0.26, middle - 0.055), (0.26, middle + 0.055), _PLATE)
    chart.text(finish.plate, (0, middle), 0.07, _INK, mirrored=True)
    chart.line([(-half, base + 0.97 * span), (half, base + 0.97 * span)], _GAP, 0.014)
    if "spare wheel" in body.extras:
        chart.disc((0, body.shoulder[0]), 0.33, _TYRE)
        chart.disc((0, body.shoulder[0]), 0.2, finish.paint)


def _paint_wheel(chart: FlatChart, finish: CarFinish) -> None:
    chart.fill(_TYRE)
    chart.ring((0, 0), 0.86, Paint((46, 46, 48)), 0.02)
    chart.disc((0, 0), 0.72, finish.rim)
    chart.disc((0, 0), 0.62, Paint((30, 30, 32)))
    chart.disc((0, 0), 0.42, Paint((60, 60, 64), 0.3))
    for angle in np.linspace(0, 2 * np.pi, finish.spokes, endpoint=False):
        out = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-out[1], out[0]])
        width = 0.6 / finish.spokes
        spoke = [
            out * 0.05 - across * width,
            out * 0.68 - across * width * 0.75,
            out * 0.68 + across * width * 0.75,
            out * 0.05 + across * width,
        ]
        chart.polygon([tuple(point) for point in spoke], finish.rim)
    chart.disc((0, 0), 0.15, finish.rim.shaded(0.8))
