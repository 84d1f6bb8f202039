"""The sky: a gradient, clouds, and stars at night."""

import numpy as np

from tools.draw_sample.backdrops import Canvas
from tools.draw_sample.geometry import floats
from tools.draw_sample.textures import noise


def paint_sky(canvas: Canvas) -> None:
    """Paint the whole picture as sky; what comes later covers what is below the horizon."""
    hour = canvas.hour
    up = np.clip((canvas.horizon - np.arange(canvas.height)) / (0.7 * canvas.height), 0, 1)[:, None, None]
    canvas.pixels[:] = floats(hour.skyline) * (1 - up**0.7) + floats(hour.zenith) * up**0.7
    rows = int(np.clip(canvas.horizon, 0, canvas.height))
    if hour.clouds and rows:
        _paint_clouds(canvas, rows)
    if hour.name == "night" and rows:
        _paint_stars(canvas, rows)


def _paint_clouds(canvas: Canvas, rows: int) -> None:
    clouds = noise(canvas.rng, rows, canvas.width, cell=canvas.height * 0.45, octaves=5)
    cover = np.clip(clouds * 0.5 + canvas.hour.clouds - 0.45, 0, 0.8)[..., None]
    bright = np.clip(floats(canvas.hour.skyline) * 1.05 + 10, 0, 255)
    canvas.pixels[:rows] += cover * (bright - canvas.pixels[:rows])


def _paint_stars(canvas: Canvas, rows: int) -> None:
    count = canvas.width // 8
    places = canvas.rng.integers(0, rows, count), canvas.rng.integers(0, canvas.width, count)
    canvas.pixels[places] += floats(canvas.rng.uniform(30, 150, (count, 1)))
