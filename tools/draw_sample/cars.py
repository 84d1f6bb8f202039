"""Building a car: a shell lofted from the profile of its body, wheels, mirrors and what else stands out."""

from typing import NamedTuple

import numpy as np

from tools.draw_sample.car_bodies import CarBody
from tools.draw_sample.car_paint import CarFinish, paint_car
from tools.draw_sample.geometry import Chart, Floats, Mesh, box, circle, floats, join, lathe, polygon, sheet
from tools.draw_sample.textures import Paint, Texture

_STATIONS = 56
"""Cross-sections of a shell: facets of less than ten centimetres do not show."""

_ROOF_EDGE = 8
"""Where in a cross-section the side ends and the top begins."""


class _Layer(NamedTuple):
    """What is drawn over what."""

    far: float = 0
    under: float = 1
    shell: float = 2
    near: float = 3


_LAYER = _Layer()


def build_car(body: CarBody, finish: CarFinish, towards_eye: Floats) -> tuple[Mesh, Texture]:
    """A car as a shape with its texture.

    Args:
        body: its type.
        finish: paint and details.
        towards_eye: (3,) direction to the camera, which decides what is drawn over what.
    """
    texture = Texture()
    charts = paint_car(texture, body, finish)
    black, skin = texture.swatch(Paint((14, 14, 15))), texture.swatch(finish.paint)
    parts = [_underside(body, black).on_layer(_LAYER.under)]
    parts += [part.on_layer(_LAYER.shell) for part in _shell(body, charts.side, charts.top)]
    parts += [part.on_layer(_LAYER.shell) for part in (_end(body, charts.front, 1), _end(body, charts.rear, -1))]
    for side in (-1, 1):
        near = side * towards_eye[1] > 0
        for axle in body.axles:
            parts += _wheel(body, (axle, side, near), charts.wheel, black)
        parts.append(_mirror(body, side, skin).on_layer(_LAYER.near if near else _LAYER.under))
    if "wing" in body.extras:
        parts += [part.on_layer(_LAYER.near) for part in _wing(body, skin)]
    return join(parts), texture


def _smooth(values: Floats) -> Floats:
    """Rounded corners: a (1, 2, 1) mean, twice."""
    for _ in range(2):
        padded = np.pad(values, 1, mode="edge")
        values = floats((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4)
    return values


def _stations(body: CarBody) -> Floats:
    """Where the cross-sections are: closer together towards the ends."""
    share = np.linspace(-1, 1, _STATIONS)
    share = np.sign(share) * (1 - (1 - np.abs(share)) ** 1.25)
    return np.asarray(body.tail + (share + 1) / 2 * (body.nose - body.tail), np.float32)


def _half_width(body: CarBody, x: Floats) -> Floats:
    """Half the width of the body at x: rounded off towards nose and tail."""
    middle, half = (body.nose + body.tail) / 2, (body.nose - body.tail) / 2
    share = np.abs((x - middle) / half)
    return np.asarray(body.width / 2 * (1 - 0.05 * share**3 - 0.12 * share**14), np.float32)


def _sections(body: CarBody) -> Floats:
    """(stations, 13, 3): the left half of each cross-section from the sill to the middle of the roof."""
    x = _stations(body)
    width, shoulder = _half_width(body, x), _smooth(body.shoulder_at(x))
    roof = np.maximum(_smooth(body.roof_at(x)), shoulder + 0.005)
    rise = roof - shoulder
    lift = np.clip(rise / (body.height - shoulder.mean()), 0, 1)
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
        (0.42 * width + 0.55 * cabin, shoulder + 0.55 * rise),
        (1.02 * cabin, roof - 0.10 * rise),
        (0.95 * cabin, roof - 0.02 * rise),
        (0.80 * cabin, roof + 0.35 * crown),
        (0.42 * cabin, roof + 0.85 * crown),
        (0.00 * cabin, roof + crown),
    ]
    return np.stack([np.stack([x, y, z], axis=1) for y, z in levels], axis=1).astype(np.float32)


def _shell(body: CarBody, side: Chart, top: Chart) -> list[Mesh]:
    """Both sides and the top."""
    left = _sections(body)
    right = left * floats((1, -1, 1))
    over = np.concatenate([left[:, _ROOF_EDGE:], right[:, _ROOF_EDGE:-1][:, ::-1]], axis=1)
    core = (np.nan, 0.0, body.sill + 0.3)
    below = slice(None, _ROOF_EDGE + 1)
    return [
        sheet(left[:, below], side, inside=core),
        sheet(right[:, below], side, inside=core),
        sheet(over, top, inside=core),
    ]


def _end(body: CarBody, chart: Chart, forward: int) -> Mesh:
    """The face of the nose (forward 1) or the tail (-1), closing the shell."""
    left = _sections(body)[-1 if forward > 0 else 0][:, None]
    share = np.linspace(-1, 1, 9)[None, :, None]
    points = left * np.concatenate([np.ones_like(share), share, np.ones_like(share)], axis=2)
    points[..., 0] += forward * 0.07 * (1 - share[..., 0] ** 2)  # the middle of a bumper stands out
    return sheet(points.astype(np.float32), chart, inside=((body.tail + body.nose) / 2, 0, 0.5))


def _underside(body: CarBody, black: Chart) -> Mesh:
    """Keeps daylight from shining through below the body."""
    half = body.width * 0.40
    return box((body.tail + 0.5, -half, body.sill * 0.75), (body.nose - 0.5, half, body.sill + 0.2), black)


def _wheel(body: CarBody, place: tuple[float, int, bool], chart: Chart, black: Chart) -> list[Mesh]:
    """A wheel at (axle, side, whether it is on the side of the camera)."""
    axle, side, near = place
    outer, depth, radius = side * (body.width / 2 - 0.015), 0.22, body.wheel
    hub = (axle, outer, radius)

    def face(points: Floats) -> Floats:
        return chart((points - floats((axle, 0, radius))) / floats(radius))

    profile = floats([(-side * depth, radius), (-0.02 * side, radius), (0, radius * 0.96)])
    tread = lathe(profile, black, axis=1, centre=hub)
    back = polygon(circle((axle, outer - side * depth, radius), radius, axis=1), black, facing=(0, -side, 0))
    rim = polygon(circle(hub, radius * 0.97, axis=1), face, facing=(0, side, 0), bulge=0.25)
    inner_layer = _LAYER.under if near else _LAYER.far
    return [back.on_layer(inner_layer), tread.on_layer(inner_layer), rim.on_layer(_LAYER.near if near else _LAYER.far)]


def _mirror(body: CarBody, side: int, skin: Chart) -> Mesh:
    x, y = body.cabin[3] - 0.28, side * body.width / 2
    z = float(body.shoulder_at(x))
    middle = (x + 0.02, y + side * 0.07, z + 0.09)
    pod = floats([(-0.05, 0.02), (-0.045, 0.07), (0.03, 0.062), (0.08, 0.03), (0.09, 0.0)])
    return lathe(pod, skin, axis=0, centre=middle, sides=10)


def _wing(body: CarBody, skin: Chart) -> list[Mesh]:
    """A spoiler on two posts."""
    x, half = body.tail + 0.12, body.width / 2 - 0.2
    foot = float(body.shoulder_at(x + 0.1))
    blade = box((x - 0.05, -half, foot + 0.19), (x + 0.24, half, foot + 0.23), skin)
    posts = [box((x + 0.02, y - 0.02, foot), (x + 0.14, y + 0.02, foot + 0.2), skin) for y in (-half * 0.7, half * 0.7)]
    return [*posts, blade]
