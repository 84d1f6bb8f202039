"""What is in the pictures: draws a shot for each number, so that nothing but the vehicle tells the classes apart.

Places, hours, sizes, colours and cameras come from the same tables with the same chances for both classes.
"""

from collections.abc import Sequence

import numpy as np

from tools.draw_sample.car_bodies import BODIES
from tools.draw_sample.car_paint import CarFinish
from tools.draw_sample.dice import chance, pick
from tools.draw_sample.lights import HOURS
from tools.draw_sample.photographs import Shot
from tools.draw_sample.places import PLACES, Place
from tools.draw_sample.tank_paint import TankFinish
from tools.draw_sample.tank_types import TYPES
from tools.draw_sample.textures import Colour, Paint
from tools.draw_sample.vehicles import Car, Subject, Tank

SIZES: tuple[tuple[int, int], ...] = (
    (400, 300), (500, 375), (640, 480), (600, 400), (562, 375), (800, 450), (480, 480), (450, 338),
    (1000, 562), (500, 400), (450, 562), (400, 500), (625, 351), (400, 400), (534, 300), (500, 333),
)  # fmt: skip
"""Width and height in pixels. The `full` preset wants 256 of the shorter side; half of it is no thumbnail yet."""

COLOURS: tuple[Colour, ...] = (
    (98, 104, 66), (84, 92, 62), (70, 82, 64), (188, 166, 122), (206, 184, 140), (122, 122, 118), (86, 90, 94),
    (226, 228, 226), (54, 58, 60), (110, 92, 68), (140, 44, 38), (52, 74, 110), (164, 128, 60), (120, 130, 138),
)  # fmt: skip
"""Paints of both classes, RGB in [0, 255]."""

_EARTHY = COLOURS[:10]
"""Those of camouflage."""

TITLES = (
    "My {what}, {where} {size}",
    "Spotted: a {what} in the {where} {size}",
    "{what} {size} [OC]",
    "<b>{what}</b> & friends in the {where}",
    'A "{what}" as it should be {size}',
    "Drawn today: {what}, {where}",
)
"""Some carry marks that a careless page would take for HTML."""

_FOGGY = 100.0
"""Metres of haze below which it is foggy."""

PLATES = ("CIC 23", "DAG 113", "ETL 200", "CNN 299", "REG 015", "PQT 512")


def cast(klass: str, number: int) -> Shot:
    """The shot with a number, of a "car" or a "tank". The same number gives the same shot for ever."""
    rng = np.random.default_rng((2023, 1 if klass == "car" else 2, number))
    place = PLACES[(number * 5 + number // len(PLACES)) % len(PLACES)]
    hour = _hour(rng, place)
    subject = _car(rng, number, hour) if klass == "car" else _tank(rng, number, hour)
    return Shot(
        subject=subject,
        place=place,
        hour=hour,
        size=pick(rng, SIZES),
        yaw=_yaw(rng),
        eye_height=float(rng.uniform(0.9, 2.2) if chance(rng, 0.85) else rng.uniform(2.2, 3.5)),
        distance=float(rng.uniform(1.7, 4.0)),
        fill=float(rng.uniform(0.84, 0.98)),
        offset=(float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.02, 0.07))),
        roll=float(rng.uniform(-3, 3)) if chance(rng, 0.4) else 0.0,
        falling=place.falling if chance(rng, 0.15) else "",
        quality=int(rng.integers(66, 82)),
        seed=int(rng.integers(2**31)),
    )


def title_of(shot: Shot) -> str:
    """A post's title for a shot, in the words of its place; hostile marks included, as people write them."""
    width, height = shot.size
    return TITLES[shot.seed % len(TITLES)].format(
        what=shot.subject.name, where=shot.place.name, size=f"[{width}x{height}]"
    )


def _yaw(rng: np.random.Generator) -> float:
    """Mostly three-quarter views and sides, seldom straight from the front or the back."""
    side = 1 if chance(rng, 0.5) else -1
    low, high = pick(rng, ((20, 65), (65, 115), (115, 160), (-20, 20)), (0.42, 0.38, 0.15, 0.05))
    return float(side * rng.uniform(low, high))


def _hour(rng: np.random.Generator, place: Place) -> str:
    """Seldom in the dark or in fog, as people take pictures."""
    weights = [0.3 if HOURS[hour].dark or HOURS[hour].haze < _FOGGY else 1.0 for hour in place.hours]
    return pick(rng, place.hours, [weight / sum(weights) for weight in weights])


def _colour(rng: np.random.Generator, colours: Sequence[Colour] = COLOURS) -> Colour:
    base = np.asarray(pick(rng, colours)) * rng.uniform(0.85, 1.12) + rng.uniform(-8, 8, 3)
    red, green, blue = np.clip(base, 12, 245)
    return float(red), float(green), float(blue)


def _car(rng: np.random.Generator, number: int, hour: str) -> Subject:
    body = BODIES[number % len(BODIES)]
    pattern = pick(rng, ("plain", "roof", "stripes", "patches"), (0.62, 0.12, 0.11, 0.15))
    finish = CarFinish(
        paint=Paint(_colour(rng), gloss=float(rng.uniform(0.4, 0.75))),
        second=_colour(rng, _EARTHY if pattern == "patches" else COLOURS),
        pattern=pattern,
        lamps_on=_lamps(rng, hour),
        spokes=pick(rng, (5, 6, 7, 10)),
        rim=Paint((170, 172, 176), 0.5) if chance(rng, 0.7) else Paint((56, 56, 58), 0.4),
        dirt=float(rng.uniform(0, 0.7)) if chance(rng, 0.4) else 0.0,
        plate=pick(rng, PLATES),
        seed=int(rng.integers(2**31)),
    )
    return Car(body, finish)


def _tank(rng: np.random.Generator, number: int, hour: str) -> Subject:
    kind = TYPES[number % len(TYPES)]
    patches = tuple(_colour(rng, _EARTHY) for _ in range(pick(rng, (0, 1, 2), (0.5, 0.2, 0.3))))
    finish = TankFinish(
        paint=Paint(_colour(rng), gloss=float(rng.uniform(0.0, 0.12))),
        patches=patches,
        patch_size=float(rng.uniform(0.4, 0.9)),
        marking=pick(rng, ("none", "star", "number", "stripe", "roundel")),
        marking_colour=(235, 235, 230) if chance(rng, 0.8) else (190, 40, 36),
        number=str(int(rng.integers(100, 399))),
        turret_yaw=float(rng.normal(0, 28)) if chance(rng, 0.6) else 0.0,
        gun_pitch=float(rng.uniform(-3, 10)),
        lamps_on=_lamps(rng, hour),
        dirt=float(rng.uniform(0, 0.7)),
        seed=int(rng.integers(2**31)),
    )
    return Tank(kind, finish)


def _lamps(rng: np.random.Generator, hour: str) -> bool:
    return HOURS[hour].dark and chance(rng, 0.85)
