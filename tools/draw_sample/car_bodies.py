"""The types of cars: a table of bodies by their profile seen from the side. How they are built is in `cars`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.draw_sample.geometry import Floats, floats


@dataclass(frozen=True, slots=True, kw_only=True)
class CarBody:
    """A body type, in metres. x runs forward from the middle of the car, z up from the ground.

    Attributes:
        name: in words.
        x: stations of `shoulder`, from tail to nose.
        shoulder: height of the upper edge of the lower body there: boot, window sill, bonnet.
        cabin: x of the foot of the rear window, its top, the top of the windscreen and its foot.
        roof: height over the rear window, in the middle and over the windscreen.
        doors: x of the gaps between the doors.
        pillars: x of the pillars between the side windows.
        width: over everything but the mirrors.
        sill: height of the lower edge.
        axles: x of the rear and the front axle.
        wheel: radius.
        tumble: half the width of the roof over half the width of the body.
        grille: "bars", "mesh", "slats" or "none".
        extras: any of "bed", "rails", "wing", "chrome", "round lamps", "spare wheel".
    """

    name: str
    x: Sequence[float]
    shoulder: Sequence[float]
    cabin: tuple[float, float, float, float]
    roof: tuple[float, float, float]
    doors: tuple[float, ...]
    pillars: tuple[float, ...]
    width: float
    sill: float
    axles: tuple[float, float]
    wheel: float
    tumble: float = 0.72
    grille: str = "bars"
    extras: frozenset[str] = frozenset()

    @property
    def tail(self) -> float:
        """The rear end's x."""
        return self.x[0]

    @property
    def nose(self) -> float:
        """The front end's x."""
        return self.x[-1]

    @property
    def height(self) -> float:
        """Of the roof."""
        return max(self.roof)

    def shoulder_at(self, x: float | Floats) -> Floats:
        """Height of the lower body's upper edge."""
        return floats(np.interp(x, self.x, self.shoulder))

    def roof_at(self, x: float | Floats) -> Floats:
        """Height of the car's middle line: boot, rear window, roof, windscreen, bonnet."""
        rear, rear_top, front_top, front = self.cabin
        stations = (rear, rear_top, 0.55 * rear_top + 0.45 * front_top, front_top, front)
        heights = (float(self.shoulder_at(rear)), *self.roof, float(self.shoulder_at(front)))
        cabin = np.interp(x, stations, heights, left=0.0, right=0.0)
        return floats(np.maximum(cabin, self.shoulder_at(x)))


BODIES: tuple[CarBody, ...] = (
    CarBody(
        name="sedan",
        x=(-2.35, -2.28, -1.5, 0.0, 0.95, 1.7, 2.2, 2.35),
        shoulder=(0.80, 1.00, 1.02, 0.96, 0.95, 0.90, 0.80, 0.66),
        cabin=(-1.80, -0.85, 0.20, 1.05),
        roof=(1.40, 1.45, 1.40),
        doors=(0.85, -0.25, -1.15),
        pillars=(-0.25, -1.15),
        width=1.82,
        sill=0.22,
        axles=(-1.40, 1.40),
        wheel=0.33,
    ),
    CarBody(
        name="hatchback",
        x=(-1.95, -1.90, -1.2, 0.0, 0.85, 1.5, 1.85, 1.98),
        shoulder=(0.72, 1.02, 1.02, 0.98, 0.97, 0.92, 0.82, 0.66),
        cabin=(-1.88, -1.35, 0.15, 0.98),
        roof=(1.46, 1.53, 1.47),
        doors=(0.80, -0.20, -1.10),
        pillars=(-0.20, -1.15),
        width=1.75,
        sill=0.22,
        axles=(-1.25, 1.27),
        wheel=0.32,
        tumble=0.76,
        grille="mesh",
    ),
    CarBody(
        name="SUV",
        x=(-2.30, -2.28, -1.2, 0.0, 0.95, 1.9, 2.25, 2.35),
        shoulder=(0.80, 1.15, 1.16, 1.12, 1.11, 1.08, 1.00, 0.80),
        cabin=(-2.26, -1.95, 0.25, 1.00),
        roof=(1.70, 1.78, 1.72),
        doors=(0.90, -0.15, -1.15),
        pillars=(-0.15, -1.15),
        width=1.92,
        sill=0.34,
        axles=(-1.40, 1.42),
        wheel=0.40,
        tumble=0.78,
        grille="slats",
        extras=frozenset({"rails"}),
    ),
    CarBody(
        name="off-roader",
        x=(-2.0, -1.99, -1.0, 0.0, 0.85, 1.8, 1.96, 2.0),
        shoulder=(0.80, 1.18, 1.18, 1.17, 1.17, 1.15, 1.11, 0.88),
        cabin=(-1.98, -1.90, 0.45, 0.78),
        roof=(1.86, 1.90, 1.86),
        doors=(0.75, -0.20, -1.10),
        pillars=(-0.20, -1.10),
        width=1.80,
        sill=0.45,
        axles=(-1.25, 1.28),
        wheel=0.42,
        tumble=0.86,
        grille="slats",
        extras=frozenset({"spare wheel", "round lamps", "rails"}),
    ),
    CarBody(
        name="sports car",
        x=(-2.2, -2.15, -1.4, -0.5, 0.6, 1.3, 1.95, 2.25),
        shoulder=(0.74, 0.95, 0.99, 0.87, 0.83, 0.82, 0.70, 0.52),
        cabin=(-1.60, -0.75, 0.10, 0.95),
        roof=(1.18, 1.22, 1.19),
        doors=(0.70, -0.60),
        pillars=(-0.60,),
        width=1.92,
        sill=0.13,
        axles=(-1.28, 1.32),
        wheel=0.34,
        tumble=0.66,
        grille="none",
        extras=frozenset({"wing"}),
    ),
    CarBody(
        name="coupe",
        x=(-2.35, -2.28, -1.5, -0.2, 0.6, 1.6, 2.25, 2.38),
        shoulder=(0.74, 0.96, 1.00, 0.94, 0.94, 0.92, 0.86, 0.68),
        cabin=(-1.90, -0.90, -0.10, 0.65),
        roof=(1.28, 1.33, 1.30),
        doors=(0.50, -0.75),
        pillars=(-0.75,),
        width=1.90,
        sill=0.20,
        axles=(-1.38, 1.42),
        wheel=0.36,
        tumble=0.68,
        grille="mesh",
    ),
    CarBody(
        name="estate",
        x=(-2.42, -2.40, -1.2, 0.0, 0.95, 1.7, 2.25, 2.38),
        shoulder=(0.74, 1.00, 0.99, 0.96, 0.95, 0.90, 0.80, 0.64),
        cabin=(-2.36, -1.85, 0.20, 1.05),
        roof=(1.40, 1.48, 1.42),
        doors=(0.85, -0.20, -1.15),
        pillars=(-0.20, -1.15),
        width=1.83,
        sill=0.21,
        axles=(-1.40, 1.42),
        wheel=0.33,
        tumble=0.74,
        extras=frozenset({"rails"}),
    ),
    CarBody(
        name="pickup",
        x=(-2.75, -2.74, -1.2, 0.0, 1.0, 2.2, 2.5, 2.58),
        shoulder=(0.78, 1.12, 1.12, 1.11, 1.11, 1.10, 1.04, 0.80),
        cabin=(-1.02, -0.85, 0.40, 1.10),
        roof=(1.70, 1.77, 1.73),
        doors=(1.00, 0.05, -0.95),
        pillars=(0.05,),
        width=1.94,
        sill=0.42,
        axles=(-1.65, 1.68),
        wheel=0.41,
        tumble=0.78,
        grille="slats",
        extras=frozenset({"bed"}),
    ),
    CarBody(
        name="van",
        x=(-2.45, -2.44, -1.0, 0.5, 1.45, 2.05, 2.32, 2.40),
        shoulder=(0.64, 1.05, 1.10, 1.10, 1.09, 1.00, 0.88, 0.68),
        cabin=(-2.43, -2.30, 0.85, 1.75),
        roof=(1.88, 1.95, 1.88),
        doors=(1.35, 0.35, -0.95),
        pillars=(0.35, -0.95),
        width=1.95,
        sill=0.25,
        axles=(-1.50, 1.50),
        wheel=0.35,
        tumble=0.84,
        grille="mesh",
    ),
    CarBody(
        name="classic saloon",
        x=(-2.35, -2.25, -1.6, -0.6, 0.7, 1.6, 2.1, 2.28),
        shoulder=(0.64, 0.86, 1.00, 0.99, 1.01, 1.00, 0.94, 0.74),
        cabin=(-1.75, -1.10, 0.25, 0.72),
        roof=(1.44, 1.54, 1.46),
        doors=(0.65, -0.25, -1.05),
        pillars=(-0.25, -1.00),
        width=1.74,
        sill=0.27,
        axles=(-1.32, 1.38),
        wheel=0.36,
        grille="bars",
        extras=frozenset({"chrome", "round lamps"}),
    ),
    CarBody(
        name="mini",
        x=(-1.55, -1.52, -0.9, 0.0, 0.65, 1.2, 1.5, 1.58),
        shoulder=(0.62, 0.90, 0.91, 0.89, 0.89, 0.88, 0.82, 0.64),
        cabin=(-1.50, -1.05, 0.25, 0.68),
        roof=(1.33, 1.39, 1.34),
        doors=(0.60, -0.40),
        pillars=(-0.40,),
        width=1.48,
        sill=0.19,
        axles=(-1.02, 1.05),
        wheel=0.28,
        tumble=0.80,
        extras=frozenset({"round lamps", "chrome"}),
    ),
)
"""All body types."""
