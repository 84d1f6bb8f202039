"""The light of a picture: time of day, where the sun is, and what a shiny surface mirrors."""

from dataclasses import dataclass

import numpy as np

from tools.draw_sample.geometry import Floats, floats
from tools.draw_sample.rendering import Light
from tools.draw_sample.textures import Colour


@dataclass(frozen=True, slots=True)
class Hour:
    """A time of day or kind of weather.

    Attributes:
        zenith: colour of the sky above, RGB in [0, 255].
        skyline: of the sky at the horizon.
        sun: of the direct light, in [0, 1] and more.
        ambient: of the light from all around.
        height: of the sun, in degrees.
        clouds: share of the sky, 0 to 1.
        haze: metres at which the distance has faded to two fifths.
        dark: whether lamps and windows shine.
    """

    name: str
    zenith: Colour
    skyline: Colour
    sun: tuple[float, float, float]
    ambient: tuple[float, float, float]
    height: float
    clouds: float
    haze: float = 400.0
    dark: bool = False


HOURS: dict[str, Hour] = {
    hour.name: hour
    for hour in (
        Hour("day", (70, 125, 200), (196, 214, 230), (0.72, 0.68, 0.60), (0.55, 0.58, 0.64), 48, 0.35),
        Hour("overcast", (150, 158, 168), (198, 202, 206), (0.14, 0.14, 0.14), (0.78, 0.80, 0.83), 60, 0.9, 180),
        Hour("golden", (100, 130, 180), (246, 208, 150), (0.85, 0.62, 0.36), (0.48, 0.46, 0.46), 18, 0.4, 250),
        Hour("sunset", (66, 62, 112), (248, 138, 70), (0.78, 0.44, 0.24), (0.44, 0.37, 0.38), 9, 0.5, 200),
        Hour("dusk", (34, 44, 84), (150, 122, 134), (0.20, 0.17, 0.16), (0.42, 0.41, 0.48), 30, 0.4, 150, dark=True),
        Hour("night", (7, 9, 22), (34, 37, 60), (0.44, 0.38, 0.26), (0.20, 0.21, 0.27), 50, 0.2, 120, dark=True),
        Hour("fog", (186, 190, 194), (204, 207, 210), (0.06, 0.06, 0.06), (0.72, 0.74, 0.76), 50, 0.0, 60),
        Hour("studio", (60, 62, 66), (96, 98, 102), (0.60, 0.58, 0.55), (0.62, 0.63, 0.65), 62, 0.0, 900),
    )
}


def light_of(hour: Hour, ground: Colour, rng: np.random.Generator, camera_yaw: float) -> Light:
    """The light on a vehicle.

    Args:
        hour: time of day.
        ground: colour of the ground in white light, which shines back from below.
        rng: for where exactly the sun stands.
        camera_yaw: degrees; the sun is mostly behind the photographer.
    """
    yaw = np.radians(camera_yaw + rng.uniform(-75, 75))
    height = np.radians(hour.height + rng.uniform(-6, 6))
    towards = floats((np.cos(height) * np.cos(yaw), np.cos(height) * np.sin(yaw), np.sin(height)))
    ambient = floats(hour.ambient)
    below = floats(floats(ground) / 255 * (ambient + 0.6 * floats(hour.sun)))
    return Light(towards, floats(hour.sun), ambient, floats(below * 0.8), _surroundings(hour, below))


def _surroundings(hour: Hour, below: Floats) -> Floats:
    """What a mirror shows from straight down (0) to straight up (63)."""
    up = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    skyline, zenith = floats(hour.skyline) / 255, floats(hour.zenith) / 255
    sky = skyline + (zenith - skyline) * np.sqrt(np.clip(up, 0, 1))
    mirrored = np.where(up < 0, below * (1 + 0.4 * up), sky)
    # A dark rim where trees and houses stand makes paint look like paint.
    rim = np.exp(-(((up - 0.06) / 0.05) ** 2))
    return np.asarray(mirrored * (1 - 0.55 * rim), np.float32)
